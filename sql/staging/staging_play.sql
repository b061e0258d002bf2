-- Plays of a batch as the sources report them. A null track_uri means the unknown track.
create temporary table staging_play (
    item_number integer not null,
    file_number integer,
    source text not null,
    track_uri text,
    played_at timestamptz not null,
    started_at timestamptz,
    ms_played integer,
    context_uri text,
    context_type text,
    detail_number integer
) on commit drop;

-- What many plays share: device, reasons, flags. Each combination is staged once, so that a million plays of an import
-- do not carry it through COPY. A play without a detail_number has none of it.
create temporary table staging_play_detail (
    detail_number integer primary key,
    device_id text,
    device_name text,
    device_type text,
    platform text,
    reason_start text,
    reason_end text,
    is_shuffle boolean,
    is_skipped boolean,
    is_offline boolean,
    is_private boolean,
    country_code text
) on commit drop;
