-- Year by year, and the place among all contexts of its kind by plays
with everything as materialized (
    select
        kept_plays.date_key / 10000 as year,
        kept_plays.context_key,
        count(*) as play_count
    from listening.kept_plays(:since, :until)
    where
        kept_plays.listener_key = :listener_key
        and listening.is_counted(:counts_as, kept_plays.best_ms, kept_plays.duration_ms, kept_plays.reason_end)
        and kept_plays.date_key / 10000 in (select report_play.date_key / 10000 from report_play)
        and kept_plays.context_key in (
            select alike.context_key
            from listening.dim_context
            inner join listening.dim_context as alike on alike.context_type = dim_context.context_type
            where dim_context.context_key = :context_key
        )
    group by
        kept_plays.date_key / 10000,
        kept_plays.context_key
),
played as (
    select
        report_play.date_key / 10000 as year,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 10000
)
select
    played.year,
    1 + (
        select count(*)
        from everything
        where
            everything.year = played.year
            and everything.play_count > played.play_count
    ) as year_rank,
    played.play_count,
    played.listened_ms
from played
order by played.year
