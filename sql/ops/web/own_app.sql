-- When a listener brought an app of their own; no row if they have none.
select app.added_at
from ops.app
where app.listener_key = :listener_key
order by app.app_key desc
limit 1
