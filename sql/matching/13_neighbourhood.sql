-- The spans of time whose plays the batch may change: around each of its observations, and around those of tracks that
-- the catalogue describes anew (tracks_to_rematch), as far as the next silence in which no observation lies that could
-- be matched across it. What is derived from such a span does not depend on anything outside of it, so a merge gives
-- the same plays as a rebuild.
--
-- An observation that a source dates long after its end (the app crashed, the phone was offline) belongs to both
-- dates: the spans are extended until every such observation lies in them with both. So does one of which only the
-- start is known for sure (it has no milliseconds).
--
-- An observation of a source that dates the start belongs to all the time in which the play may have ended: so for a
-- listener who has some, a span ends no earlier, and what such a source has before it is looked for farther back.

-- Dated later than its start plus milliseconds explain; three hours from the start on, it may be told again. Recorded
-- ones are added below, as far back as the spans reach.
create temporary table late_observation on commit drop as
select distinct
    new_observation.observed_at,
    new_observation.started_at
from new_observation
where
    new_observation.started_at + new_observation.ms_played * interval '1 millisecond'
    < new_observation.observed_at - interval '2 minutes'
    or new_observation.started_at > new_observation.observed_at + interval '2 minutes'
    or (new_observation.started_at < new_observation.observed_at and new_observation.ms_played is null);

insert into nearby_span (
    starts_at,
    ends_at
)
select
    observation.observed_at,
    observation.observed_at
from listening.observation
where
    exists (select 1 from tracks_to_rematch)
    and observation.listener_key = :listener_key
    and observation.track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
union
select
    date_trunc('hour', new_observation.observed_at),
    date_trunc('hour', new_observation.observed_at) + interval '1 hour'
    + case when source.dates = 'start' then ops.longest_scrobble() else interval '0' end
from new_observation
inner join listening.source on source.source_key = new_observation.source_key
union
-- begun at the same moment
select
    observation.observed_at,
    observation.observed_at
from new_observation
inner join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = new_observation.source_key
        and observation.started_at = new_observation.started_at
        and observation.track_key = new_observation.track_key
where new_observation.started_at is not null;

insert into nearby_span (
    starts_at,
    ends_at
)
select
    '-infinity',
    'infinity'
where cast(:is_rebuild as boolean);

do $$
declare
    since timestamptz := 'infinity';  -- from then on, late_observation has the recorded ones
    spans tstzmultirange := (
        select range_agg(tstzrange(nearby_span.starts_at, nearby_span.ends_at, '[]'))
        from nearby_span
    );
    known_spans tstzmultirange;
    has_starts boolean := exists (
        select 1
        from listening.source
        where
            source.dates = 'start'
            and (
                exists (
                    select 1
                    from listening.observation
                    where
                        observation.listener_key = :listener_key
                        and observation.source_key = source.source_key
                )
                or exists (select 1 from new_observation where new_observation.source_key = source.source_key)
            )
    );
    -- no two observations further apart are ever compared
    reach constant interval := (
        select
            (max(greatest(match_rule.seconds, match_rule.named_seconds)) + 2 * max(source.precision_s) + 15)
            * interval '1 second'
        from ops.match_rule
        cross join listening.source
        where
            has_starts
            or not exists (
                select 1
                from listening.source as dated
                where
                    dated.source_key in (match_rule.source_key, match_rule.other_source_key)
                    and dated.dates = 'start'
            )
    );
    -- spans closer than this become one, so that there are few; after the import of years, very few
    gap constant interval := case
        when (select count(*) from unnest(spans)) > 300 then interval '30 days'
        else interval '3 hours'
    end;
