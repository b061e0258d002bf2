-- Store a login that a browser starts, and delete those older than an hour.
with forgotten as (
    delete from ops.consent
    where consent.asked_at < cast(:asked_at as timestamptz) - interval '1 hour'
)
insert into ops.consent (
    state_fingerprint,
    verifier_encrypted,
    redirect_uri,
    asked_at,
    browser_hash,
    invitation_key,
    app_key
)
values (
    :state_fingerprint,
    :verifier_encrypted,
    :redirect_uri,
    :asked_at,
    :browser_hash,
    :invitation_key,
    :app_key
)
