-- Endpoints that Spotify is known to refuse to this app.
select refusal.endpoint
from ops.refusal
where refusal.client_fingerprint = :client_fingerprint