begin
    if spans is null or upper_inf(spans) or upper(spans) = 'infinity' then
        delete from nearby_span where nearby_span.ends_at < 'infinity';
        return;
    end if;
    loop
        known_spans := spans;
        -- A late observation is dated after its start, or at most a day before it.
        if lower(spans) - interval '1 day' < since then
            insert into late_observation (
                observed_at,
                started_at
            )
            select distinct
                recorded.observed_at,
                recorded.started_at
            from listening.source
            cross join lateral (
                select
                    observation.observed_at,
                    observation.started_at,
                    observation.ms_played
                from listening.observation
                where
                    observation.listener_key = :listener_key
                    and observation.source_key = source.source_key
                    and observation.observed_at >= lower(spans) - interval '1 day'
                    and observation.observed_at < since
                    and observation.started_at is not null
            ) as recorded
            where
                recorded.started_at + recorded.ms_played * interval '1 millisecond'
                < recorded.observed_at - interval '2 minutes'
                or recorded.started_at > recorded.observed_at + interval '2 minutes'
                or (recorded.started_at < recorded.observed_at and recorded.ms_played is null);
            since := lower(spans) - interval '1 day';
        end if;
        spans := (
            select range_agg(tstzrange(lower(joined.span), upper(joined.span) - gap, '[]'))
            from unnest((
                select range_agg(tstzrange(lower(met.span), upper(met.span) + gap, '[]'))
                from (
                    select unnest(spans) as span
                    union all
                    -- late observations of a span, with both their dates
                    select tstzrange(late_observation.observed_at, late_observation.observed_at, '[]')
                    from late_observation
                    where
                        tstzrange(late_observation.started_at - reach, late_observation.started_at + interval '3 hours')
                        && spans
                    union all
                    select tstzrange(late_observation.started_at, late_observation.started_at + interval '3 hours')
                    from late_observation
                    where late_observation.observed_at <@ spans
                    union all
                    -- the last start in a span, with the time in which that play may have ended
                    select tstzrange(begun.observed_at, begun.observed_at + ops.longest_scrobble(), '[]')
                    from unnest(spans) as span (span)
                    cross join listening.source
                    cross join lateral (
                        select max(observation.observed_at) as observed_at
                        from listening.observation
                        where
                            observation.listener_key = :listener_key
                            and observation.source_key = source.source_key
                            and observation.observed_at >= lower(span.span)
                            and observation.observed_at <= upper(span.span)
                    ) as begun
                    where
                        has_starts
                        and source.dates = 'start'
                        and begun.observed_at is not null
                ) as met
            )) as joined (span)
        );
        -- each span as far as the next silence
        spans := (
            with recursive back as (
                select
                    span.number,
                    lower(span.span) as starts_at
                from unnest(spans) with ordinality as span (span, number)
                union all
                select
                    back.number,
                    earlier.observed_at
                from back
                cross join lateral (
                    select min(first.observed_at) as observed_at
                    from listening.source
                    cross join lateral (
                        select observation.observed_at
                        from listening.observation
                        where
                            observation.listener_key = :listener_key
                            and observation.source_key = source.source_key
                            and observation.observed_at >= back.starts_at - reach
                            - case when source.dates = 'start' then ops.longest_scrobble() else interval '0' end
                            and observation.observed_at < back.starts_at
                        order by observation.observed_at
                        limit 1
                    ) as first
                ) as earlier
                where earlier.observed_at is not null
            ),
            forth as (
                select
                    span.number,
                    upper(span.span) as ends_at
                from unnest(spans) with ordinality as span (span, number)
                union all
                select
                    forth.number,
                    later.observed_at
                from forth
                cross join lateral (
                    select max(last.observed_at) as observed_at
                    from listening.source
                    cross join lateral (
                        select observation.observed_at
                        from listening.observation
                        where
                            observation.listener_key = :listener_key
                            and observation.source_key = source.source_key
                            and observation.observed_at > forth.ends_at
                            and observation.observed_at <= forth.ends_at + reach
                        order by observation.observed_at desc
                        limit 1
                    ) as last
                ) as later
                where later.observed_at is not null
            )
            select range_agg(tstzrange(reached.starts_at, reached.ends_at, '[]'))
            from (
                select
                    (select min(back.starts_at) from back where back.number = span.number) as starts_at,
                    (select max(forth.ends_at) from forth where forth.number = span.number) as ends_at
                from unnest(spans) with ordinality as span (span, number)
            ) as reached
        );
        exit when spans = known_spans;
    end loop;
    delete from nearby_span;
    insert into nearby_span (
        starts_at,
        ends_at
    )
    select
        lower(span.span),
        upper(span.span)
    from unnest(spans) as span (span);
end
$$
