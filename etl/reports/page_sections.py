"""The sections that only pages of the web application have, beside those of the commands."""

from etl.reports.spec import SectionSpec, cols

BY_YEAR = "Year by year, and the place among all by plays"
PAGE_SECTIONS: dict[str, SectionSpec] = {
    **{
        name: SectionSpec(
            BY_YEAR, cols("year year_rank play_count listened_ms"), cols("year year_rank play_count listened_ms")
        )
        for name in ("album_by_year", "genre_by_year", "context_by_year")
    },
    "selection_tracks": SectionSpec(
        "Most played",
        cols("track_name artist_names play_count listened_ms first_played_at last_played_at track_url image_url"),
        cols("track_name artist_names play_count listened_ms last_played_at"),
        is_ranked=True,
    ),
    "search_albums": SectionSpec(
        "Albums",
        cols("album_name artist_names play_count listened_ms last_played_at album_url image_url"),
        cols("album_name artist_names play_count listened_ms last_played_at"),
        is_hits=True,
    ),
}
PAGE_REPORTS: dict[str, tuple[str, ...]] = {
    "overview": cols(
        "span_totals top_artists top_tracks top_albums top_genres plays_by_day plays_by_hour plays_by_month discovered"
    ),
    "album": cols("track_in_numbers album_by_year track_by_month selection_tracks"),
    "genre": cols("track_in_numbers genre_by_year track_by_month top_artists selection_tracks"),
    "context": cols("track_in_numbers context_by_year track_by_month selection_tracks"),
    "found": cols("search_artists search_albums search_tracks"),
}
