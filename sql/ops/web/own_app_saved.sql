-- Keep an app of a listener's own in place of the one they brought before, under the same number.
with replaced as (
    update ops.app
    set
        client_id_encrypted = :client_id_encrypted,
        client_secret_encrypted = :client_secret_encrypted,
        added_at = :now
    where app.listener_key = :listener_key
    returning app.app_key
)
insert into ops.app (
    listener_key,
    client_id_encrypted,
    client_secret_encrypted,
    added_at
)
select
    :listener_key,
    :client_id_encrypted,
    :client_secret_encrypted,
    :now
where not exists (select 1 from replaced)
