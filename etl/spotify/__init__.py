"""Spotify over HTTP."""
