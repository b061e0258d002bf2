-- The first of these names that this Postgres knows as a time zone; null if it knows none. Hosts differ: Debian and the
-- official images leave out old names, and a host without updates lacks new ones.

create or replace function listening.known_time_zone(names text[])
returns text
language plpgsql stable strict
as $$
declare
    candidate text;
begin
    foreach candidate in array names loop
        begin
            perform now() at time zone candidate;
            return candidate;
        exception
            when invalid_parameter_value then null;
        end;
    end loop;
    return null;
end
$$;

comment on function listening.known_time_zone is
    'The first of these names that this Postgres knows as a time zone; null when it knows none.';
