-- Store the new token that Spotify issued. If Spotify refused the one before meanwhile, the login is good again.
update ops.login
set
    refresh_token_encrypted = :refresh_token_encrypted,
    rotated_at = :rotated_at,
    refused_at = null,
    refused_reason = null
where login.login_key = :login_key
