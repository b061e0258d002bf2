-- The listener, made when first seen. A new time zone moves the local date and minute of every play.

insert into listening.dim_listener (
    listener_id,
    listener_name,
    time_zone,
    created_at
)
values (
    :listener_id,
    :listener_name,
    :time_zone,
    :created_at
)
on conflict (listener_id) do update
set listener_name = coalesce(excluded.listener_name, dim_listener.listener_name)
returning listener_key;
