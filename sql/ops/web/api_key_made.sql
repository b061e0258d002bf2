-- Store a key to the API.
insert into ops.api_key (
    key_hash,
    listener_key,
    key_name,
    is_read_only,
    created_at
)
values (
    :key_hash,
    :listener_key,
    :key_name,
    :is_read_only,
    :now
)
