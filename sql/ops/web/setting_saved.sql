-- Keep what a listener sets in the web application; null: as it was.
insert into ops.web_setting (
    listener_key,
    counts_as,
    is_open_to_comparison
)
values (
    :listener_key,
    coalesce(cast(:counts_as as text), '30s'),
    coalesce(cast(:is_open_to_comparison as boolean), false)
)
on conflict (listener_key) do update
set
    counts_as = coalesce(cast(:counts_as as text), web_setting.counts_as),
    is_open_to_comparison = coalesce(cast(:is_open_to_comparison as boolean), web_setting.is_open_to_comparison)
