-- Store a login seen for the first time.
insert into ops.login (
    setting_fingerprint,
    first_seen_at
)
values (
    :setting_fingerprint,
    :first_seen_at
)
on conflict (setting_fingerprint) do nothing
