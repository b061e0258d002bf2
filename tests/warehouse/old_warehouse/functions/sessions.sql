-- Grain: a listening session from since to before until: plays with at most thirty minutes of silence between the end
-- of one and the start of the next.

create or replace function listening.sessions(since timestamptz, until timestamptz)
returns table (
    listener_key integer,
    started_at timestamptz,
    ended_at timestamptz,
    listen_count bigint,
    listened_ms bigint
)
language sql stable parallel safe
as $$
select
    numbered.listener_key,
    min(numbered.played_at - coalesce(numbered.best_ms, 0) * interval '1 millisecond'),
    max(numbered.played_at),
    count(*),
    coalesce(sum(numbered.best_ms), 0)::bigint
from (
    select
        timed_plays.listener_key,
        timed_plays.played_at,
        timed_plays.best_ms,
        count(*) filter (where timed_plays.is_session_start) over (
            partition by timed_plays.listener_key
            order by
                timed_plays.played_at,
                timed_plays.play_key
        ) as session_number
    from listening.timed_plays(since, until)
) as numbered
group by
    numbered.listener_key,
    numbered.session_number
$$;

comment on function listening.sessions is
    'Listening sessions from since to before until: what was listened to without more than thirty minutes of silence '
    'in between. Filter it by listener_key.';
