-- The newest login of each account that can be used without a setting, those first whose list was looked at longest ago.
-- account_key: whose login it is. listener_key: into whose record its plays go, the same but after a merge of listeners.
select
    newest.login_key,
    coalesce(dim_listener.merged_into, newest.account_key) as listener_key,
    newest.account_key,
    newest.first_seen_at,
    newest.consented_at,
    newest.refused_at,
    newest.refused_reason,
    newest.has_player_scope
from (
    select distinct on (login.listener_key)
        login.login_key,
        login.listener_key as account_key,
        login.first_seen_at,
        login.consented_at,
        login.refused_at,
        login.refused_reason,
        login.has_player_scope
    from ops.login
    where
        login.listener_key is not null
        and login.consented_at is not null
        and login.refresh_token_encrypted is not null
    order by
        login.listener_key,
        login.consented_at desc,
        login.login_key desc
) as newest
inner join listening.dim_listener on dim_listener.listener_key = newest.account_key
left join ops.watermark
    on
        watermark.listener_key = newest.account_key
        and watermark.source = 'recently_played'
order by
    watermark.checked_at nulls first,
    newest.account_key
