-- The first of these names that this Postgres knows as a time zone; null when it knows none. Each host has a list of its own: Debian and
-- the official images leave out the old names, and a host that is not updated lacks the new ones.

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

comment on function listening.known_time_zone is 'The first of these names that this Postgres knows as a time zone; null when it knows none.';
