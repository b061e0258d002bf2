-- Grain: a play and a source that reported it, with the timestamps of that source.

create or replace view listening.play_source as
select
    fact_play.play_key,
    fact_play.listener_key,
    reported.source,
    reported.first_reported_at,
    coalesce(reported.last_reported_at, reported.first_reported_at) as last_reported_at,
    coalesce(reported.track_key, fact_play.track_key) as track_key,
    fact_play.played_at
from listening.fact_play
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
cross join lateral (
    select
        fact_play.played_at
        + coalesce(fact_play.extended_export_offset_ms, 0) * interval '1 millisecond' as played_at
) as exported
cross join lateral (
    values
    (
        'recently_played', dim_play_profile.has_recently_played, fact_play.played_at,
        fact_play.played_at + fact_play.recently_played_offset_ms * interval '1 millisecond',
        fact_play.recently_played_track_key
    ),
    (
        'extended_export', dim_play_profile.has_extended_export, exported.played_at,
        fact_play.played_at + fact_play.extended_export_last_offset_ms * interval '1 millisecond',
        fact_play.extended_export_track_key
    ),
    (
        'account_export', dim_play_profile.has_account_export,
        coalesce(
            fact_play.played_at + fact_play.account_export_offset_ms * interval '1 millisecond',
            date_trunc('minute', exported.played_at)
        ),
        null,
        fact_play.account_export_track_key
    )
) as reported (source, is_reported, first_reported_at, last_reported_at, track_key)
where reported.is_reported;

comment on view listening.play_source is
    'Provenance: which sources reported a play, with their own timestamps. One row a play and source.';
comment on column listening.play_source.play_key is 'The play.';
comment on column listening.play_source.listener_key is 'Who listened.';
comment on column listening.play_source.source is 'recently_played, extended_export or account_export.';
comment on column listening.play_source.first_reported_at is
    'Earliest moment at which this source dated the play; the account export has only the minute.';
comment on column listening.play_source.last_reported_at is
    'Latest moment at which this source dated the play; it differs where Spotify re-dated or repeated it.';
comment on column listening.play_source.played_at is
    'When the play ended, as it is recorded: with listener and play_key the key of the fact.';
comment on column listening.play_source.track_key is
    'What this source calls it: another id of the same recording now and then; 0: it names nothing.';
