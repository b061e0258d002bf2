-- The pairs of plays of two sources that may be one play by ops.match_rule, and how far apart they are. A play has
-- every date that its source gave it, and the one that its start and its milliseconds give. A date of a source that
-- gives the minute stands for all of it. Two plays are compared by their ends; if one of the two sources dates the
-- start, by their starts: where a source gives neither start nor milliseconds, a play began at some moment between
-- the length of its track and half of it (at most four minutes) before its end, since that much was heard. Where the
-- start is known and the milliseconds are not (the recorder was off at the end), it ended at some moment from its start
-- to its date, or to the end of its track.
--
-- Wide limits are safe because matching is one to one and nearest first. Well-reported plays match at almost no
-- distance, so a real repeat finds its neighbour taken and stays a play of its own. Dates are compared within blocks of
-- 128 seconds, so that a track played ten thousand times is not compared with itself.

create temporary table rule on commit drop as
select
    match_rule.tier,
    match_rule.source_key,
    match_rule.other_source_key,
    match_rule.compared,
    match_rule.seconds,
    match_rule.silent_seconds,
    match_rule.shortest_ms,
    match_rule.is_last_resort,
    'start' in (source.dates, other_source.dates) as is_start,
    -- a millisecond more, because a minute ends a millisecond before the next
    case
        when match_rule.seconds > 0 then greatest(match_rule.seconds, match_rule.named_seconds) + 0.001
        else 0
    end as reach_s
from ops.match_rule
inner join listening.source on source.source_key = match_rule.source_key
inner join listening.source as other_source on other_source.source_key = match_rule.other_source_key
where
    match_rule.tier > 0
    and match_rule.source_key in (select source_play.source_key from source_play)
    and match_rule.other_source_key in (select source_play.source_key from source_play);

create temporary table matched_source on commit drop as
select
    rule.source_key,
    rule.is_start
from rule
union
select
    rule.other_source_key,
    rule.is_start
from rule;

create temporary table source_date on commit drop as
select
    dated.source_play_number,
    dated.source_key,
    dated.track_key,
    dated.recording_key,
    dated.ms_played,
    dated.is_start,
    dated.from_at,
    dated.to_at,
    floor(dated.from_at / 128)::integer as first_block,
    floor(dated.to_at / 128)::integer as last_block
from (
    select
        source_play.source_play_number,
        source_play.source_key,
        source_play.track_key,
        source_play.recording_key,
        source_play.ms_played,
        false as is_start,
        date_part(
            'epoch', case when loose.is_loose then source_play.started_at else source_play.observed_at end
        ) as from_at,
        date_part(
            'epoch',
            case
                when loose.is_loose then greatest(
                    source_play.observed_at,
                    source_play.started_at + dim_track.duration_ms * interval '1 millisecond'
                )
                when source.is_redating then source_play.last_observed_at
                else source_play.observed_at
            end
        ) + greatest(source.precision_s - 0.001, 0) as to_at
    from source_play
    inner join listening.source on source.source_key = source_play.source_key
    inner join listening.dim_track on dim_track.track_key = source_play.track_key
    cross join lateral (
        select
            source.dates = 'end'
            and source_play.ms_played is null
            and coalesce(source_play.started_at < source_play.observed_at, false) as is_loose
    ) as loose
    where source_play.source_key in (
        select matched_source.source_key from matched_source where not matched_source.is_start
    )
    union all
    select
        source_play.source_play_number,
        source_play.source_key,
        source_play.track_key,
        source_play.recording_key,
        source_play.ms_played,
        false,
        date_part('epoch', source_play.started_at) + source_play.ms_played / 1000.0,
        date_part('epoch', source_play.started_at) + source_play.ms_played / 1000.0
        + greatest(source.precision_s - 0.001, 0)
    from source_play
    inner join listening.source on source.source_key = source_play.source_key
    where
        source_play.source_key in (
            select matched_source.source_key from matched_source where not matched_source.is_start
        )
        and (
            source_play.started_at + source_play.ms_played * interval '1 millisecond'
            < source_play.observed_at - interval '1 second'
            or source_play.started_at + source_play.ms_played * interval '1 millisecond'
            between source_play.observed_at + interval '1 second' and source_play.observed_at + interval '1 minute'
        )
    union all
    select
        source_play.source_play_number,
        source_play.source_key,
        source_play.track_key,
        source_play.recording_key,
        source_play.ms_played,
        true,
        date_part('epoch', begun.from_at),
        date_part('epoch', begun.to_at) + greatest(source.precision_s - 0.001, 0)
    from matched_source
    inner join listening.source on source.source_key = matched_source.source_key
    inner join source_play on source_play.source_key = source.source_key
    inner join listening.dim_track on dim_track.track_key = source_play.track_key
    cross join lateral (
        select
            source_play.observed_at as from_at,
            source_play.observed_at as to_at
        where source.dates = 'start'
        union all
        select
            source_play.started_at,
            source_play.started_at
        where
            source.dates = 'end'
            and source_play.started_at is not null
        union all
        select
            source_play.observed_at - source_play.ms_played * interval '1 millisecond',
            source_play.observed_at - source_play.ms_played * interval '1 millisecond'
        where
            source.dates = 'end'
            and coalesce(
                source_play.started_at + source_play.ms_played * interval '1 millisecond'
                not between source_play.observed_at - interval '1 second'
                and source_play.observed_at + interval '1 second',
                true
            )
        union all
        select
            source_play.observed_at - coalesce(dim_track.duration_ms, 240000) * interval '1 millisecond',
            source_play.last_observed_at
            - least(coalesce(dim_track.duration_ms, 30000) / 2, 240000) * interval '1 millisecond'
        where
            source.dates = 'end'
            and source_play.started_at is null
            and source_play.ms_played is null
    ) as begun
    where
        matched_source.is_start
        and begun.from_at is not null
) as dated;

