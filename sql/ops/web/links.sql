-- The links that a listener shares, the newest first.
select
    shared_link.shared_link_key,
    shared_link.page_name,
    shared_link.page_parameters,
    shared_link.created_at,
    shared_link.ends_at,
    shared_link.opened_count,
    shared_link.ends_at <= cast(:now as timestamptz) as is_ended
from ops.shared_link
where shared_link.listener_key = :listener_key
order by shared_link.shared_link_key desc
