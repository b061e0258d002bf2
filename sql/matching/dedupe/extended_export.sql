-- The extended export. Rows equal in ts, item and ms_played are one play, unless they began at different moments: as
-- far apart as the play is long, or farther, they are two (a phone that was offline dates many plays to the moment it
-- came back). A row that says no start goes with the first.
--
-- Rows of one item that began at the same moment are one play, told again seconds or days later, sometimes shorter.
-- Since October 2022 the start has no fraction of a second. Nothing that lasted a second or more can be played twice in
-- the same second, so longer rows are one play. Of shorter ones (a skip repeated within a second), only those of equal
-- length are, of which one is dated more than a minute after its end.
--
-- A row without a name is the same play as a named row with equal ts and ms_played (above zero).

create temporary table exported on commit drop as
select
    near_observation.observation_number,
    near_observation.track_key,
    near_observation.observed_at,
    near_observation.started_at,
    near_observation.ms_played
from near_observation
where
    near_observation.source_key = (
        select source.source_key
        from listening.source
        where source.source_name = 'extended_export'
    );

analyze exported;

insert into observation_link (
    observation_number,
    other_number
)
with repeated as (
    select
        exported.track_key,
        exported.observed_at,
        exported.ms_played
    from exported
    group by
        exported.track_key,
        exported.observed_at,
        exported.ms_played
    having count(*) > 1
),
spaced as (
    select
        exported.observation_number,
        exported.track_key,
        exported.observed_at,
        exported.ms_played,
        exported.started_at,
        exported.started_at >= lag(exported.started_at) over alike
        + greatest(exported.ms_played, 1) * interval '1 millisecond' as is_apart
    from repeated
    inner join exported
        on
            exported.track_key = repeated.track_key
            and exported.observed_at = repeated.observed_at
            and exported.ms_played = repeated.ms_played
    window alike as (
        partition by exported.track_key, exported.observed_at, exported.ms_played
        order by exported.started_at nulls first
    )
),
numbered as (
    select
        spaced.observation_number,
        spaced.track_key,
        spaced.observed_at,
        spaced.ms_played,
        count(*) filter (where spaced.is_apart) over (
            partition by spaced.track_key, spaced.observed_at, spaced.ms_played
            order by spaced.started_at nulls first
        ) as play_number
    from spaced
)
select
    numbered.observation_number,
    min(numbered.observation_number) over (
        partition by numbered.track_key, numbered.observed_at, numbered.ms_played, numbered.play_number
    )
from numbered;

insert into observation_link (
    observation_number,
    other_number
)
with repeated_start as (
    select
        exported.track_key,
        exported.started_at
    from exported
    where
        exported.started_at is not null
        and exported.track_key <> 0
    group by
        exported.track_key,
        exported.started_at
    having count(*) > 1
),
begun as (
    select
        exported.observation_number,
        exported.track_key,
        exported.started_at,
        exported.observed_at,
        -- shorter than a second, so the same second may hold it twice
        case
            when
                exported.ms_played < 1000
                and exported.started_at = date_trunc('second', exported.started_at)
                then exported.ms_played
            else -1
        end as short_ms,
        exported.observed_at
        > exported.started_at + exported.ms_played * interval '1 millisecond' + interval '1 minute'
        as is_late
    from repeated_start
    inner join exported
        on
            exported.track_key = repeated_start.track_key
            and exported.started_at = repeated_start.started_at
),
spaced as (
    select
        begun.*,
        begun.short_ms >= 0
        and not begun.is_late
        and begun.observed_at <> lag(begun.observed_at) over alike as is_apart
    from begun
    window alike as (
        partition by begun.track_key, begun.started_at, begun.short_ms
        order by begun.observed_at
    )
),
numbered as (
    select
        spaced.*,
        count(*) filter (where spaced.is_apart) over (
            partition by spaced.track_key, spaced.started_at, spaced.short_ms
            order by spaced.observed_at
        ) as play_number
    from spaced
)
select
    numbered.observation_number,
    min(numbered.observation_number) over (
        partition by numbered.track_key, numbered.started_at, numbered.short_ms, numbered.play_number
    )
from numbered;

insert into observation_link (
    observation_number,
    other_number
)
select distinct on (unnamed.observation_number)
    unnamed.observation_number,
    named.observation_number
from exported as unnamed
inner join exported as named
    on
        named.observed_at = unnamed.observed_at
        and named.ms_played = unnamed.ms_played
        and named.track_key <> 0
inner join listening.dim_track on dim_track.track_key = named.track_key
where
    unnamed.track_key = 0
    and unnamed.ms_played > 0
order by
    unnamed.observation_number,
    named.started_at is not distinct from unnamed.started_at desc,
    dim_track.track_uri,
    named.started_at
