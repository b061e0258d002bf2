-- The login under way that this state belongs to, which serves once; no row when there is none, or when it is older than an hour.
delete from ops.consent
where
    consent.state_fingerprint = :state_fingerprint
    and consent.asked_at >= cast(:now as timestamptz) - interval '1 hour'
returning
    verifier_encrypted,
    redirect_uri
