"""A simulated Spotify for the demo and the tests: a pure function, an HTTP server, a made-up catalogue and a made-up
listener.
"""
