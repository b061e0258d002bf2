-- Store a user id that Spotify gives for a listener.
insert into ops.listener_user (
    listener_key,
    user_id
)
values (
    :listener_key,
    :user_id
)
on conflict do nothing
