-- The longest session, with no more than thirty minutes of silence in between
with numbered as (
    select
        report_listen.played_at,
        report_listen.listened_ms,
        count(*) filter (
            where
                report_listen.is_session_start
                or (
                    report_listen.silence > interval '30 minutes'
                    and exists (select 1 from listening.exclusion where exclusion.listener_key = :listener_key)
                )
        ) over (
            order by
                report_listen.played_at,
                report_listen.play_key
            rows unbounded preceding
        ) as session_number
    from (
        select
            report_listen.play_key,
            report_listen.played_at,
            report_listen.listened_ms,
            report_listen.is_session_start,
            report_listen.played_at
            - coalesce(report_listen.listened_ms, 0) * interval '1 millisecond'
            - lag(report_listen.played_at) over (
                order by
                    report_listen.played_at,
                    report_listen.play_key
            ) as silence
        from report_listen
    ) as report_listen
)
select
    coalesce(sum(numbered.listened_ms), 0)::bigint as listened_ms,
    min(numbered.played_at - coalesce(numbered.listened_ms, 0) * interval '1 millisecond') as started_at,
    max(numbered.played_at) as ended_at,
    count(*) as listen_count
from numbered
group by numbered.session_number
order by
    coalesce(sum(numbered.listened_ms), 0) desc,
    min(numbered.played_at)
limit 1
