"""The Postgres that pip installed."""
