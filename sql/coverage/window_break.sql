-- The span in which Spotify's list may have lost plays, judged by a full page of it whose oldest play was not recorded,
-- not from an export either: everything since that play is in the page, so what was lost lies before it. The span
-- begins at the last play before it that a list or a recorder knows, or at the last poll if there is none: what a
-- source covers as a span is taken off by gap_parts.sql.
--
-- No row where nothing is lost: the oldest play is a recorded one that Spotify moved too far to be matched, as the page
-- lacks one of that recording shortly after it; or no other play fits between, as the two end less than a minute apart,
-- or as far apart as the oldest play is long. But where plays end less than 30 s after one another, the dates are those
-- of an upload, or two devices played at once. Then that nothing fits proves nothing; and if such plays arrived among
-- recorded ones, the span begins at the oldest play of the page before.

-- The ledger is that of the account whose list it is. The plays are in record_key's record, which is another listener's
-- if that of the account was merged into it.

create temporary table window_break on commit drop as
with page as (
    select
        batch_observation.observed_at,
        dim_track.duration_ms,
        coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
        coalesce(batch_observation.recorded_play_key is not null or not resolved_play.is_new, false) as is_known
    from batch_observation
    inner join listening.source on source.source_key = batch_observation.source_key
    inner join listening.dim_track on dim_track.track_key = batch_observation.track_key
    left join near_observation
        on
            near_observation.is_new
            and near_observation.source_key = batch_observation.source_key
            and near_observation.observed_at = batch_observation.observed_at
            and near_observation.track_key = batch_observation.track_key
    left join play_member on play_member.source_play_number = near_observation.source_play_number
    left join resolved_play
        on resolved_play.play_number = coalesce(play_member.play_number, near_observation.source_play_number)
    where source.source_name = :source
),
oldest as (
    select
        page.observed_at,
        bool_or(page.is_known) as is_known,
        max(page.duration_ms) as duration_ms,
        array_agg(page.recording_key) as recording_keys
    from page
    where page.observed_at = (select min(first.observed_at) from page as first)
    group by page.observed_at
),
recorded_before as (
    select
        (
            select fact_play.played_at
            from listening.fact_play
            inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
            where
                fact_play.listener_key = :record_key
                and fact_play.played_at < oldest.observed_at
                and dim_play_profile.sources && array(
                    select source.source_name
                    from listening.source
                    where source.coverage in ('window', 'watched')
                )
            order by fact_play.played_at desc
            limit 1
        ) as played_at,
        (
            select fact_play.played_at
            from listening.fact_play
            inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
            where
                fact_play.listener_key = :record_key
                and fact_play.played_at < oldest.observed_at
                and :source = any(dim_play_profile.sources)
            order by fact_play.played_at desc
            limit 1
        ) as listed_at
    from oldest
),
-- a recorded play of the same recording, after the oldest one of the page, that the page should hold and does not
moved as (
    select exists(
        select 1
        from oldest
        inner join listening.fact_play
            on
                fact_play.listener_key = :record_key
                and fact_play.played_at > oldest.observed_at
                and fact_play.played_at <= oldest.observed_at + interval '5 minutes'
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        inner join listening.dim_track on dim_track.track_key = fact_play.track_key
        where
            :source = any(dim_play_profile.sources)
            and fact_play.track_key <> 0
            and coalesce(dim_track.recording_key, dim_track.track_key) = any(oldest.recording_keys)
            and not exists (
                select 1
                from batch_observation
                inner join listening.observation
                    on
                        observation.listener_key = :record_key
                        and observation.source_key = batch_observation.source_key
                        and observation.observed_at = batch_observation.observed_at
                        and observation.track_key = batch_observation.track_key
                where observation.play_key = fact_play.play_key
            )
    ) as is_moved
),
together as (
    select exists(
        select 1
        from page
        cross join oldest
        cross join ops.watermark
        inner join page as other
            on
                other.observed_at > page.observed_at - interval '30 seconds'
                and other.observed_at < page.observed_at + interval '30 seconds'
                and other.recording_key <> page.recording_key
        where
            watermark.listener_key = :listener_key
            and watermark.source = :source
            and not page.is_known
            and (page.observed_at = oldest.observed_at or page.observed_at < watermark.played_at)
    ) as is_together
)
select
    span.starts_at,
    span.ends_at,
    span.listed_to_at,
    coalesce(
        tstzrange(span.starts_at, span.ends_at) <@ (
            select range_agg(tstzrange(coverage.starts_at, coverage.ends_at))
            from ops.coverage
            where
                coverage.listener_key = :listener_key
                and coverage.source = :source
                and coverage.state = 'gap'
        ),
        false
    ) as is_recorded,  -- whole, as a gap or the parts of one
    case
        when exists (
            select 1
            from ops.run
            where
                run.job = 'plays'
                and run.outcome in ('failed', 'waiting')
                and run.started_at > span.checked_at
                and run.started_at < :found_at
                and coalesce(run.listener_key, :record_key) = :record_key
        ) then 'outage'
        when span.checked_at < cast(:found_at as timestamptz) - interval '150 minutes' then 'run_missing'
        else 'full_window'
    end as reason
from (
    select
        case
            when not room.fits and page_known.is_any_known then coalesce(watermark.window_starts_at, room.starts_at)
            else room.starts_at
        end as starts_at,
        oldest.observed_at as ends_at,
        -- how far the list itself reached
        coalesce(recorded_before.listed_at, watermark.window_starts_at, watermark.checked_at) as listed_to_at,
        watermark.checked_at
    from ops.watermark
    cross join oldest
    cross join recorded_before
    cross join moved
    cross join together
    cross join (select bool_or(page.is_known) as is_any_known from page) as page_known
    cross join lateral (
        select
            known.starts_at,
            ops.is_room(known.starts_at, oldest.observed_at, oldest.duration_ms) as fits
        from (
            select
                coalesce(recorded_before.played_at, watermark.window_starts_at, watermark.checked_at) as starts_at
        ) as known
    ) as room
    where
        :is_full_window
        and watermark.listener_key = :listener_key
        and watermark.source = :source
        and watermark.checked_at <= :found_at  -- a page that a later one overtook loses nothing more
        and not oldest.is_known
        and not moved.is_moved
        and (room.fits or together.is_together)
) as span
where span.starts_at < span.ends_at;
