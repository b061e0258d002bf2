-- The recorder that watches a listener.
select
    recorder.holder_id,
    recorder.host_name,
    recorder.claimed_at,
    recorder.flushed_at
from ops.recorder
where recorder.listener_key = :listener_key
