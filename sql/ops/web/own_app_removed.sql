-- Remove the app that a listener brought; one row if there was one.
delete from ops.app
where app.listener_key = :listener_key
returning app_key
