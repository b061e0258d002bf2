-- Take the pending login of a command with this state; it can be used once. No row if there is none, or it is older
-- than an hour.
delete from ops.consent
where
    consent.state_fingerprint = :state_fingerprint
    and consent.browser_hash is null
    and consent.asked_at >= cast(:now as timestamptz) - interval '1 hour'
returning
    verifier_encrypted,
    redirect_uri
