"""Spotify's exports: archives and JSON files to rows of a batch."""
