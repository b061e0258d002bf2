-- Who is logged in with this session, and what they set. No row if there is none, it has ended, or
-- the listener was merged into another one.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone,
    coalesce(web_setting.counts_as, '30s') as counts_as,
    coalesce(web_setting.is_open_to_comparison, false) as is_open_to_comparison,
    web_session.seen_at < cast(:now as timestamptz) - interval '1 hour' as is_seen_again
from ops.web_session
inner join listening.dim_listener on dim_listener.listener_key = web_session.listener_key
left join ops.web_setting on web_setting.listener_key = web_session.listener_key
where
    dim_listener.merged_into is null
    and web_session.session_hash = :session_hash
    and web_session.ends_at > cast(:now as timestamptz)
