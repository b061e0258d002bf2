-- The contents of the files of an import, made if they are new, with the set that holds only each. One row a file, in
-- their order.
with given as (
    select
        file.content_hash,
        file.rules,
        file.place
    from unnest(cast(:hashes as text[]), cast(:rules as text[])) with ordinality as file (content_hash, rules, place)
),
added as (
    insert into ops.import_content (
        listener_key,
        content_hash,
        rules
    )
    select distinct
        cast(:listener_key as integer),
        given.content_hash,
        given.rules
    from given
    on conflict do nothing
    returning
        import_content_key,
        content_hash,
        rules
),
content as (
    select
        added.import_content_key,
        added.content_hash,
        added.rules
    from added
    union all
    select
        import_content.import_content_key,
        import_content.content_hash,
        import_content.rules
    from ops.import_content
    where import_content.listener_key = :listener_key
),
added_set as (
    insert into ops.import_set (
        listener_key,
        content_keys
    )
    select distinct
        cast(:listener_key as integer),
        array[content.import_content_key]
    from content
    inner join given
        on
            given.content_hash = content.content_hash
            and given.rules = content.rules
    on conflict do nothing
    returning
        import_set_key,
        content_keys
),
alone as (
    select
        added_set.import_set_key,
        added_set.content_keys
    from added_set
    union all
    select
        import_set.import_set_key,
        import_set.content_keys
    from ops.import_set
    where import_set.listener_key = :listener_key
)
select
    content.import_content_key,
    alone.import_set_key
from given
inner join content
    on
        content.content_hash = given.content_hash
        and content.rules = given.rules
inner join alone on alone.content_keys = array[content.import_content_key]
order by given.place
