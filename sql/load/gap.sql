-- A full window in which nothing was known, not from an export either: what lay between the watermark and the window was probably lost.

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
        left join same_listen on same_listen.other_number = told_play.told_number
        inner join listen on listen.listen_number = coalesce(same_listen.told_number, told_play.told_number)
        where
            told_play.source = 'recently_played'
            and told_play.item_number is not null
            and listen.play_key is not null
    )
on conflict (listener_key, source, state, starts_at) do nothing
returning
    starts_at,
    ends_at;
