-- The listener, created when first seen. One whose id was first a user id (the answer had no account_id then) stays the
-- same listener. So does "me", whose export was imported before the first login, unless that export is by now part of
-- another listener's record. stand_ins lists these ids, the likeliest first. Returns the listener, and into whose record
-- their plays go.

update listening.dim_listener
set listener_id = :listener_id
where
    dim_listener.listener_key = (
        select stand_in.listener_key
        from listening.dim_listener as stand_in
        where
            stand_in.listener_id = any(cast(:stand_ins as text[]))
            and (stand_in.merged_into is null or stand_in.listener_id <> 'me')
        order by array_position(cast(:stand_ins as text[]), stand_in.listener_id)
        limit 1
    )
    and not exists (
        select 1
        from listening.dim_listener as known
        where known.listener_id = :listener_id
    );

insert into listening.dim_listener (
    listener_id,
    listener_name,
    time_zone,
    created_at
)
values (
    :listener_id,
    :listener_name,
    coalesce(:time_zone, 'UTC'),
    :created_at
)
on conflict (listener_id) do update
set
    -- a name that the person chose stays
    listener_name = case
        when dim_listener.is_renamed then dim_listener.listener_name
        else coalesce(excluded.listener_name, dim_listener.listener_name)
    end,
    reported_name = case
        when dim_listener.is_renamed then coalesce(excluded.listener_name, dim_listener.reported_name)
    end
returning
    dim_listener.listener_key,
    coalesce(dim_listener.merged_into, dim_listener.listener_key) as record_key;
