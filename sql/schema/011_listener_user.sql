-- The user ids of a listener, to tell whether an export that names its user is theirs.

create table ops.listener_user (
    listener_key integer not null,
    user_id text not null,
    primary key (listener_key, user_id)
);
comment on table ops.listener_user is 'User ids that Spotify named for a listener who logged in: an import compares them with the user name in an export, and warns when they differ.';
comment on column ops.listener_user.listener_key is 'The listener.';
comment on column ops.listener_user.user_id is 'A user id that Spotify named for them; it may change, so there may be several.';
