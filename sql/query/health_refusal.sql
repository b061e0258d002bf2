-- Endpoints that Spotify refuses to this app.
select
    refusal.endpoint,
    refusal.refused_at
from ops.refusal
where refusal.client_fingerprint = :client_fingerprint
order by refusal.endpoint
