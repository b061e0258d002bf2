"""What a job says of its run: a line fit for any log, and warnings; numbers and moments, no title and no secret."""

from collections.abc import Iterator

from etl.catalogue import Tally
from etl.counts import many
from etl.findings import WHY_LOST, Warned, moment
from etl.merges import Reach
from etl.plays import Page
from etl.spotify import WINDOW


def plays_line(page: Page, new_count: int, reach: Reach) -> str:
    recorded = f"recorded up to {moment(reach.watermark)}" if reach.watermark else "nothing recorded yet"
    are = "is" if page.item_count == 1 else "are"
    return f"{new_count} of {many(page.item_count, 'play')} {are} new; {recorded}"


def plays_warnings(page: Page, reach: Reach) -> Iterator[Warned]:
    if gap := reach.gap:
        yield Warned(
            "gap",
            f"plays between {moment(gap.starts_at)} and {moment(gap.ends_at)} were probably lost: Spotify remembers only"
            f" {WINDOW}, and {WHY_LOST[gap.reason]}. The gap is noted in ops.coverage; your export from Spotify fills it"
            " (brapped import)",
        )
    odd = []
    if page.unreadable_count:
        odd.append(
            f"{page.unreadable_count} of {many(page.item_count, 'item')} had no readable moment and"
            f" {'was' if page.item_count == 1 else 'were'} passed over"
        )
    if page.refused_count:
        odd.append(
            f"{page.refused_count} of {many(page.item_count, 'item')} could not be recorded, because the database refuses"
            " them; the log says why"
        )
    if page.bare_count:
        odd.append(
            f"{page.bare_count} of {many(page.item_count, 'item')} held something that can't be recorded: their plays are kept,"
            " without what was said of the track, or of where it was played from"
        )
    if odd:
        yield Warned("answers", "; ".join(odd))


def dimensions_warnings(tally: Tally) -> Iterator[Warned]:
    if tally.set_aside_count:
        yield Warned(
            "answers",
            f"{tally.set_aside_count} of {many(tally.set_aside_count + tally.filled_count, 'description')} could not be recorded"
            " and were set aside until tomorrow; the others are in",
        )


def dimensions_line(tally: Tally) -> str:
    if tally.is_taken:
        return "another run is filling the dimensions; nothing to do"
    said = [f"{many(tally.filled_count, 'artist, track or album', 'artists, tracks, albums')} described"]
    if tally.missed_count:
        said.append(f"{tally.missed_count} unknown to Spotify")
    if tally.set_aside_count:
        said.append(f"{tally.set_aside_count} set aside")
    said.append(f"{tally.missing_count} missing")
    line = f"{', '.join(said)}; {many(tally.call_count, 'call')}, {tally.left_count} left today"
    return f"{line}; Spotify wants no more before {moment(tally.resume_at)}" if tally.resume_at else line
