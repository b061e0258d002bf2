-- On what a listener played something: names, types and platforms of devices. Spellings that differ in case are one,
-- named as most plays have it, as device_keys compares them. The exact one first, then the most used.
select
    0 as found_key,
    (array_agg(spelling.device_name order by spelling.play_count desc, spelling.device_name))[1] as found_name,
    null as by_whom,
    null as found_id,
    lower(spelling.device_name) = lower(:wanted) as is_exact
from (
    select
        names.device_name,
        sum(played.play_count) as play_count
    from (
        select
            fact_play.device_key,
            count(*) as play_count
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.device_key > 0
        group by fact_play.device_key
    ) as played
    inner join listening.dim_device on dim_device.device_key = played.device_key
    cross join lateral (
        values (dim_device.device_name), (dim_device.device_type), (dim_device.platform)
    ) as names (device_name)
    where strpos(lower(names.device_name), lower(:wanted)) > 0
    group by names.device_name
) as spelling
group by lower(spelling.device_name)
order by
    is_exact desc,
    sum(spelling.play_count) desc,
    found_name
limit :row_limit
