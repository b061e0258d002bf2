-- Grain: a rule of what is left out and a track that it is about: the rows of listening.excluded_track, worked out once
-- and on their own, because who joins plays to that view has no idea how few rows it has.
--
-- Within a report they are those that sql/reports/shared/excluded_tracks.sql has worked out, of its listener alone.
-- That setting is its reader's own, and ends with the transaction.

create or replace function listening.excluded_tracks()
returns table (
    listener_key integer,
    exclusion_key integer,
    track_key integer,
    is_whole boolean
)
language plpgsql stable parallel safe
rows 500 cost 1
set jit = off
as $$
declare
    kept text := nullif(current_setting('brapped.excluded_tracks', true), '');
begin
    if not exists (select 1 from listening.exclusion) then
        return;
    elsif kept is null then
        return query
        select
            excluded_track.listener_key,
            excluded_track.exclusion_key,
            excluded_track.track_key,
            excluded_track.is_whole
        from listening.excluded_track;
    else
        return query
        select
            split_part(kept, ';', 1)::integer,
            found.exclusion_key,
            found.track_key,
            found.is_whole
        from unnest(
            split_part(kept, ';', 2)::integer[],
            split_part(kept, ';', 3)::integer[],
            split_part(kept, ';', 4)::boolean[]
        ) as found (exclusion_key, track_key, is_whole);
    end if;
end
$$;

comment on function listening.excluded_tracks is 'The rows of listening.excluded_track, for what is asked of plays.';
