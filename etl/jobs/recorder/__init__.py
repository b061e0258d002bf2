"""The recorder: asks Spotify's player all day, keeps what it learns in a local spool, and flushes it to the warehouse.

`loop` asks each listener's player when it is due; `spool` survives kills; `calls` counts what an app may ask; `tokens`
keeps the access tokens; `flush` is the way into the warehouse; `service` talks to systemd; `record` starts all of it.
"""
