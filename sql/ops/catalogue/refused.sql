-- Remember an endpoint that Spotify refuses to this app.
insert into ops.refusal (
    endpoint,
    client_fingerprint,
    refused_at
)
values (
    :endpoint,
    :client_fingerprint,
    :now
)
on conflict do nothing
