-- Two rows of one page of a source that re-dates its plays are two plays, if their dates are a second or more apart:
-- such a source lists a play once, or twice within a second, often once with and once without its context. Remembered
-- for all tracks, because the catalogue may link two of them later, if a date between them, from another page, could
-- join them (twice the tolerance of ops.match_rule). The spans of time that new ones concern are looked at again.

create temporary table nearby_span (
    starts_at timestamptz not null,
    ends_at timestamptz not null
) on commit drop;

create temporary table listed_row on commit drop as
select
    spaced.source_key,
    spaced.track_key,
    spaced.observed_at,
    spaced.reach,
    floor(date_part('epoch', spaced.observed_at) / date_part('epoch', spaced.reach))::bigint as time_block,
    count(*) filter (where spaced.is_apart) over (
        partition by
            spaced.source_key,
            spaced.track_key
        order by
            spaced.observed_at,
            spaced.item_number
    ) as listed_number
from (
    select
        batch_observation.item_number,
        batch_observation.source_key,
        batch_observation.track_key,
        batch_observation.observed_at,
        2 * match_rule.seconds * interval '1 second' as reach,
        batch_observation.observed_at >= lag(batch_observation.observed_at) over (
            partition by
                batch_observation.source_key,
                batch_observation.track_key
            order by
                batch_observation.observed_at,
                batch_observation.item_number
        ) + interval '1 second' as is_apart
    from batch_observation
    inner join listening.source on source.source_key = batch_observation.source_key
    inner join ops.match_rule
        on
            match_rule.tier = 0
            and match_rule.source_key = source.source_key
            and match_rule.other_source_key = source.source_key
    where
        source.is_redating
        and batch_observation.track_key <> 0
) as spaced;

analyze listed_row;

with added as (
    insert into ops.told_apart (
        listener_key,
        track_key,
        earlier_at,
        later_at
    )
    select distinct
        cast(:account_key as integer),
        earlier.track_key,
        earlier.observed_at,
        later.observed_at
    from listed_row as earlier
    cross join lateral (values (earlier.time_block), (earlier.time_block + 1)) as near (time_block)
    inner join listed_row as later
        on
            later.time_block = near.time_block
            and later.source_key = earlier.source_key
    where
        later.observed_at <= earlier.observed_at + earlier.reach
        and case
            -- a play that is listed twice has all its dates apart from those of the next
            when later.track_key = earlier.track_key then later.listed_number > earlier.listed_number
            else later.observed_at >= earlier.observed_at + interval '1 second'
        end
    order by
        3,
        4,
        2
    on conflict do nothing
    returning
        earlier_at,
        later_at
)
insert into nearby_span (
    starts_at,
    ends_at
)
select
    added.earlier_at,
    added.later_at
from added
