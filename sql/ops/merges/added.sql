-- Record a merge, with the content and the set that stand for all that the merged listener's record reports, and the
-- spans that their exports cover. Returns its keys.
create temporary table dying_content (
    import_content_key integer not null
) on commit drop;

create temporary table new_merge on commit drop as
with merge as (
    insert into ops.listener_merge (
        listener_key,
        into_listener_key,
        merged_at
    )
    values (
        :listener_key,
        :into_listener_key,
        :now
    )
    returning merge_key
),
content as (
    insert into ops.import_content (
        listener_key,
        content_hash,
        rules
    )
    select
        :into_listener_key,
        'listener merge ' || merge.merge_key,
        ''
    from merge
    returning import_content_key
),
alone as (
    insert into ops.import_set (
        listener_key,
        content_keys
    )
    select
        :into_listener_key,
        array[content.import_content_key]
    from content
    returning import_set_key
)
select
    merge.merge_key,
    content.import_content_key,
    alone.import_set_key
from merge
cross join content
cross join alone;

update ops.listener_merge
set import_content_key = new_merge.import_content_key
from new_merge
where listener_merge.merge_key = new_merge.merge_key;

insert into ops.import_span (
    import_content_key,
    source,
    starts_at,
    ends_at
)
select
    new_merge.import_content_key,
    coverage.source,
    coverage.starts_at,
    coverage.ends_at
from new_merge
cross join ops.coverage
inner join listening.source on source.source_name = coverage.source
where
    coverage.listener_key = :listener_key
    and coverage.state = 'covered'
    and source.coverage = 'span';

select
    new_merge.merge_key,
    new_merge.import_content_key,
    new_merge.import_set_key
from new_merge
