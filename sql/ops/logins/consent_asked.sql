-- A login under way, to be finished by another run; what is older than an hour is forgotten.
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
