"""Spotify logins: the OAuth flow, the server that the browser returns to, the stored tokens and their encryption."""
