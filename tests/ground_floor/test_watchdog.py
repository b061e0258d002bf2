"""One thread that watches many blocks: a late one is ended in its turn, and one that ends in time is left alone."""

import threading

from etl.deadline import Watchdog


def test_of_two_blocks_the_one_with_less_time_is_ended_first_though_it_began_later():
    watchdog, ended, idle, late = Watchdog(), [], threading.Event(), threading.Event()
    with watchdog.watching(0.05, idle.set):
        assert idle.wait(60)  # its thread now waits for whatever comes
    with watchdog.watching(90, lambda: ended.append("outer")), watchdog.watching(0.1, late.set):
        assert late.wait(60)
    assert ended == []


def test_a_block_that_ends_in_time_is_left_alone_and_one_thread_watches_all():
    watchdog, ended, late = Watchdog(), [], threading.Event()
    before = threading.active_count()
    for _ in range(20):
        with watchdog.watching(0.2, lambda: ended.append("in time")):
            pass
    assert threading.active_count() == before + 1
    with watchdog.watching(0.3, late.set):
        assert late.wait(60)
    assert ended == []