analyze source_date;

create temporary table block_date on commit drop as
select
    source_date.source_play_number,
    source_date.source_key,
    source_date.track_key,
    source_date.recording_key,
    source_date.ms_played,
    source_date.is_start,
    source_date.from_at,
    source_date.to_at,
    step.time_block
from source_date
cross join lateral generate_series(source_date.first_block, source_date.last_block) as step (time_block)
where
    exists (
        select 1
        from rule
        where
            rule.source_key = source_date.source_key
            and rule.is_start = source_date.is_start
    );

-- the other side of each rule looks around itself, as far as the rule reaches
create temporary table date_block on commit drop as
select
    reaching.source_play_number,
    reaching.source_key,
    reaching.track_key,
    reaching.recording_key,
    reaching.ms_played,
    reaching.is_start,
    reaching.from_at,
    reaching.to_at,
    reaching.reach_s,
    step.time_block
from (
    select
        source_date.source_play_number,
        source_date.source_key,
        source_date.track_key,
        source_date.recording_key,
        source_date.ms_played,
        source_date.is_start,
        source_date.from_at,
        source_date.to_at,
        reach.reach_s,
        floor((source_date.from_at - reach.reach_s) / 128)::integer as first_block,
        floor((source_date.to_at + reach.reach_s) / 128)::integer as last_block
    from source_date
    inner join (
        select
            rule.other_source_key,
            rule.is_start,
            max(rule.reach_s) as reach_s,
            min(own.first_block) as first_block,
            max(own.last_block) as last_block
        from rule
        inner join (
            select
                source_date.source_key,
                source_date.is_start,
                min(source_date.first_block) as first_block,
                max(source_date.last_block) as last_block
            from source_date
            group by
                source_date.source_key,
                source_date.is_start
        ) as own
            on
                own.source_key = rule.source_key
                and own.is_start = rule.is_start
        group by
            rule.other_source_key,
            rule.is_start
    ) as reach
        on
            reach.other_source_key = source_date.source_key
            and reach.is_start = source_date.is_start
            and source_date.last_block >= reach.first_block - 1 - floor(reach.reach_s / 128)
            and source_date.first_block <= reach.last_block + 1 + floor(reach.reach_s / 128)
) as reaching
cross join lateral generate_series(reaching.first_block, reaching.last_block) as step (time_block);

analyze block_date;
analyze date_block;

create temporary table near_pair on commit drop as
select
    rule.tier,
    rule.compared,
    pair.source_play_number,
    pair.other_number,
    pair.track_key,
    pair.other_track_key,
    pair.seconds + case when pair.is_silent then rule.silent_seconds else 0 end as seconds,
    case when rule.compared = 'nothing' then rule.seconds end as nameless_seconds,
    rule.is_last_resort
from (
    select
        block_date.source_key,
        date_block.source_key as other_source_key,
        block_date.is_start,
        block_date.source_play_number,
        date_block.source_play_number as other_number,
        block_date.track_key,
        date_block.track_key as other_track_key,
        block_date.recording_key = date_block.recording_key as is_same_recording,
        block_date.ms_played = date_block.ms_played as is_same_length,
        0 in (block_date.ms_played, date_block.ms_played) as is_silent,
        least(block_date.ms_played, date_block.ms_played) as shortest_ms,
        greatest(date_block.from_at - block_date.to_at, block_date.from_at - date_block.to_at, 0) as seconds
    from date_block
    inner join block_date
        on
            block_date.time_block = date_block.time_block
            and block_date.is_start = date_block.is_start
    where
        greatest(date_block.from_at - block_date.to_at, block_date.from_at - date_block.to_at, 0) <= date_block.reach_s
) as pair
inner join rule
    on
        rule.source_key = pair.source_key
        and rule.other_source_key = pair.other_source_key
        and rule.is_start = pair.is_start
        and pair.seconds <= rule.reach_s
        and coalesce(pair.shortest_ms >= rule.shortest_ms, true)
