-- A key is used. To the hour, so that a question does not cost a write.
update ops.api_key
set used_at = :now
where api_key.api_key_key = :api_key_key
