-- A full window in which nothing was known: what lay between the watermark and the window was probably lost.

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at
)
select
    watermark.listener_key,
    watermark.source,
    'gap',
    watermark.played_at,
    (select min(staged_report.told_at) from staged_report),
    :found_at
from ops.watermark
where
    watermark.listener_key = :listener_key
    and watermark.source = :source
    and watermark.played_at < (select min(staged_report.told_at) from staged_report)
    and not exists (
        select 1
        from told_play
        where
            told_play.source = 'recently_played'
            and told_play.item_number is not null
            and told_play.is_known
    )
on conflict (listener_key, source, state, starts_at) do nothing
returning
    starts_at,
    ends_at;
