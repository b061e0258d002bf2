-- All observations in these spans, the recorded ones and the new ones, with what tells which track they are of, and the
-- play of their source that they belong to: at first, each to its own. And three empty tables that the next steps fill:
-- links between observations of one source that are one play; what each source reports as one play (source_play); and
-- which source plays are one play (play_member).

create temporary table near_observation on commit drop as
select
    said.*,
    said.observation_number as source_play_number,
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
    dim_track.track_id is not null as has_id
from (
    select
        (row_number() over ())::integer as observation_number,
        heard.*
    from (
        select
            observation.source_key,
            observation.track_key,
            observation.observed_at,
            observation.started_at,
            observation.ms_played,
            observation.context_key,
            observation.device_key,
            observation.play_profile_key,
            observation.sequence,
            observation.play_key,
            null::integer as import_set_key,
            false as is_new,
            null::integer as item_number
        from nearby_span
        cross join listening.source
        inner join listening.observation
            on
                observation.listener_key = :listener_key
                and observation.source_key = source.source_key
                and observation.observed_at >= nearby_span.starts_at
                and observation.observed_at <= nearby_span.ends_at
        union all
        select
            new_observation.source_key,
            new_observation.track_key,
            new_observation.observed_at,
            new_observation.started_at,
            new_observation.ms_played,
            new_observation.context_key,
            new_observation.device_key,
            new_observation.play_profile_key,
            new_observation.sequence,
            new_observation.play_key,
            new_observation.import_set_key,
            true,
            new_observation.item_number
        from new_observation
    ) as heard
) as said
inner join listening.dim_track on dim_track.track_key = said.track_key;

analyze near_observation;

create temporary table observation_link (
    observation_number integer not null,
    other_number integer not null
) on commit drop;

create temporary table source_play (
    source_play_number integer not null,
    source_key smallint not null,
    track_key integer not null,
    recording_key integer not null,
    has_id boolean not null,
    observed_at timestamptz not null,
    last_observed_at timestamptz not null,
    started_at timestamptz,
    ends_at timestamptz,
    ms_played integer,
    context_key integer not null,
    device_key integer not null,
    play_profile_key integer not null
) on commit drop;

create temporary table play_member (
    source_play_number integer not null,
    play_number integer not null,
    is_left_over boolean not null
) on commit drop;
