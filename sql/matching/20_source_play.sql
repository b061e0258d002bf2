-- Three empty tables that the next steps fill.
-- source_play: what one source reports, each play once, from the batch and the record together.
-- origin: the recorded play that a source_play comes from.
-- play_match: the source_plays of other sources that are the same play.

create temporary table source_play (
    source_play_number integer not null,
    source text not null,
    track_key integer not null,
    recording_key integer not null,
    has_id boolean not null,
    observed_at timestamptz not null,
    last_observed_at timestamptz not null,
    started_at timestamptz,
    ms_played integer,
    context_key integer not null,
    device_key integer not null,
    reason_start text,
    reason_end text,
    is_shuffle boolean,
    is_skipped boolean,
    is_offline boolean,
    is_private boolean,
    country_code text,
    item_number integer,
    file_number integer,
    is_known boolean not null,
    play_key bigint,
    same_as integer
) on commit drop;

create temporary table origin (
    source_play_number integer not null,
    play_key bigint not null,
    is_primary boolean not null
) on commit drop;

create temporary table play_match (
    source_play_number integer not null,
    other_number integer not null unique,
    other_source text not null
) on commit drop;
