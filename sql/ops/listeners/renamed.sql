-- Give a listener the display name that the person chose; null: the one that Spotify tells again.
update listening.dim_listener
set
    listener_name = case
        when cast(:listener_name as text) is not null then :listener_name
        when dim_listener.is_renamed then dim_listener.reported_name
        else dim_listener.listener_name
    end,
    reported_name = case
        when cast(:listener_name as text) is null then null
        when dim_listener.is_renamed then dim_listener.reported_name
        else dim_listener.listener_name
    end,
    is_renamed = cast(:listener_name as text) is not null
where dim_listener.listener_key = :listener_key
returning listener_name
