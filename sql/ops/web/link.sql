-- The page that a link shows, and whose, if it still works; and count that it was opened, where it was.
with opened as (
    update ops.shared_link
    set opened_count = shared_link.opened_count + 1
    where
        shared_link.token_hash = :token_hash
        and (shared_link.ends_at is null or shared_link.ends_at > cast(:now as timestamptz))
        and cast(:is_opened as boolean)
)
select
    shared_link.page_name,
    shared_link.page_parameters,
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone,
    coalesce(web_setting.counts_as, '30s') as counts_as
from ops.shared_link
inner join listening.dim_listener on dim_listener.listener_key = shared_link.listener_key
left join ops.web_setting on web_setting.listener_key = shared_link.listener_key
where
    dim_listener.merged_into is null
    and shared_link.token_hash = :token_hash
    and (shared_link.ends_at is null or shared_link.ends_at > cast(:now as timestamptz))
