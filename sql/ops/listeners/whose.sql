-- The owner of an import: name, since when they are logged in, and the user ids that Spotify gave for them.
select
    dim_listener.listener_id,
    dim_listener.listener_name,
    (
        select min(coalesce(login.consented_at, login.first_seen_at))
        from ops.login
        where login.listener_key = dim_listener.listener_key
    ) as logged_in_at,
    array(
        select listener_user.user_id
        from ops.listener_user
        where listener_user.listener_key = dim_listener.listener_key
    ) as user_ids
from listening.dim_listener
where dim_listener.listener_key = :listener_key
