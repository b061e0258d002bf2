-- Collapse the dates of the list into source plays, with the first and last date of each and the context reported last.

create temporary table collapsed_play on commit drop as
select
    dated_play.play_number,
    dated_play.play_number
    + (select coalesce(max(source_play.source_play_number), 0) from source_play) as source_play_number,
    (array_agg(dated_play.track_key order by dim_track.track_uri))[1] as track_key,
    (array_agg(dim_track.track_id is not null order by dim_track.track_uri))[1] as has_id,
    dated_play.recording_key,
    min(dated_play.first_at) as first_at,
    max(dated_play.last_at) as last_at,
    coalesce(
        (
            array_agg(dated_play.context_key order by dated_play.item_number is null, dated_play.first_at desc)
            filter (where dated_play.context_key <> 0)
        )[1],
        0
    ) as context_key,
    min(dated_play.item_number) as item_number,
    (array_agg(dated_play.file_number order by dated_play.item_number))[1] as file_number,
    bool_or(dated_play.item_number is null) as is_known
from dated_play
inner join listening.dim_track on dim_track.track_key = dated_play.track_key
group by
    dated_play.play_number,
    dated_play.recording_key;

insert into source_play (
    source_play_number,
    source,
    track_key,
    recording_key,
    has_id,
    observed_at,
    last_observed_at,
    context_key,
    device_key,
    item_number,
    file_number,
    is_known
)
select
    collapsed_play.source_play_number,
    'recently_played',
    collapsed_play.track_key,
    collapsed_play.recording_key,
    collapsed_play.has_id,
    collapsed_play.first_at,
    collapsed_play.last_at,
    collapsed_play.context_key,
    0,
    collapsed_play.item_number,
    collapsed_play.file_number,
    collapsed_play.is_known
from collapsed_play;

insert into origin (
    source_play_number,
    play_key,
    is_primary
)
select
    collapsed_play.source_play_number,
    dated_play.play_key,
    dated_play.is_primary
from dated_play
inner join collapsed_play on collapsed_play.play_number = dated_play.play_number
where dated_play.play_key is not null;
