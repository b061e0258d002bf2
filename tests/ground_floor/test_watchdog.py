"""One thread that watches many blocks: a late one is ended in its turn, and one that ends in time is left alone."""

import logging
import os
import signal
import threading
import time

import pytest

from etl.deadline import Watchdog


def watchdogs() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "watchdog"}


def exit_status(child: int) -> int | None:
    """Of a child process; None, and it is killed, if it hangs."""
    for _ in range(1500):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def test_of_two_blocks_the_one_with_less_time_is_ended_first_though_it_began_later():
    watchdog, ended, idle, late = Watchdog(), [], threading.Event(), threading.Event()
    with watchdog.watching(0.05, idle.set):
        assert idle.wait(60)  # its thread now waits for whatever comes
    with watchdog.watching(90, lambda: ended.append("outer")), watchdog.watching(0.1, late.set):
        assert late.wait(60)
    assert ended == []


def test_a_block_that_ends_in_time_is_left_alone_and_one_thread_watches_all():
    watchdog, ended, late = Watchdog(), [], threading.Event()
    before = watchdogs()
    for _ in range(20):
        with watchdog.watching(60, lambda: ended.append("in time")):
            pass
    [_] = watchdogs() - before
    with watchdog.watching(0.3, late.set):
        assert late.wait(60)
    assert ended == []


def test_what_fails_to_end_a_block_leaves_the_others_watched(caplog):
    watchdog, late, later = Watchdog(), threading.Event(), threading.Event()

    def fails() -> None:
        late.set()
        raise ValueError

    with caplog.at_level(logging.ERROR), watchdog.watching(0.05, fails), watchdog.watching(0.1, later.set):
        assert late.wait(60) and later.wait(60)
    assert "What should end a block that takes too long has failed." in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_watches_its_own_blocks_and_none_of_its_parent():
    watchdog, ended = Watchdog(), []
    with watchdog.watching(60, lambda: ended.append("parent")):
        child = os.fork()
        if child == 0:
            late = [threading.Event(), threading.Event()]
            with watchdog.watching(0.1, late[0].set), watchdog.watching(0.05, late[1].set):
                in_time = all(event.wait(20) for event in late)
            os._exit(0 if in_time and not watchdog._watched else 1)
        assert exit_status(child) == 0
    assert ended == []
