-- How long a play probably was of which no source tells: as long as the track, or as the time since the play before.

create or replace function listening.estimated_ms(gap interval, duration_ms integer)
returns integer
language sql immutable parallel safe
as $$
select case
    when date_part('epoch', gap) * 1000 < duration_ms - 12000 then (date_part('epoch', gap) * 1000)::integer
    else duration_ms
end
$$;

comment on function listening.estimated_ms is 'Estimated length of a play: that of the track, or the time since the play before (gap) where that is more than twelve seconds shorter.';
