-- Take the login with this state that this browser started within ten minutes; it can be used once.
delete from ops.consent
where
    consent.state_fingerprint = :state_fingerprint
    and consent.browser_hash = :browser_hash
    and consent.asked_at >= cast(:now as timestamptz) - interval '10 minutes'
returning
    verifier_encrypted,
    redirect_uri,
    invitation_key,
    app_key
