-- The owner of an import: name, since when they are logged in, and the user ids that Spotify gave for them and for
-- those who were merged into them.
select
    dim_listener.listener_id,
    dim_listener.listener_name,
    (
        select min(coalesce(login.consented_at, login.first_seen_at))
        from ops.login
        inner join listening.dim_listener as account on account.listener_key = login.listener_key
        where dim_listener.listener_key in (account.listener_key, account.merged_into)
    ) as logged_in_at,
    array(
        select listener_user.user_id
        from ops.listener_user
        inner join listening.dim_listener as account on account.listener_key = listener_user.listener_key
        where dim_listener.listener_key in (account.listener_key, account.merged_into)
    ) as user_ids
from listening.dim_listener
where dim_listener.listener_key = :listener_key
