-- Grain: a listener and a local day, week (from Monday), month, quarter or year in which something was played.
--
-- Plays, time, tracks and artists are those of counted plays. A track is new in the period of its first counted play,
-- if the record is old enough to tell (new_since of listener_record). Skips are of all plays: what is skipped early is
-- not counted.

create or replace function listening.period_totals(counts_as text, period text)
returns table (
    listener_key integer,
    period_start date,
    play_count bigint,
    listened_ms bigint,
    estimated_ms bigint,
    track_count bigint,
    artist_count bigint,
    new_track_count bigint,
    new_artist_count bigint,
    podcast_play_count bigint,
    podcast_ms bigint,
    podcast_share double precision,
    listen_count bigint,
    skip_count bigint
)
language sql stable parallel safe
as $$
select
    everything.listener_key,
    everything.period_start,
    coalesce(plays.play_count, 0),
    coalesce(plays.listened_ms, 0),
    coalesce(plays.estimated_ms, 0),
    coalesce(plays.track_count, 0),
    coalesce(artists.artist_count, 0),
    case
        when date_trunc(period, listener_record.new_since)::date <= everything.period_start
            then coalesce(plays.new_track_count, 0)
    end,
    case
        when date_trunc(period, listener_record.new_since)::date <= everything.period_start
            then coalesce(artists.new_artist_count, 0)
    end,
    coalesce(plays.podcast_play_count, 0),
    coalesce(plays.podcast_ms, 0),
    coalesce(plays.podcast_ms, 0)::double precision / nullif(plays.listened_ms, 0),
    everything.listen_count,
    everything.skip_count
from (
    select
        timed_plays.listener_key,
        date_trunc(period, dim_date.full_date)::date as period_start,
        count(*) as listen_count,
        -- null where no source says
        case
            when count(timed_plays.is_skipped) > 0
                then count(*) filter (where timed_plays.is_skipped)
        end as skip_count
    from listening.timed_plays('-infinity', 'infinity')
    inner join listening.dim_date on dim_date.date_key = timed_plays.date_key
    group by
        timed_plays.listener_key,
        date_trunc(period, dim_date.full_date)
) as everything
inner join listening.listener_record on listener_record.listener_key = everything.listener_key
left join (
    select
        met.listener_key,
        date_trunc(period, dim_date.full_date)::date as period_start,
        count(*) as play_count,
        sum(met.listened_ms) as listened_ms,
        sum(met.listened_ms) filter (where met.is_estimated) as estimated_ms,
        count(distinct met.recording_key) filter (where met.is_music) as track_count,
        count(*) filter (
            where met.is_music and met.is_first and dim_date.full_date >= listener_record.new_since
        ) as new_track_count,
        count(*) filter (where met.is_podcast) as podcast_play_count,
        sum(met.listened_ms) filter (where met.is_podcast) as podcast_ms
    from (
        select
            counted_plays.listener_key,
            counted_plays.date_key,
            counted_plays.recording_key,
            counted_plays.listened_ms,
            counted_plays.is_estimated,
            counted_plays.content_type in ('track', 'local') and counted_plays.track_key > 0 as is_music,
            counted_plays.content_type in ('episode', 'chapter') as is_podcast,
            row_number() over (
                partition by
                    counted_plays.listener_key,
                    counted_plays.recording_key
                order by
                    counted_plays.played_at,
                    counted_plays.play_key
            ) = 1 as is_first
        from listening.counted_plays(counts_as, '-infinity', 'infinity')
    ) as met
    inner join listening.dim_date on dim_date.date_key = met.date_key
    inner join listening.listener_record on listener_record.listener_key = met.listener_key
    group by
        met.listener_key,
        date_trunc(period, dim_date.full_date)
) as plays
    on
        plays.listener_key = everything.listener_key
        and plays.period_start = everything.period_start
left join (
    select
        met.listener_key,
        met.period_start,
        count(*) as artist_count,
        count(*) filter (where met.is_first and met.first_date >= listener_record.new_since) as new_artist_count
    from (
        select
            counted_plays.listener_key,
            min(dim_date.full_date) as first_date,
            standing_artist.standing_artist_key,
            date_trunc(period, dim_date.full_date)::date as period_start,
            row_number() over (
                partition by
                    counted_plays.listener_key,
                    standing_artist.standing_artist_key
                order by min(counted_plays.played_at)
            ) = 1 as is_first
        from listening.counted_plays(counts_as, '-infinity', 'infinity')
        inner join listening.dim_date on dim_date.date_key = counted_plays.date_key
        inner join listening.bridge_track_artist
            on
                bridge_track_artist.track_key = counted_plays.track_key
                and bridge_track_artist.role = 'main'
        inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
        group by
            counted_plays.listener_key,
            standing_artist.standing_artist_key,
            date_trunc(period, dim_date.full_date)
    ) as met
    inner join listening.listener_record on listener_record.listener_key = met.listener_key
    group by
        met.listener_key,
        met.period_start
) as artists
    on
        artists.listener_key = everything.listener_key
        and artists.period_start = everything.period_start
$$;

comment on function listening.period_totals is
    'Totals by listener and local day, week, month, quarter or year (period), of what counts as a play (counts_as is '
    '30s, half, full or all). Filter it by listener_key.';
