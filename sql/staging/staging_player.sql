-- What the player recorder knows of its observations besides staging_play.
create temporary table staging_player (
    item_number integer not null,
    start_basis text not null,
    end_basis text not null,
    start_within_ms integer,
    end_within_ms integer not null,
    ms_within integer,
    progress_ms integer not null,
    pause_count smallint not null,
    seek_count smallint not null,
    device_change_count smallint not null,
    is_complete boolean,
    is_smart_shuffle boolean,
    repeat_mode text
) on commit drop
