-- The other listeners who agree to be compared, if this one does too; all of them, or one.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone,
    web_setting.counts_as
from ops.web_setting
inner join listening.dim_listener on dim_listener.listener_key = web_setting.listener_key
where
    web_setting.is_open_to_comparison
    and dim_listener.merged_into is null
    and web_setting.listener_key <> :listener_key
    and web_setting.listener_key = coalesce(cast(:other_listener_key as integer), web_setting.listener_key)
    and exists (
        select 1
        from ops.web_setting as own
        where own.listener_key = :listener_key and own.is_open_to_comparison
    )
order by
    dim_listener.listener_name,
    dim_listener.listener_key
