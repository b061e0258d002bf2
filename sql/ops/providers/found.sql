-- Forget that a provider once did not know these.
delete from ops.provider_miss
where
    provider_miss.provider = :provider
    and provider_miss.kind = :kind
    and provider_miss.item_key = any(cast(:item_keys as integer[]))
