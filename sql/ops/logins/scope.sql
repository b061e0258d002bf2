-- Note whether a login may ask what plays.
update ops.login
set has_player_scope = :has_player_scope
where login.login_key = :login_key
