-- Grain: a listener. How fresh the record is.

create or replace view listening.freshness as
select
    dim_listener.listener_key,
    (
        select max(fact_play.played_at)
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
    ) as last_played_at,
    (
        select max(watermark.checked_at)
        from ops.watermark
        inner join listening.dim_listener as account on account.listener_key = watermark.listener_key
        where dim_listener.listener_key in (account.listener_key, account.merged_into)
    ) as checked_at
from listening.dim_listener
where
    dim_listener.merged_into is null
    and listening.is_visible(dim_listener.listener_key);

comment on view listening.freshness is 'How fresh the record of a listener is.';
comment on column listening.freshness.listener_key is 'Who listened.';
comment on column listening.freshness.last_played_at is 'End of the last play recorded.';
comment on column listening.freshness.checked_at is 'When Spotify was last asked; null: never.';
