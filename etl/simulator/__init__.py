"""A simulated Spotify for the demo and the tests: one pure function behind a socket, a made-up catalogue and a made-up listener."""
