-- The devices of a name, a type or a platform, whatever the case of its letters; empty for one that nobody has.

create or replace function listening.device_keys(device_words text)
returns integer[]
language sql stable parallel safe
as $$
select coalesce(array_agg(dim_device.device_key), '{}')
from listening.dim_device
where
    lower(device_words)
    in (lower(dim_device.device_name), lower(dim_device.device_type), lower(dim_device.platform))
$$;

comment on function listening.device_keys is
    'The devices of a name, a type or a platform, whatever the case of its letters.';
