"""The session: each answer of the player brings the state on, and finishes plays. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from etl.sources.player.answer import Answer, Sight
from etl.sources.player.begin import begin
from etl.sources.player.limits import BREAK_MS, JITTER_MS, TOLERANCE_MS, WATCHED_IDLE_MS, WATCHED_PLAYING_MS
from etl.sources.player.observation import Observation, unix_ms
from etl.sources.player.proceed import Basis, close, go_on, is_in_line, is_repeat, is_stalled, unseen_ms
from etl.sources.player.state import Play, Standing, State, moved_back


@dataclass(frozen=True)
class Moment:
    """When an answer was true: aware, the middle between question and answer; half of the time between the two."""

    at: datetime
    within_ms: int = 0


def step(state: State, moment: Moment, answer: Answer) -> tuple[State, list[Observation]]:
    """The state after an answer, and the observations of the plays that it finishes: none or one.

    Answers come in the order of their moments. A moment before the last one means that the clock was set back: then
    the play in hand moves with it. An error changes nothing, except that what follows it is less certain.
    """
    if answer.kind == "error":
        return replace(state, is_interrupted=True), []
    now = unix_ms(moment.at)
    if state.seen_ms is not None and now < state.seen_ms:
        state = set_back(state, now, answer.sight)
    play, finished = go_through(state, now, moment.within_ms, answer)
    after = replace(
        state,
        play=play,
        standing=standing_after(state, play, now, answer),
        kind=answer.kind,
        seen_ms=now,
        watched_from_ms=watched_from(state, now, answer),
        is_interrupted=False,
    )
    return after, [one for one in finished if one is not None]


def given_up(state: State, at: datetime) -> tuple[State, list[Observation]]:
    """The state of a recorder that asks no more, and the observation of a play in hand that went on too long ago.

    Such a play counts until it was last seen, as after any pause of the recorder. One that was seen a moment ago stays
    in hand: whoever asks from now on sees the whole of it.
    """
    now = unix_ms(at)
    if state.play is None or how_ended(state, now) != "lost":
        return state, []
    ended = close(state.play, now, now, "lost", 0)
    stood = standing_after(state, None, now, Answer("nothing"))
    return replace(state, play=None, standing=stood), [ended] if ended is not None else []


Finished = list[Observation | None]


def go_through(state: State, now: int, within: int, answer: Answer) -> tuple[Play | None, Finished]:
    """The play in hand after an answer, and what became of those that it ended: None for one too short to keep."""
    play, sight = state.play, answer.sight
    if play is None:
        if sight is None or is_still_stalled(state.standing, sight):
            return None, []
        return begin(sight, now, within, state.seen_ms, state.standing, follows_item=False), []
    basis = how_ended(state, now)
    if sight is None:
        began = now - answer.progress_ms if answer.kind == "ad" and answer.progress_ms is not None else now
        until = began if began >= play.last_ms else now
        known: Basis = "next" if answer.kind == "ad" and until == began and basis == "stopped" else basis
        return None, [close(play, now, until, known, within)]
    if sight.uri == play.uri:
        if is_stalled(play, sight, now):
            return None, [close(play, now, play.last_ms, "stalled", within)]
        if not is_repeat(play, sight, now):
            if basis == "lost" and play.is_playing and not is_in_line(play, sight, now):
                stood = Standing(play.uri, play.progress_ms)
                resumed = begin(sight, now, within, state.seen_ms, stood, follows_item=False)
                return resumed, [close(play, now, now, "lost", within)]
            return go_on(play, sight, now), []
    following = begin(sight, now, within, state.seen_ms, None, follows_item=True)
    if following is None:  # it waits at its beginning: nobody knows for how long
        return None, [close(play, now, now, basis, within)]
    off = max((following.start_within_ms or 0) - JITTER_MS, within)
    ended = close(play, now, following.started_ms, "next" if basis == "stopped" else basis, off)
    return following, [ended]


def how_ended(state: State, now: int) -> Basis:
    """How the end of the play in hand would be known, if it has ended."""
    if state.seen_ms is not None and now - state.seen_ms > BREAK_MS:
        return "lost"
    return "bounded" if state.is_interrupted else "stopped"


def standing_after(state: State, play: Play | None, now: int, answer: Answer) -> Standing | None:
    """Where an item stands that is not in hand, so that its next play begins from there."""
    sight, before = answer.sight, state.play
    if play is not None:
        return None
    if sight is not None:
        stalled = state.standing is not None and is_still_stalled(state.standing, sight)
        ended_by_stalling = before is not None and before.uri == sight.uri and sight.is_playing
        return Standing(sight.uri, sight.progress_ms, is_stalled=stalled or ended_by_stalling)
    if before is None:
        return state.standing
    if answer.kind == "private":
        return None  # it goes on unseen
    return Standing(before.uri, before.progress_ms, unsure_ms=unseen_ms(before, now) if before.is_playing else 0)


def is_still_stalled(standing: Standing | None, sight: Sight) -> bool:
    """Whether a play that ended because it stood still is still said to play."""
    return (
        standing is not None
        and standing.is_stalled
        and sight.is_playing
        and (standing.uri, standing.progress_ms) == (sight.uri, sight.progress_ms)
    )


def watched_from(state: State, now: int, answer: Answer) -> int | None:
    """Since when answers have come without a long gap, in Unix milliseconds; None in a private session."""
    if answer.kind == "private":
        return None
    if state.seen_ms is None or state.watched_from_ms is None:
        return now
    is_playing = state.play is not None and state.play.is_playing
    longest = WATCHED_PLAYING_MS if is_playing else WATCHED_IDLE_MS
    return state.watched_from_ms if now - state.seen_ms <= longest else now


def set_back(state: State, now: int, sight: Sight | None) -> State:
    """The state on a clock that was set back: all of it so much earlier that the last answer came before this one.

    How long ago that was, only the progress says.
    """
    play, seen = state.play, state.seen_ms or now
    if seen - now <= TOLERANCE_MS or sight is None or not sight.is_playing:
        since = 0
    elif play is not None and sight.uri == play.uri:
        since = max(sight.progress_ms - play.progress_ms, 0)
    else:
        since = sight.progress_ms
    return moved_back(state, seen - now + min(since, WATCHED_PLAYING_MS))
