-- Remember what a provider does not know, and when to ask it again. A batch that is saved twice counts once.
insert into ops.provider_miss (
    provider,
    kind,
    item_key,
    miss_count,
    ask_again_at
)
select
    :provider,
    :kind,
    missed.item_key,
    1,
    :now + interval '1 day' * (cast(:again_after_days as integer[]))[1]
from unnest(cast(:item_keys as integer[])) as missed (item_key)
on conflict (provider, kind, item_key) do update
set
    miss_count = provider_miss.miss_count + 1,
    ask_again_at = :now + interval '1 day' * (cast(:again_after_days as integer[]))[
        least(provider_miss.miss_count + 1, cardinality(cast(:again_after_days as integer[])))
    ]
where provider_miss.ask_again_at <= :now
