-- Grain: a listener and a streak: consecutive local days, each with a counted play.

create or replace function listening.streaks(counts_as text)
returns table (
    listener_key integer,
    first_date date,
    last_date date,
    day_count bigint,
    play_count bigint
)
language sql stable parallel safe
as $$
select
    numbered.listener_key,
    min(numbered.full_date),
    max(numbered.full_date),
    count(*),
    sum(numbered.play_count)::bigint
from (
    select
        counted_plays.listener_key,
        dim_date.full_date,
        count(*) as play_count,
        dim_date.full_date - row_number() over (
            partition by counted_plays.listener_key
            order by dim_date.full_date
        )::integer as anchor
    from listening.counted_plays(counts_as, '-infinity', 'infinity')
    inner join listening.dim_date on dim_date.date_key = counted_plays.date_key
    group by
        counted_plays.listener_key,
        dim_date.full_date
) as numbered
group by
    numbered.listener_key,
    numbered.anchor
$$;

comment on function listening.streaks is
    'Local days in a row with something that counts as a play (counts_as is 30s, half, full or all). Filter it by '
    'listener_key.';
