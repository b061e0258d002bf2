-- The size of the database and its growth: plays of the last ninety days, and the size of the facts.
select
    pg_database_size(current_database()) as size_bytes,
    pg_total_relation_size('listening.fact_play') as fact_bytes,
    (
        select coalesce(sum(run.recorded_count), 0)
        from ops.run
        where
            run.job in ('plays', 'record')
            and run.started_at > :now - interval '90 days'
    ) as recent_count,
    (
        select least(90, greatest(1, date_part('epoch', :now - min(run.started_at)) / 86400))
        from ops.run
        where
            run.job in ('plays', 'record')
            and run.started_at > :now - interval '90 days'
    ) as recent_days
