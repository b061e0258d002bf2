-- Whose record this key opens, and what they set. No row if there is no such key.
select
    api_key.api_key_key,
    api_key.is_read_only,
    coalesce(api_key.used_at < cast(:now as timestamptz) - interval '1 hour', true) as is_used_again,
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone,
    coalesce(web_setting.counts_as, '30s') as counts_as
from ops.api_key
inner join listening.dim_listener on dim_listener.listener_key = api_key.listener_key
left join ops.web_setting on web_setting.listener_key = api_key.listener_key
where dim_listener.merged_into is null and api_key.key_hash = :key_hash
