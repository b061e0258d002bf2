-- The merges of listeners that hold, the latest first (merge_key null), or the one with this number, taken back or not.
select
    listener_merge.merge_key,
    listener_merge.listener_key,
    own.listener_id,
    own.listener_name,
    listener_merge.into_listener_key,
    other.listener_id as into_listener_id,
    other.listener_name as into_listener_name,
    listener_merge.merged_at,
    listener_merge.undone_at,
    listener_merge.import_content_key,
    -- the merge by which the other listener went on into a third one
    (
        select later.merge_key
        from ops.listener_merge as later
        where
            later.listener_key = listener_merge.into_listener_key
            and later.undone_at is null
    ) as later_merge_key
from ops.listener_merge
inner join listening.dim_listener as own on own.listener_key = listener_merge.listener_key
left join listening.dim_listener as other on other.listener_key = listener_merge.into_listener_key
where
    listener_merge.merge_key = :merge_key
    or (
        cast(:merge_key as integer) is null
        and listener_merge.undone_at is null
    )
order by listener_merge.merge_key desc
