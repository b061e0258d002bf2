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
    (select min(reported_play.played_at) from reported_play),
    :found_at
from ops.watermark
where
    watermark.listener_key = :listener_key
    and watermark.source = :source
    and watermark.played_at < (select min(reported_play.played_at) from reported_play)
    and not exists (select 1 from same_listen)
on conflict (listener_key, source, state, starts_at) do nothing
returning
    starts_at,
    ends_at;
