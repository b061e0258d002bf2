-- Estimated length of a play that no source gives: the length of the track, or the time since the previous play.

create or replace function listening.estimated_ms(since_previous_ms integer, duration_ms integer)
returns integer
language sql immutable parallel safe
as $$
select case
    when since_previous_ms < duration_ms - 12000 then since_previous_ms
    else duration_ms
end
$$;

comment on function listening.estimated_ms is
    'Estimated length of a play: that of the track, or the time since the play before where that is more than twelve '
    'seconds shorter.';
