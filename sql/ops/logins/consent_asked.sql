-- Store a login that another run will complete, and delete those older than an hour.
with forgotten as (
    delete from ops.consent
    where consent.asked_at < cast(:asked_at as timestamptz) - interval '1 hour'
)
insert into ops.consent (
    state_fingerprint,
    verifier_encrypted,
    redirect_uri,
    asked_at
)
values (
    :state_fingerprint,
    :verifier_encrypted,
    :redirect_uri,
    :asked_at
)
