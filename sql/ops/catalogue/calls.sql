-- Calls to the catalogue in the last 24 hours.
select coalesce(sum(catalogue_call.call_count), 0)::integer as call_count
from ops.catalogue_call
where catalogue_call.called_at > :now - interval '24 hours'
