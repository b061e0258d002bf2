-- Insert devices and platforms of the batch that are new.

insert into listening.dim_device (
    device_id,
    device_name,
    device_type,
    platform
)
select distinct
    staging_play_detail.device_id,
    staging_play_detail.device_name,
    staging_play_detail.device_type,
    staging_play_detail.platform
from staging_play_detail
where
    num_nonnulls(
        staging_play_detail.device_id,
        staging_play_detail.device_name,
        staging_play_detail.device_type,
        staging_play_detail.platform
    ) > 0
    and not exists (
        select 1
        from listening.dim_device
        where
            (dim_device.device_id, dim_device.device_name, dim_device.device_type, dim_device.platform)
            is not distinct from
            (
                staging_play_detail.device_id,
                staging_play_detail.device_name,
                staging_play_detail.device_type,
                staging_play_detail.platform
            )
    )
order by
    staging_play_detail.device_id,
    staging_play_detail.device_name,
    staging_play_detail.device_type,
    staging_play_detail.platform
on conflict do nothing;
