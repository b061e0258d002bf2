-- Store the new token that Spotify issued.
update ops.login
set
    refresh_token_encrypted = :refresh_token_encrypted,
    rotated_at = :rotated_at
where login.login_key = :login_key
