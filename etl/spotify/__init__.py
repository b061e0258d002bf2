"""Spotify over HTTP: requests, retries and limits, the endpoints in use, and one error class per kind of refusal."""
