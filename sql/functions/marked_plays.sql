-- Every play from since to before until, with its length (see timed_plays) and whether a rule of the listener leaves it
-- out (see listening.exclusion).
--
-- Asked of each play, so in an order in which most plays are let go at once: is there any rule, is one about the track,
-- may one be about the minute, the device, the context or the day. Only then is it compared with single rules. Nothing
-- is joined, so that rules do not change how plays are read, and without rules only the first question is asked.

create or replace function listening.marked_plays(since timestamptz, until timestamptz)
returns table (
    play_key bigint,
    listener_key integer,
    played_at timestamptz,
    date_key integer,
    time_key smallint,
    track_key integer,
    recording_key integer,
    album_key integer,
    content_type text,
    duration_ms integer,
    context_key integer,
    device_key integer,
    play_profile_key integer,
    reason_end text,
    is_skipped boolean,
    ms_basis text,
    reported_ms integer,
    estimated_ms integer,
    best_ms integer,
    is_session_start boolean,
    is_excluded boolean
)
language sql stable parallel safe
as $$
select
    timed_plays.play_key,
    timed_plays.listener_key,
    timed_plays.played_at,
    timed_plays.date_key,
    timed_plays.time_key,
    timed_plays.track_key,
    timed_plays.recording_key,
    timed_plays.album_key,
    timed_plays.content_type,
    timed_plays.duration_ms,
    timed_plays.context_key,
    timed_plays.device_key,
    timed_plays.play_profile_key,
    timed_plays.reason_end,
    timed_plays.is_skipped,
    timed_plays.ms_basis,
    timed_plays.reported_ms,
    timed_plays.estimated_ms,
    timed_plays.best_ms,
    timed_plays.is_session_start,
    case
        -- a column of the track, so that this is asked only of plays of tracks that a query is about
        when timed_plays.album_key < 0 or not (select exists (select 1 from listening.exclusion)) then false
        when sieve.is_ruled and (sieve.is_whole or met.is_partial) then true
        when sieve.minute > 0 and met.is_timed then true
        when sieve.minute > 1 or sieve.is_elsewhere then met.is_placed
        else false
    end
from listening.timed_plays(since, until)
cross join lateral (
    -- what is named here and below is worked out only where it is asked for above
    select
        (timed_plays.listener_key, timed_plays.track_key) in (
            select
                ruled.listener_key,
                ruled.track_key
            from listening.excluded_tracks() as ruled
        ) as is_ruled,
        (timed_plays.listener_key, timed_plays.track_key) in (
            select
                whole.listener_key,
                whole.track_key
            from listening.excluded_tracks() as whole
            where whole.is_whole
        ) as is_whole,
        coalesce((select listening.excluded_minutes())[timed_plays.time_key + 1], 0) as minute,
        case
            when timed_plays.device_key = any((select listening.excluded_cells('device'))::integer[]) then true
            when timed_plays.context_key = any((select listening.excluded_cells('context'))::integer[]) then true
            when (select listening.excluded_cells('day')) is not null
                then timed_plays.date_key in (select unnest(listening.excluded_cells('day')))
            else false
        end as is_elsewhere
) as sieve
cross join lateral (
    select
        (
            timed_plays.listener_key,
            (
                make_date(timed_plays.date_key / 10000, timed_plays.date_key / 100 % 100, timed_plays.date_key % 100)
                - date '1900-01-01' -- a Monday
            ) % 7 * 1440 + timed_plays.time_key
        ) in (
            select
                timed.listener_key,
                timed.week_minute
            from listening.excluded_week_minutes() as timed
        ) as is_timed,
        exists (
            select 1
            from listening.conditional_rules(true) as rule
            where
                rule.listener_key = timed_plays.listener_key
                and (rule.exclusion_key, timed_plays.track_key) in (
                    select
                        partial.exclusion_key,
                        partial.track_key
                    from listening.excluded_tracks() as partial
                    where not partial.is_whole
                ) is true -- so that it stays a look into a hash, and is not made a join
                and listening.is_in_scope(
                    rule.context_key, rule.device_keys, rule.from_minute, rule.until_minute, rule.weekdays,
                    rule.since_date_key, rule.until_date_key, timed_plays.context_key, timed_plays.device_key,
                    timed_plays.time_key, timed_plays.date_key
                )
        ) as is_partial,
        exists (
            select 1
            from listening.conditional_rules(false) as rule
            where
                rule.listener_key = timed_plays.listener_key
                and listening.is_in_scope(
                    rule.context_key, rule.device_keys, rule.from_minute, rule.until_minute, rule.weekdays,
                    rule.since_date_key, rule.until_date_key, timed_plays.context_key, timed_plays.device_key,
                    timed_plays.time_key, timed_plays.date_key
                )
        ) as is_placed
) as met
$$;

comment on function listening.marked_plays is
    'Every listen from since to before until (use -infinity and infinity for all), with how long it lasted, and '
    'whether a rule of listening.exclusion leaves it out. Filter it by listener_key.';
