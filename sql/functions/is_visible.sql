-- Whether the rows of a listener may be seen: all are, except where one listener is set, as the web application does.
-- For views that read schema ops with the rights of their owner, which row-level security does not hold.

create or replace function listening.is_visible(listener_key integer)
returns boolean
language sql stable parallel safe
as $$
select coalesce(nullif(current_setting('brapped.listener_key', true), ''), is_visible.listener_key::text)
    = is_visible.listener_key::text
$$;

comment on function listening.is_visible is
    'False within a transaction that is confined to another listener, by the setting brapped.listener_key.';
