-- Grain: a play and a source that reported it, with the timestamps of that source.

create or replace view listening.play_source with (security_invoker = true) as
select
    fact_play.play_key,
    fact_play.listener_key,
    reported.source,
    reported.first_reported_at,
    reported.last_reported_at,
    reported.track_key,
    fact_play.played_at
from (
    select
        observation.listener_key,
        observation.play_key,
        source.source_name as source,
        min(observation.observed_at) as first_reported_at,
        max(observation.observed_at) as last_reported_at,
        (array_agg(observation.track_key order by observation.track_key = 0, observation.observed_at))[1] as track_key
    from listening.observation
    inner join listening.source on source.source_key = observation.source_key
    group by
        observation.listener_key,
        observation.play_key,
        source.source_name
) as reported
inner join listening.fact_play
    on
        fact_play.listener_key = reported.listener_key
        and fact_play.play_key = reported.play_key;

comment on view listening.play_source is
    'Provenance: which sources reported a play, with their own timestamps. One row a play and source.';
comment on column listening.play_source.play_key is 'The play.';
comment on column listening.play_source.listener_key is 'Who listened.';
comment on column listening.play_source.source is
    'recently_played, extended_export, account_export …: see listening.source.';
comment on column listening.play_source.first_reported_at is
    'Earliest moment at which this source dated the play; the account export has only the minute.';
comment on column listening.play_source.last_reported_at is
    'Latest moment at which this source dated the play; it differs where Spotify re-dated or repeated it.';
comment on column listening.play_source.played_at is
    'When the play ended, as it is recorded: with listener and play_key the key of the fact.';
comment on column listening.play_source.track_key is
    'What this source calls it: another id of the same recording now and then; 0: it names nothing.';
