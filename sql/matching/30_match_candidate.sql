-- The pairs of plays of two sources that may be one play by ops.match_rule, and how far apart they are. A play has every
-- date that its source gave it, and the one that its start and its milliseconds give. A date of a source that gives the
-- minute stands for all of it.
--
-- Wide limits are safe because matching is one to one and nearest first. Well-reported plays match at almost no distance,
-- so a real repeat finds its neighbour taken and stays a play of its own. Dates are compared within blocks of 128
-- seconds, so that a track played ten thousand times is not compared with itself.

create temporary table source_date on commit drop as
select
    source_play.source_play_number,
    source_play.source_key,
    source_play.track_key,
    source_play.recording_key,
    source_play.ms_played,
    dates.from_at,
    dates.to_at + greatest(source.precision_s * interval '1 second' - interval '1 millisecond', '0') as to_at
from source_play
inner join listening.source on source.source_key = source_play.source_key
cross join lateral (
    select
        source_play.observed_at as from_at,
        case when source.is_redating then source_play.last_observed_at else source_play.observed_at end as to_at
    union all
    select
        computed.ends_at,
        computed.ends_at
    from (
        select source_play.started_at + source_play.ms_played * interval '1 millisecond' as ends_at
    ) as computed
    where
        computed.ends_at < source_play.observed_at - interval '1 second'
        or computed.ends_at between source_play.observed_at + interval '1 second'
        and source_play.observed_at + interval '1 minute'
) as dates
where exists (
    select 1
    from ops.match_rule
    where
        match_rule.tier > 0
        and source_play.source_key in (match_rule.source_key, match_rule.other_source_key)
);

-- the other side of each rule looks around itself, as far as the rule reaches
create temporary table date_block on commit drop as
select
    source_date.*,
    match_rule.tier,
    match_rule.source_key as rule_source_key,
    match_rule.compared,
    match_rule.seconds,
    match_rule.silent_seconds,
    match_rule.is_last_resort,
    -- a millisecond more, because a minute ends a millisecond before the next
    case
        when match_rule.seconds > 0 then greatest(match_rule.seconds, match_rule.named_seconds) + 0.001
        else 0
    end as reach_s,
    time_block.number as time_block
from source_date
inner join ops.match_rule
    on
        match_rule.tier > 0
        and match_rule.other_source_key = source_date.source_key
        and exists (select 1 from source_play where source_play.source_key = match_rule.source_key)
cross join lateral generate_series(
    floor((date_part('epoch', source_date.from_at) - greatest(match_rule.seconds, match_rule.named_seconds)) / 128)::bigint,
    floor((date_part('epoch', source_date.to_at) + greatest(match_rule.seconds, match_rule.named_seconds)) / 128)::bigint
) as time_block (number);

create temporary table block_date on commit drop as
select
    source_date.*,
    time_block.number as time_block
from source_date
cross join lateral generate_series(
    floor(date_part('epoch', source_date.from_at) / 128)::bigint,
    floor(date_part('epoch', source_date.to_at) / 128)::bigint
) as time_block (number)
where source_date.source_key in (select date_block.rule_source_key from date_block);

analyze date_block;
analyze block_date;

create temporary table near_pair on commit drop as
select
    date_block.tier,
    date_block.compared,
    block_date.source_play_number,
    date_block.source_play_number as other_number,
    block_date.track_key,
    date_block.track_key as other_track_key,
    apart.seconds
    + case when 0 in (block_date.ms_played, date_block.ms_played) then date_block.silent_seconds else 0 end as seconds,
    case when date_block.compared = 'nothing' then date_block.seconds end as nameless_seconds,
    date_block.is_last_resort
from date_block
inner join block_date
    on
        block_date.source_key = date_block.rule_source_key
        and block_date.time_block = date_block.time_block
        and case date_block.compared
            when 'recording' then block_date.recording_key = date_block.recording_key and block_date.track_key <> 0
            when 'name' then block_date.track_key <> 0 and date_block.track_key <> 0
            when 'nothing' then block_date.track_key = 0 or date_block.track_key = 0
            when 'milliseconds'
                then block_date.ms_played = date_block.ms_played
                and (block_date.track_key = 0 or date_block.track_key = 0)
            else block_date.ms_played = date_block.ms_played
        end
cross join lateral (
    select
        greatest(
            date_part('epoch', date_block.from_at - block_date.to_at),
            date_part('epoch', block_date.from_at - date_block.to_at),
            0
        ) as seconds
) as apart
where apart.seconds <= date_block.reach_s;

-- Names are compared once for each two tracks, however often they are near each other.
create temporary table compared_track on commit drop as
select distinct
    near_pair.compared,
    near_pair.track_key,
    near_pair.other_track_key
from near_pair
where near_pair.compared in ('name', 'name and milliseconds', 'artist and milliseconds');

analyze near_pair;
analyze compared_track;

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
inner join listening.bridge_track_artist as own on own.track_key = compared_track.track_key
inner join listening.dim_artist as artist on artist.artist_key = own.artist_key
inner join listening.bridge_track_artist as other on other.track_key = compared_track.other_track_key
inner join listening.dim_artist as other_artist on other_artist.artist_key = other.artist_key
where
    compared_track.compared = 'artist and milliseconds'
    and ops.folded(artist.artist_name) = ops.folded(other_artist.artist_name);

analyze agreeing_track;

create temporary table match_candidate on commit drop as
select
    near_pair.tier,
    near_pair.source_play_number,
    near_pair.other_number,
    min(near_pair.seconds) as seconds,
    min(near_pair.nameless_seconds) as nameless_seconds,
    bool_or(near_pair.is_last_resort) as is_last_resort
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
    near_pair.tier,
    near_pair.source_play_number,
    near_pair.other_number;

analyze match_candidate;
