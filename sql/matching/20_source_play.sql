-- What each source tells, each play once, the batch and what is known of it together. origin says as which play it was known;
-- same_listen, which of them are one listen.

create temporary table told_play (
    told_number integer not null,
    source text not null,
    track_key integer not null,
    recording_key integer not null,
    has_id boolean not null,
    told_at timestamptz not null,
    last_told_at timestamptz not null,
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
    told_number integer not null,
    play_key bigint not null,
    is_primary boolean not null
) on commit drop;

create temporary table same_listen (
    told_number integer not null,
    other_number integer not null unique,
    other_source text not null
) on commit drop;
