"""The recorders of the player: what `brapped status` shows of them, and what needs a person."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from etl.counts import many
from etl.health.findings import RENEW, Finding
from etl.limits import PLAYER_STILL_S
from etl.notices import ago, moment

MISSED = 5  # plays of the list that a recorder did not see: it may be offline plays, or a recorder that stands still
STANDS_STILL = timedelta(seconds=PLAYER_STILL_S)

Recorders = list[dict[str, Any]]


def with_local(recorder: dict[str, Any], local: dict[str, Any] | None) -> dict[str, Any]:
    """A row of sql/ops/health/recorder.sql with what the spool on this computer says of that recorder and listener.

    `local`, None if that recorder runs elsewhere: {answered_at, outage, waiting_count, paused_until, is_running,
    call_count, daily_budget}. `left_here`: how many observations of the listener wait here, though a recorder elsewhere
    watches them now.
    """
    key = recorder["listener_key"]
    waiting = local["waiting"].get(key, 0) if local is not None else 0
    if local is None or local["holder_id"] != recorder["holder_id"]:
        return {**recorder, "local": None, "left_here": waiting}
    told = {
        **{name: local[name] for name in ("paused_until", "is_running", "call_count", "daily_budget")},
        "answered_at": local["answered_at"].get(key),
        "outage": local["outages"].get(key),
        "waiting_count": waiting,
    }
    return {**recorder, "local": told, "left_here": 0}


def recorder_findings(recorders: Recorders, now: datetime) -> Iterator[Finding]:
    """A finding for each recorder that has stopped without saying so, or that holds what the database refuses.

    `recorders`: the rows of sql/ops/health/recorder.sql, each as `with_local` returns it.
    """
    for one in recorders:
        local: Mapping[str, Any] | None = one.get("local")
        outage = outage_of(local)
        if one["released_at"] is None and outage is not None and outage["is_long"]:
            yield outage_finding(one["host_name"], outage["since"])
        if one["has_player_scope"] is False:
            yield Finding(
                "player-login",
                f"{one['listener_key']}",
                "The recorder may not ask what plays",
                f"Listener {one['listener_key']} has a login without the permission that the recorder needs"
                f" (user-read-playback-state), so 'brapped record' records nothing of theirs. {RENEW} A recorder that"
                " runs goes on by itself then. The hourly plays go on meanwhile.",
                is_failure=True,
            )
        elif one["released_at"] is None and is_still(one, local, now):
            since = (local or one)["answered_at"]
            last = f"Its last answer from Spotify came {moment(since)}." if since else "It has had no answer yet."
            yield Finding(
                "recorder",
                f"{one['listener_key']} {one['claimed_at']:%Y-%m-%dT%H:%M}",
                "The recorder stands still",
                f"The recorder on {one['host_name']} no longer asks what plays. {last} Start it again there: 'systemctl"
                " restart brapped-record', or 'brapped record'. If you no longer want one, 'brapped record --once' ends"
                " it in good order. The hourly plays go on meanwhile.",
            )
        if one["left_here"]:
            yield Finding(
                "recorder-left",
                f"{one['listener_key']}",
                "What a recorder heard here is not recorded yet",
                f"The recorder on {one['host_name']} has taken over, and {many(one['left_here'], 'observation')} of the"
                " recorder that ran here before still wait in its spool. Run 'brapped record' here once: it writes"
                " them, says which computer has taken over, and ends.",
                is_alert=False,
            )
        if one["refused_count"]:
            yield Finding(
                "recorder-refused",
                f"{one['listener_key']}",
                "Observations of the recorder can't be recorded",
                f"The database refuses {many(one['refused_count'], 'observation')} of the recorder on"
                f" {one['host_name']}. They stay in its spool; please report it.",
                is_alert=False,
            )


def is_still(one: Mapping[str, Any], local: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a recorder that has not said goodbye asks no more."""
    if local is None:
        return bool(one["missed_count"] >= MISSED)
    paused_until = local["paused_until"]
    if paused_until is not None and paused_until > now - STANDS_STILL:
        return False
    if local["is_running"] and local["call_count"] >= local["daily_budget"]:
        return False  # it waits for the next day
    if outage_of(local) is not None:
        return False  # it asks, and has no answer
    answered_at = local["answered_at"]
    return not local["is_running"] or answered_at is None or now - answered_at > STANDS_STILL


def outage_of(local: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Since when a recorder that runs on this computer has had no answer: {since, is_long}; None: it has answers."""
    return local["outage"] if local is not None and local["is_running"] else None


def outage_finding(host_name: str, since: datetime) -> Finding:
    """The finding for a recorder that has asked for over an hour and had no answer."""
    return Finding(
        "player",
        "failing",
        "The recorder has no answer from Spotify",
        f"The recorder on {host_name} has asked what plays since {moment(since)}, and every question has failed. Check"
        " the network of that computer. If the network is well, Spotify is not, and that usually passes. The recorder"
        " keeps asking, and its first answer ends this. The hourly plays bring what it misses, as far as Spotify's"
        " list holds it.",
        is_failure=True,
    )


def recorder_lines(recorders: Recorders, made_at: datetime) -> Iterator[tuple[str, str]]:
    """Label and value of what is shown of each recorder."""
    for one in recorders:
        state = "ended" if one["released_at"] else "watching"
        yield f"listener {one['listener_key']}", f"{state}, on {one['host_name']}, since {moment(one['claimed_at'])}"
        local = one.get("local")
        answered_at = (local or one)["answered_at"]
        if answered_at:
            yield "last answer", f"{moment(answered_at)} ({ago(answered_at, made_at)})"
        if (outage := outage_of(local)) is not None:
            yield "no answer", f"to any question since {moment(outage['since'])}"
        if one["flushed_at"]:
            yield "last written", f"{moment(one['flushed_at'])} ({ago(one['flushed_at'], made_at)})"
        if local is not None:
            yield "calls today", f"{local['call_count']:,} of {local['daily_budget']:,}"
            yield "spool", f"{many(local['waiting_count'], 'observation')} not written yet"
            if local["paused_until"] is not None and local["paused_until"] > made_at:
                yield "paused", f"Spotify wants no question before {moment(local['paused_until'])}"
        elif one["call_count"] is not None:
            yield "calls", f"{one['call_count']:,} on {one['call_date']:%Y-%m-%d}"
        if one["left_here"]:
            yield "spool here", f"{many(one['left_here'], 'observation')} not written yet, of a recorder taken over"
