"""Postgres: connections, schema, statements, locks, merges. Knows no Spotify."""
