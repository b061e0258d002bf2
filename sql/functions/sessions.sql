-- Grain: a listening session from since to before until: plays with at most thirty minutes of silence between the end
-- of one and the start of the next. What the listener's rules leave out ends no silence.

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
        kept.listener_key,
        kept.played_at,
        kept.best_ms,
        count(*) filter (
            where
                kept.is_session_start
                or (
                    kept.silence > interval '30 minutes'
                    and exists (select 1 from listening.exclusion where exclusion.listener_key = kept.listener_key)
                )
        ) over (
            partition by kept.listener_key
            order by
                kept.played_at,
                kept.play_key
        ) as session_number
    from (
        select
            kept_plays.listener_key,
            kept_plays.play_key,
            kept_plays.played_at,
            kept_plays.best_ms,
            kept_plays.is_session_start,
            kept_plays.played_at
            - coalesce(kept_plays.best_ms, 0) * interval '1 millisecond'
            - lag(kept_plays.played_at) over (
                partition by kept_plays.listener_key
                order by
                    kept_plays.played_at,
                    kept_plays.play_key
            ) as silence
        from listening.kept_plays(since, until)
    ) as kept
) as numbered
group by
    numbered.listener_key,
    numbered.session_number
$$;

comment on function listening.sessions is
    'Listening sessions from since to before until: what was listened to without more than thirty minutes of silence '
    'in between. Filter it by listener_key.';