where
    case rule.compared
        when 'recording' then pair.is_same_recording and pair.track_key <> 0
        when 'name' then pair.track_key <> 0 and pair.other_track_key <> 0
        when 'similar name' then pair.track_key <> 0 and pair.other_track_key <> 0
        when 'nothing' then pair.track_key = 0 or pair.other_track_key = 0
        when 'milliseconds' then pair.is_same_length and (pair.track_key = 0 or pair.other_track_key = 0)
        else pair.is_same_length
    end;

-- Names are compared once for each two tracks, however often they are near each other.
create temporary table compared_track on commit drop as
select distinct
    near_pair.compared,
    near_pair.track_key,
    near_pair.other_track_key
from near_pair
where near_pair.compared in ('name', 'similar name', 'name and milliseconds', 'artist and milliseconds');

analyze near_pair;
analyze compared_track;

-- Names without blanks, punctuation and guests: once for each track.
create temporary table plain_name on commit drop as
select
    dim_track.track_key,
    ops.plain_title(dim_track.track_name) as title,
    (
        select array_agg(distinct part.artist)
        from (
            select dim_artist.artist_name
            from listening.bridge_track_artist
            inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
            where bridge_track_artist.track_key = dim_track.track_key
            union
            select dim_album.album_artist_name
            from listening.dim_album
            where dim_album.album_key = dim_track.album_key
        ) as named
        cross join unnest(ops.plain_artists(named.artist_name)) as part (artist)
    ) as artists
from listening.dim_track
where
    dim_track.track_key in (
        select compared_track.track_key from compared_track where compared_track.compared = 'similar name'
        union
        select compared_track.other_track_key from compared_track where compared_track.compared = 'similar name'
    );

analyze plain_name;

create temporary table agreeing_track on commit drop as
select
    compared_track.compared,
    compared_track.track_key,
    compared_track.other_track_key
from compared_track
inner join listening.track_alias as own on own.track_key = compared_track.track_key
inner join listening.track_alias as other
    on
        other.track_key = compared_track.other_track_key
        and other.name_hash = own.name_hash
inner join listening.dim_track as track on track.track_key = compared_track.track_key
inner join listening.dim_track as other_track on other_track.track_key = compared_track.other_track_key
where
    compared_track.compared = 'name and milliseconds'
    or (
        compared_track.compared = 'name'
        and coalesce(abs(track.duration_ms - other_track.duration_ms) <= 2000, true)
    )
union
select
    compared_track.compared,
    compared_track.track_key,
    compared_track.other_track_key
from compared_track
where
    compared_track.compared = 'name and milliseconds'
    and compared_track.track_key = compared_track.other_track_key
union
select
    compared_track.compared,
    compared_track.track_key,
    compared_track.other_track_key
from compared_track
inner join plain_name as own on own.track_key = compared_track.track_key
inner join plain_name as other on other.track_key = compared_track.other_track_key
where
    compared_track.compared = 'similar name'
    and own.artists && other.artists
    and (starts_with(own.title, other.title) or starts_with(other.title, own.title))
union
select
    compared_track.compared,
    compared_track.track_key,
    compared_track.other_track_key
from compared_track
inner join listening.bridge_track_artist as own on own.track_key = compared_track.track_key
inner join listening.dim_artist as artist on artist.artist_key = own.artist_key
inner join listening.bridge_track_artist as other on other.track_key = compared_track.other_track_key
inner join listening.dim_artist as other_artist on other_artist.artist_key = other.artist_key
where
    compared_track.compared = 'artist and milliseconds'
    and ops.folded(artist.artist_name) = ops.folded(other_artist.artist_name);

analyze agreeing_track;

-- A pair counts in its first tier: what refuses it there refuses it in every later one, unless it is a guess or a last
-- resort. Tier and distance are compared as one number.
create temporary table match_candidate on commit drop as
select
    near_pair.source_play_number,
    near_pair.other_number,
    near_pair.nameless_seconds,
    near_pair.is_last_resort,
    min(near_pair.tier * 1000000 + near_pair.seconds) as ranked_seconds
from near_pair
left join agreeing_track
    on
        agreeing_track.compared = near_pair.compared
        and agreeing_track.track_key = near_pair.track_key
        and agreeing_track.other_track_key = near_pair.other_track_key
where
    near_pair.compared in ('recording', 'milliseconds', 'nothing')
    or agreeing_track.track_key is not null
group by
    near_pair.source_play_number,
    near_pair.other_number,
    near_pair.nameless_seconds,
    near_pair.is_last_resort;

-- Most pairs stand alone: neither play has another candidate.
create temporary table contested_play on commit drop as
select candidate.source_play_number
from (
    select match_candidate.source_play_number
    from match_candidate
    union all
    select match_candidate.other_number
    from match_candidate
) as candidate
group by candidate.source_play_number
having count(*) > 1;

analyze match_candidate;
analyze contested_play;
