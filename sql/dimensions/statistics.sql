-- After many new tracks the planner's statistics are too old: it would read whole tables once a track.
do $$
begin
    if (select count(*) from changed_track) > 1000 then
        analyze listening.dim_track, listening.track_alias, listening.dim_artist, listening.bridge_track_artist;
    end if;
end
$$
