"""The sections of all reports: one entry describes a section except its SQL, which is in sql/reports/.

A new section is an entry in SECTIONS, its name in REPORTS, and a file of SQL with that name. One with sentences
also has a function in `narrative`.
"""

from etl.reports import narrative
from etl.reports.feature_sections import FEATURE_SECTIONS
from etl.reports.model import FEW, Section
from etl.reports.page_sections import PAGE_REPORTS, PAGE_SECTIONS
from etl.reports.spec import SectionSpec, cols

SECTIONS: dict[str, SectionSpec] = {
    # Rankings.
    "top_tracks": SectionSpec(
        "Tracks",
        cols("track_name artist_names play_count listened_ms first_played_at last_played_at track_url image_url"),
        cols("track_name artist_names play_count listened_ms"),
        few_in=("daily",),
        is_ranked=True,
        has_bars=True,
    ),
    "top_artists": SectionSpec(
        "Artists",
        cols(
            "artist_name play_count featured_play_count listened_ms track_count first_played_at last_played_at genres"
            " artist_url image_url"
        ),
        cols("artist_name play_count featured_play_count listened_ms track_count"),
        few_in=("daily",),
        is_ranked=True,
        has_bars=True,
        is_round=True,
    ),
    "top_albums": SectionSpec(
        "Albums",
        cols("album_name artist_names play_count listened_ms track_count last_played_at album_url image_url"),
        cols("album_name artist_names play_count listened_ms"),
        is_ranked=True,
        has_bars=True,
    ),
    "top_genres": SectionSpec(
        "Genres",
        cols("genre_name play_count listened_ms track_count provider_names"),
        cols("genre_name play_count listened_ms track_count provider_names"),
        is_ranked=True,
        has_bars=True,
    ),
    "top_shows": SectionSpec(
        "Podcasts and audiobooks",
        cols("show_name play_count listened_ms episode_count last_played_at show_url image_url"),
        cols("show_name play_count listened_ms episode_count"),
        few_in=("wrapped",),
        is_ranked=True,
        has_bars=True,
    ),
    # A day.
    "daily_totals": SectionSpec(
        "In numbers",
        cols("day_label local_date play_count listened_ms track_count coverage"),
        cols("day_label play_count listened_ms track_count coverage"),
        narrative=narrative.daily_totals,
    ),
    "plays_by_hour": SectionSpec(
        "When in the day",
        cols("hour play_count listened_ms"),
        narrative=narrative.plays_by_hour,
        chart="clock",
        unfolded=cols("hour play_count listened_ms"),
    ),
    "first_listens": SectionSpec(
        "Heard for the first time",
        cols("track_name artist_names play_count first_played_at track_url image_url is_discovery"),
        cols("track_name artist_names play_count"),
        narrative=narrative.first_listens,
        most_shown=FEW,
    ),
    "streak_of_day": SectionSpec(
        "Days in a row", cols("day_count first_date is_open_ended"), narrative=narrative.streak_of_day
    ),
    "on_this_day": SectionSpec(
        "On this day in earlier years",
        cols("local_date play_count listened_ms track_name artist_names track_play_count track_url image_url coverage"),
        cols("local_date track_name artist_names play_count listened_ms coverage"),
        heads={"track_name": "Most played"},  # the numbers are the whole day's
    ),
    "still_unknown": SectionSpec(
        "What is still unknown",
        cols("gap_count unnamed_play_count inferred_track_count estimated_play_count unmeasured_play_count"),
        narrative=narrative.still_unknown,
    ),
    "coverage": SectionSpec(
        "How complete",
        cols("source state starts_at ends_at is_whole reason closed_at closed_by"),
        narrative=narrative.coverage,
        lists_gaps=True,
    ),
    "freshness": SectionSpec("How fresh", cols("last_played_at checked_at"), narrative=narrative.freshness),
    # A year.
    "span_totals": SectionSpec(
        "In numbers",
        cols(
            "play_count listened_ms track_count artist_count day_count podcast_share estimated_share first_played_at"
            " last_played_at"
        ),
        narrative=narrative.span_totals,
    ),
    "plays_by_day": SectionSpec(
        "Day by day",
        cols("local_date play_count listened_ms coverage"),
        chart="calendar",
        unfolded=cols("local_date play_count listened_ms"),
    ),
    "plays_by_month": SectionSpec(
        "Month by month",
        cols("month_date play_count listened_ms artist_name artist_url artist_play_count coverage"),
        cols("month_date play_count listened_ms artist_name artist_play_count coverage"),
        heads={"artist_name": "Most played"},  # the numbers are the whole month's
        chart="months",
        has_bars=True,
    ),
    "discovered": SectionSpec(
        "Discovered",
        cols(
            "artist_name play_count listened_ms first_played_at artist_url image_url new_artist_count new_track_count"
        ),
        cols("artist_name play_count listened_ms first_played_at"),
        narrative=narrative.discovered,
        narrates_nothing=True,  # there is a reason why nothing is in it
        few_in=("wrapped",),
        is_round=True,
    ),
    "longest_streak": SectionSpec(
        "The most days in a row",
        cols("day_count first_date last_date play_count is_open_ended"),
        narrative=narrative.longest_streak,
    ),
    "longest_session": SectionSpec(
        "The longest session, with no more than thirty minutes of silence in between",
        cols("listened_ms started_at ended_at listen_count"),
        narrative=narrative.longest_session,
    ),
    "most_repeated": SectionSpec(
        "Most plays of one track in one day",
        cols("track_name artist_names local_date play_count track_url image_url"),
        narrative=narrative.most_repeated,
    ),
    "skips": SectionSpec(
        "Skipped most",
        cols("track_name artist_names skip_count listen_count all_skip_share track_url image_url"),
        cols("track_name artist_names skip_count listen_count"),
        narrative=narrative.skips,
        few_in=("wrapped",),
    ),
    "beyond_wrapped": SectionSpec(
        "What Wrapped does not tell you",
        cols(
            "listen_count listened_ms short_count short_ms late_count late_ms private_count private_ms offline_count"
            " unnamed_count"
        ),
        narrative=narrative.beyond_wrapped,
    ),
    "gaps": SectionSpec(
        "Spans in which plays were probably lost",
        cols("starts_at ends_at reason"),
        narrative=narrative.gaps,
        lists_gaps=True,
    ),
    # An artist, a track.
    "artist_in_numbers": SectionSpec(
        "In numbers",
        cols(
            "play_count main_play_count featured_play_count listened_ms track_count day_count first_played_at"
            " last_played_at"
        ),
        narrative=narrative.in_numbers,
    ),
    "artist_by_year": SectionSpec(
        "Year by year, and the place among all by plays",
        cols("year year_rank play_count main_play_count featured_play_count listened_ms"),
        cols("year year_rank play_count main_play_count featured_play_count listened_ms"),
    ),
    "artist_by_month": SectionSpec(
        "Month by month",
        cols("month_date play_count listened_ms"),
        cols("month_date play_count listened_ms"),
        chart="timeline",
    ),
    "artist_tracks": SectionSpec(
        "Most played tracks",
        cols("track_name artist_role play_count listened_ms first_played_at last_played_at track_url image_url"),
        cols("track_name artist_role play_count listened_ms last_played_at"),
        is_ranked=True,
    ),
    "track_credits": SectionSpec("By", cols("artist_name artist_role artist_url"), cols("artist_name artist_role")),
    "track_in_numbers": SectionSpec(
        "In numbers",
        cols("play_count listened_ms day_count first_played_at last_played_at"),
        narrative=narrative.in_numbers,
    ),
    "track_by_year": SectionSpec(
        "Year by year, and the place among all by plays",
        cols("year year_rank play_count listened_ms"),
        cols("year year_rank play_count listened_ms"),
    ),
    "track_by_month": SectionSpec(
        "Month by month",
        cols("month_date play_count listened_ms"),
        cols("month_date play_count listened_ms"),
        chart="timeline",
    ),
    **FEATURE_SECTIONS,
    **PAGE_SECTIONS,
    # Searches and the history.
    "search_artists": SectionSpec(
        "Artists",
        cols("artist_name play_count listened_ms last_played_at artist_url image_url"),
        cols("artist_name play_count listened_ms last_played_at"),
        is_hits=True,
    ),
    "search_tracks": SectionSpec(
        "Tracks",
        cols("track_name artist_names play_count listened_ms last_played_at track_url image_url"),
        cols("track_name artist_names play_count listened_ms last_played_at"),
        is_hits=True,
    ),
    "history": SectionSpec(
        "Everything played, newest first",
        cols(
            "played_at track_name artist_names album_name content_type listened_ms ms_basis is_skipped is_private"
            " context_uri platform sources track_uri track_url is_excluded"
        ),
        cols("played_at track_name artist_names listened_ms is_excluded"),
    ),
}
REPORTS: dict[str, tuple[str, ...]] = {  # the sections of each report, in order
    "daily": cols(
        "daily_totals top_tracks top_artists plays_by_hour first_listens streak_of_day on_this_day still_unknown"
        " coverage freshness"
    ),
    "top tracks": ("top_tracks",),
    "top artists": ("top_artists",),
    "top albums": ("top_albums",),
    "top genres": ("top_genres",),
    "top shows": ("top_shows",),
    "wrapped": cols(
        "span_totals top_tracks top_artists top_albums top_genres top_shows plays_by_hour plays_by_day plays_by_month"
        " discovered longest_streak longest_session most_repeated skips beyond_wrapped gaps"
    ),
    "artist": cols("artist_in_numbers artist_by_year artist_by_month artist_tracks"),
    "track": cols("track_credits track_in_numbers track_by_year track_by_month"),
    "features": tuple(FEATURE_SECTIONS),
    "search": cols("search_artists search_tracks"),
    "history": ("history",),
    **PAGE_REPORTS,
}
RECORDED = cols("first_date last_date coverage")  # of the last section in a CSV of several
UNKNOWN = SectionSpec("", ())


def spec_of(section: Section) -> SectionSpec:
    """The entry of a section; an empty one, which shows nothing, for a name that is not in SECTIONS."""
    return SECTIONS.get(section.name, UNKNOWN)


def csv_head(report: str) -> list[str]:
    """The first line of a report's CSV. report: a key of REPORTS."""
    sections = REPORTS[report]
    columns = list(dict.fromkeys(column for section in sections for column in SECTIONS[section].columns))
    if len(sections) == 1:
        return columns
    return ["section", *columns, *(column for column in RECORDED if column not in columns)]
