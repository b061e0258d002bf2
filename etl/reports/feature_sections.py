"""The sections of the report `features`: moods by month, typical and unusual tracks, and whose features they are."""

from collections.abc import Iterator

from etl.counts import many
from etl.reports.labels import share
from etl.reports.model import FEW, Report, Section
from etl.reports.spec import SectionSpec, cols

HEARD = "track_name artist_names play_count energy valence tempo"


def feature_coverage(section: Section, report: Report) -> Iterator[str]:
    """How many tracks and plays the numbers are about, and what to do where nothing is known."""
    row = section.first
    known, everything = row["known_track_count"], row["all_track_count"]
    yield (
        f"Features are known for {known:,} of {many(everything, 'track')}, which are {share(row['known_play_share'])}"
        " of the plays."
    )
    if not known:
        yield "docs/reports.md says where features come from: other providers, or a file of Spotify's own."


def unusual(section: Section, report: Report) -> Iterator[str]:
    """What typical means."""
    yield (
        "Measured by energy, valence, danceability, acousticness and tempo, from the average of all plays; unusual"
        " tracks are those furthest from it."
    )


FEATURE_SECTIONS = {
    "features_by_month": SectionSpec(
        "Month by month",
        cols("month_date play_count energy valence danceability tempo known_play_share"),
        cols("month_date play_count energy valence danceability tempo known_play_share"),
    ),
    "features_typical": SectionSpec(
        "Most typical",
        cols(f"{HEARD} danceability acousticness distance provider_name track_url image_url"),
        cols(HEARD),
        most_shown=FEW,
    ),
    "features_unusual": SectionSpec(
        "Least typical",
        cols(f"{HEARD} danceability acousticness distance provider_name track_url image_url"),
        cols(HEARD),
        narrative=unusual,
        most_shown=FEW,
    ),
    "features_coverage": SectionSpec(
        "Whose features these are",
        cols("provider_name track_count known_track_count all_track_count known_play_share out_of_range_count"),
        cols("provider_name track_count"),
        narrative=feature_coverage,
    ),
}
