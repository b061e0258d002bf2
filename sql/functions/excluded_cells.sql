-- Where rules that are about neither tracks nor a time of the day may leave a play out, by the first thing that each
-- asks: the devices (device), else the contexts (context), else the local dates (day). Null: nowhere. It is a sieve:
-- what is in it still has to meet all that the rule asks, see is_in_scope.

create or replace function listening.excluded_cells(asked text)
returns integer[]
language plpgsql stable parallel safe
as $$
begin
    if not exists (
        select 1
        from listening.exclusion
        where
            num_nonnulls(
                exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name,
                exclusion.from_minute
            ) = 0
    ) then
        return null;
    end if;
    case asked
        when 'device' then
            return array_agg(distinct cell.device_key)
            from listening.exclusion_scope
            cross join lateral unnest(exclusion_scope.device_keys) as cell (device_key)
            where
                not exclusion_scope.has_tracks
                and exclusion_scope.from_minute is null;
        when 'context' then
            return array_agg(distinct exclusion_scope.context_key)
            from listening.exclusion_scope
            where
                not exclusion_scope.has_tracks
                and exclusion_scope.context_key is not null
                and exclusion_scope.device_keys is null
                and exclusion_scope.from_minute is null;
        when 'day' then
            return array_agg(distinct dim_date.date_key)
            from listening.exclusion
            inner join listening.dim_date
                on
                    coalesce(dim_date.full_date >= exclusion.since_date, true)
                    and coalesce(dim_date.full_date <= exclusion.until_date, true)
                    and coalesce(dim_date.day_of_week = any(exclusion.weekdays), true)
            where
                num_nonnulls(
                    exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name,
                    exclusion.context_key, exclusion.device_name, exclusion.from_minute
                ) = 0;
    end case;
end
$$;

comment on function listening.excluded_cells is
    'The devices, contexts or dates (device, context, day) at which rules of listening.exclusion that are about '
    'neither tracks nor a time of the day may leave a play out.';
