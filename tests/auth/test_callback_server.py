"""The page that a browser is led back to after the login."""

import socket
import threading

import pytest

from etl.auth.callback_server import CallbackServer


@pytest.mark.parametrize(
    "line", [b"GET http://[::1 HTTP/1.1", b"GET", b"\xff\xfe\x00 / HTTP/9", b"GET /" + b"a" * 70_000]
)
def test_an_odd_request_does_not_end_the_wait_for_the_browser(line, capfd):
    came: list[str] = []

    def answered(address: str) -> tuple[str, str]:
        came.append(address)
        return "You are logged in", "You can close this page."

    with CallbackServer(0) as loopback:
        port = int(loopback.redirect_uri.rpartition(":")[2].partition("/")[0])
        waiting = threading.Thread(target=loopback.wait, args=(lambda address: "state=mine" in address, answered))
        waiting.start()
        for request in (line, b"GET /callback?state=mine&code=x HTTP/1.1\r\nHost: 127.0.0.1"):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as browser:
                browser.sendall(request + b"\r\n\r\n")
                browser.recv(1000)
        waiting.join(30)
    assert not waiting.is_alive() and came == ["/callback?state=mine&code=x"]
    assert "Traceback" not in "".join(capfd.readouterr())
