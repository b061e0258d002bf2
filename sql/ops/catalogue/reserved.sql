-- Reserve calls before they are made, so that the calls of a killed run count too. Forget those older than a day.
with forgotten as (
    delete from ops.catalogue_call
    where catalogue_call.called_at <= :now - interval '24 hours'
)
insert into ops.catalogue_call (
    called_at,
    call_count
)
values (
    :now,
    :call_count
)
returning catalogue_call_key
