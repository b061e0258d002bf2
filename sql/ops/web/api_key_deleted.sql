-- A key of a listener goes; no row if they have none of this number.
delete from ops.api_key
where
    api_key.listener_key = :listener_key
    and api_key.api_key_key = :api_key_key
returning api_key.api_key_key
