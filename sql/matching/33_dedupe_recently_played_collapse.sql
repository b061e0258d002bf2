-- The list's plays, each once: with its first and last date, and the context that was told last.

create temporary table listed_told on commit drop as
select
    dated_play.play_number,
    dated_play.play_number + (select coalesce(max(told_play.told_number), 0) from told_play) as told_number,
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

insert into told_play (
    told_number,
    source,
    track_key,
    recording_key,
    has_id,
    told_at,
    last_told_at,
    context_key,
    device_key,
    item_number,
    file_number,
    is_known
)
select
    listed_told.told_number,
    'recently_played',
    listed_told.track_key,
    listed_told.recording_key,
    listed_told.has_id,
    listed_told.first_at,
    listed_told.last_at,
    listed_told.context_key,
    0,
    listed_told.item_number,
    listed_told.file_number,
    listed_told.is_known
from listed_told;

insert into origin (
    told_number,
    play_key,
    is_primary
)
select
    listed_told.told_number,
    dated_play.play_key,
    dated_play.is_primary
from dated_play
inner join listed_told on listed_told.play_number = dated_play.play_number
where dated_play.play_key is not null;
