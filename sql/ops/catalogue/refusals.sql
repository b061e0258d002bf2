-- Endpoints that Spotify refuses to this app.
select refusal.endpoint
from ops.refusal
where refusal.client_fingerprint = :client_fingerprint
