"""How long an answer of Spotify's may take and how large it may get, against servers that drip, flood and pack."""

import gzip
import threading
import tracemalloc
import zlib

import pytest
from support.raw_server import Answer, dripping, in_turn, raw_server, whole

from etl import limits
from etl.deadline import CallTimeout, Deadline, RunTimeout, within
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import RateLimited, Unavailable
from etl.spotify.http import RetryBudget, shorten

OK = b"HTTP/1.1 200 OK\r\n"
pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALL_S", 0.3)
    monkeypatch.setattr(limits, "TRIES", 2)
    monkeypatch.setattr(limits, "ANSWER_MB", 1)


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that are to be read whole, on a slow machine too."""
    monkeypatch.setattr(limits, "CALL_S", 60)


def api(url: str) -> Api:
    return Api(url, lambda: "token")


def unavailable(url: str) -> str:
    """What a call that can't be answered properly says."""
    with pytest.raises(Unavailable) as raised:
        api(url).me()
    return str(raised.value)


def packed(text: bytes) -> bytes:
    return gzip.compress(text)


DRIPS = {
    "status line": b"HTTP/1.1 2",
    "header": OK + b"X: ",
    "body": OK + b"Content-Length: 100000\r\n\r\n{",
    "body without length": OK + b"\r\n{",
    "packed body": OK + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n" + packed(b"{}")[:10],
    "size of a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1;",
    "body of a failure": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100000\r\n\r\n<",
}
DROPS = {
    "headers": (OK, b"X: y\r\n"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "answers that are none yet": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize(
    "answer",
    [*(dripping(start) for start in DRIPS.values()), *(dripping(*both) for both in DROPS.values())],
    ids=[*DRIPS, *DROPS],
)
def test_an_answer_that_drips_is_given_up_and_asked_for_again(answer: Answer) -> None:
    with raw_server(answer) as server:
        assert "(an answer took longer than 0.3 s; 2 tries)" in unavailable(server.url)
        assert len(server.heard) == 2


def test_a_token_that_drips_is_given_up_too() -> None:
    with raw_server(dripping(DRIPS["body"])) as server, pytest.raises(Unavailable, match=r"took longer than 0\.3 s"):
        Accounts(server.url, "id", "secret").client_credentials()


def test_a_handshake_that_drips_is_given_up_too() -> None:
    hello = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # the start of a record of TLS with 16,384 bytes
    with raw_server(dripping(hello), is_silent=True) as server:
        assert "took longer than 0.3 s" in unavailable(server.url.replace("http:", "https:"))


def test_what_came_after_a_drip_is_read_by_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALL_S", 2)
    with raw_server(in_turn(dripping(DRIPS["header"]), whole(b'{"id": "x"}'))) as server:
        assert api(server.url).me() == {"id": "x"}


def test_waiting_ends_whatever_the_work_waits_for() -> None:
    never = threading.Event()
    with pytest.raises(CallTimeout):
        within(0.01, never.wait)
    assert within(60, lambda: 5) == 5
    with pytest.raises(TimeoutError, match="its own"):
        within(60, lambda: raise_(TimeoutError("its own")))


def raise_(error: Exception) -> None:
    raise error


# How large.


def bomb(size: int) -> bytes:
    """Zeros, packed; some 300 KB for 300 MB."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packing.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, packing.flush()])


FLOODS = {
    "300 MB in a gzip": whole(bomb(300 * 2**20), "Content-Encoding: gzip"),
    "plain": whole(b"{" + b" " * 2**21 + b"}"),
    "a length that nothing can hold": dripping(OK + b"Content-Length: 999999999999\r\n\r\n", b" " * 2**16, 0),
    "chunks without end": dripping(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 2**16 + b"\r\n", 0
    ),
    "nothing but an end": dripping(OK + b"\r\n", b" " * 2**16, 0),
}


@pytest.mark.parametrize("answer", FLOODS.values(), ids=FLOODS)
def test_an_answer_that_is_too_large_is_not_read_whole(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(answer) as server:
        tracemalloc.start()
        try:
            assert "(an answer is larger than 1 MB; 2 tries)" in unavailable(server.url)
            assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "deflate", "br", "zstd", "gzip;q=1", "none of these"])
def test_only_the_packing_that_was_asked_for_is_unpacked(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(whole(packed(packed(b"{}")), f"Content-Encoding: {encoding}")) as server:
        assert "compressed in a way that was not asked for" in unavailable(server.url)
    assert b"\r\nAccept-Encoding: gzip\r\n" in server.heard[0]


@pytest.mark.parametrize("more", ["X: " + "y" * 2**20, "\r\n".join(f"X{number}: y" for number in range(200))])
def test_headers_that_are_too_large_or_too_many_are_a_failed_try(more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(whole(b"{}", more)) as server:
        assert "2 tries" in unavailable(server.url)


# What is whole.


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (whole(packed(b'{"id": "x"}'), "Content-Encoding: gzip"), {"id": "x"}),
        (whole(packed(b'{"id": "x"}'), "Content-Encoding: GZIP "), {"id": "x"}),
        (whole(b'{"id": "x"}', "Content-Encoding: identity"), {"id": "x"}),
        (whole('\ufeff{"id": "ü"}'.encode()), {"id": "ü"}),
        (whole(b"{" + b" " * (2**20 - 2) + b"}"), {}),
        (whole(b"", "Content-Encoding: gzip", status="204 No Content"), {}),
    ],
    ids=["packed", "in capitals", "not packed", "with a mark", "as large as it may be", "empty"],
)
def test_an_answer_is_unpacked_and_read(answer: Answer, read: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(answer) as server:
        assert api(server.url).me() == read


@pytest.mark.parametrize(
    "answer",
    [
        whole(packed(b'{"id": "x"}')[:-4], "Content-Encoding: gzip"),
        whole(b"no gzip", "Content-Encoding: gzip"),
        lambda connection, _: connection.sendall(OK + b"Content-Length: 9\r\n\r\n{}") or connection.close(),
        lambda connection, _: (
            connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n") or connection.close()
        ),
    ],
    ids=["packed", "not packed at all", "plain", "chunked"],
)
def test_an_answer_that_is_cut_short_is_a_failed_try(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(answer) as server:
        assert "(the answer was cut short; 2 tries)" in unavailable(server.url)


def test_calls_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    with raw_server(in_turn(whole(b"{}"), whole(packed(b"{}"), "Content-Encoding: gzip"), whole(b"{}"))) as server:
        spotify = api(server.url)
        assert [spotify.me() for _ in range(4)] == [{}] * 4
        assert server.connections == 1


# The run as a whole.


def test_once_its_time_is_up_a_run_asks_no_more() -> None:
    with raw_server(whole(b"{}")) as server:
        spotify = Api(server.url, lambda: "token", RetryBudget(deadline=Deadline(ends_at=0, limit_s=300)))
        with pytest.raises(RunTimeout, match="longer than 5 minutes"):
            spotify.me()
        assert server.heard == []


def test_a_call_takes_no_longer_than_its_run_may(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)
    monkeypatch.setitem(limits.RUN_S, "plays", 0.3)
    with raw_server(dripping(DRIPS["body"])) as server:
        with pytest.raises(RunTimeout, match=r"longer than 0\.3 s"):
            Api(server.url, lambda: "token", RetryBudget(deadline=Deadline.of("plays"))).me()
        assert len(server.heard) == 1


def test_a_pause_that_does_not_fit_into_the_run_is_left_to_the_next(
    monkeypatch: pytest.MonkeyPatch, no_pauses: list[float]
) -> None:
    patient(monkeypatch)
    monkeypatch.setitem(limits.RUN_S, "plays", 20)
    patience = RetryBudget(deadline=Deadline.of("plays"))
    busy = whole(b"{}", "Retry-After: 30", status="429 Too Many Requests")
    with raw_server(busy) as server, pytest.raises(RateLimited):
        Api(server.url, lambda: "token", patience).me()
    assert no_pauses == []


def test_a_text_is_cut_between_two_words() -> None:
    assert shorten("one, two", 8) == "one, two"
    assert [shorten("one, two three", length) for length in (13, 9, 8)] == ["one, two…", "one…", "one…"]
    assert shorten("a" * 50, 10) == "a" * 9 + "…"
