"""A Spotify of our own: one pure function, a socket skin, a made-up catalogue and a made-up listener.

`spotify.answer(world, request)` is the whole simulation; `server.SimulatedSpotify` puts it behind a real
socket. The demo and the tests share it, so what the demo shows is what the tests have tried. Nothing here
is real: every name, number and picture address is invented.
"""
