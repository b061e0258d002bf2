"""Brapped: everything you play on Spotify, as a star schema in a Postgres of your own."""

__version__ = "0.1.0"
