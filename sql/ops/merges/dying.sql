-- What the taking back of a merge ends: the content that stands for it, and the sets that hold it, with what is left of
-- each. What only imports from before contents were kept reported, beside the merge, is theirs alone again.
update listening.observation
set import_set_key = null
from ops.import_set
where
    import_set.content_keys = (
        select array_agg(import_content.import_content_key order by import_content.import_content_key)
        from ops.import_content
        where
            import_content.listener_key = :into_listener_key
            and (import_content.is_earlier or import_content.import_content_key = :content_key)
        having bool_or(import_content.is_earlier)
    )
    and observation.listener_key = :into_listener_key
    and observation.import_set_key = import_set.import_set_key;

create temporary table dying_content on commit drop as
select cast(:content_key as integer) as import_content_key;

create temporary table dying_set on commit drop as
select
    import_set.import_set_key,
    array_remove(import_set.content_keys, cast(:content_key as integer)) as content_keys
from ops.import_set
where
    import_set.listener_key = :into_listener_key
    and import_set.content_keys @> array[cast(:content_key as integer)]
