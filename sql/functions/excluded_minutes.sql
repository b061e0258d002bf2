-- At which local minutes of the day (from 1 for 00:00) rules with a time that are not about tracks may leave a play
-- out: 1: rules that ask nothing else but a weekday; 2: also one that asks more. Null: there is no rule with a time.

create or replace function listening.excluded_minutes()
returns smallint[]
language plpgsql stable parallel safe
as $$
declare
    span record;
    minutes smallint[];
begin
    for span in
        select
            exclusion.from_minute,
            exclusion.until_minute,
            max(
                case
                    when
                        num_nonnulls(
                            exclusion.context_key, exclusion.device_name, exclusion.since_date, exclusion.until_date
                        ) > 0
                        then 2
                    else 1
                end
            )::smallint as kind
        from listening.exclusion
        where
            exclusion.from_minute is not null
            and num_nonnulls(exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name) = 0
        group by
            exclusion.from_minute,
            exclusion.until_minute
        order by kind
    loop
        minutes := coalesce(minutes, array_fill(0::smallint, array[1440]));
        if span.from_minute < span.until_minute then
            minutes[span.from_minute + 1 : span.until_minute] :=
                array_fill(span.kind, array[span.until_minute - span.from_minute]);
        else
            minutes[span.from_minute + 1 : 1440] := array_fill(span.kind, array[1440 - span.from_minute]);
            if span.until_minute > 0 then
                minutes[1 : span.until_minute] := array_fill(span.kind, array[span.until_minute::integer]);
            end if;
        end if;
    end loop;
    return minutes;
end
$$;

comment on function listening.excluded_minutes is
    'At which local minutes of the day, from 1 on, rules of listening.exclusion that are not about tracks may leave a '
    'play out: 0 none, 1 those that ask nothing else but a weekday, 2 any. Null: no rule has a time.';
