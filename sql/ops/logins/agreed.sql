-- Store a login to which its listener has just consented.
insert into ops.login (
    setting_fingerprint,
    listener_key,
    refresh_token_encrypted,
    first_seen_at,
    consented_at,
    has_player_scope
)
values (
    :setting_fingerprint,
    :listener_key,
    :refresh_token_encrypted,
    :consented_at,
    :consented_at,
    :has_player_scope
)
on conflict (setting_fingerprint) do update
set
    listener_key = excluded.listener_key,
    refresh_token_encrypted = excluded.refresh_token_encrypted,
    consented_at = excluded.consented_at,
    has_player_scope = excluded.has_player_scope,
    refused_at = null,
    refused_reason = null
