-- Confine the transaction to the rows of one listener, as the role of the web application. It has to be in a
-- transaction; the settings end with it.
select
    set_config('brapped.listener_key', cast(cast(:listener_key as integer) as text), true) as listener_key,
    set_config('role', 'brapped_web', true) as role_name
