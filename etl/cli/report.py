"""`brapped report …` and `brapped search`: show what was recorded."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.choices import By, CountsAs, HistoryFormat, Top
from etl.cli.options import (
    MOST,
    YEARS,
    FormatOption,
    LimitOption,
    ListenerOption,
    MinOption,
    OutputOption,
    SinceOption,
    UntilOption,
    WithExcludedOption,
    check_day,
    check_month,
    check_name,
)
from etl.cli.report_output import form_of, show

if TYPE_CHECKING:
    from etl.reports.model import Report
    from etl.reports.request import ReportContext

report = typer.Typer(
    help="What you played: a day, the most played, a year, everything; as text, Markdown, HTML, JSON or CSV.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@report.command()
def daily(
    context: typer.Context,
    day: Annotated[
        str, typer.Option("--date", metavar="DATE", callback=check_day, help="As 2026-11-20, today or yesterday.")
    ] = "today",
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """One day in your time zone, compared with the day before and the usual weekday.

    Example: brapped report daily --date yesterday
    """

    def answer(ask: "ReportContext") -> "Report":
        on = ask.day(day)
        return ask.reporter(with_excluded=with_excluded, counts_as=min_, since_date=on, until_date=on).daily(on)

    show(context, "daily", answer, listener, format_, output)


@report.command()
def top(
    context: typer.Context,
    what: Annotated[Top, typer.Argument(help="What to rank.")],
    limit: LimitOption = 10,
    by: Annotated[By, typer.Option("--by", help="Rank by plays or by time.")] = By.PLAYS,
    since: SinceOption = None,
    until: UntilOption = None,
    year: Annotated[
        int | None, typer.Option("--year", min=YEARS.start, max=YEARS.stop - 1, help="Only this year.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", callback=check_month, help="Only this month.")
    ] = None,
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """The most played tracks, artists, albums, genres or shows.

    Example: brapped report top artists --year 2026 --by time
    """
    if sum((year is not None, month is not None, since is not None or until is not None)) > 1:
        raise typer.BadParameter("--year, --month and --since/--until exclude each other: use one of them")

    def answer(ask: "ReportContext") -> "Report":
        span = ask.span(since, until, year, month)
        return ask.reporter(with_excluded=with_excluded, counts_as=min_, by=by, row_limit=limit, **span).top(what)

    show(context, f"top {what}", answer, listener, format_, output)


@report.command()
def wrapped(
    context: typer.Context,
    year: Annotated[
        int | None, typer.Argument(min=YEARS.start, max=YEARS.stop - 1, help="Default: the last year with plays.")
    ] = None,
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """A year, as a page to show to friends.

    Example: brapped report wrapped 2026 --output wrapped.html
    """

    def answer(ask: "ReportContext") -> "Report":
        one = year or ask.last_year()
        return ask.reporter(with_excluded=with_excluded, counts_as=min_, **ask.span(None, None, one, None)).wrapped(one)

    show(context, "wrapped", answer, listener, format_, output)


@report.command()
def features(
    context: typer.Context,
    year: Annotated[
        int | None, typer.Argument(min=YEARS.start, max=YEARS.stop - 1, help="Default: the last year with plays.")
    ] = None,
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """The moods of a year: energy, valence and tempo by month, the most and the least typical tracks.

    Example: brapped report features 2026
    """

    def answer(ask: "ReportContext") -> "Report":
        one = year or ask.last_year()
        return ask.reporter(with_excluded=with_excluded, counts_as=min_, **ask.span(None, None, one, None)).features(
            one
        )

    show(context, "features", answer, listener, format_, output)


@report.command()
def artist(
    context: typer.Context,
    name: Annotated[str, typer.Argument(callback=check_name, help="A name, or something close to it.")],
    limit: LimitOption = 10,
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """An artist through the years: first and last play, place among all, as main and as guest.

    Example: brapped report artist "Nina Simone"
    """
    show(
        context,
        "artist",
        lambda ask: ask.reporter(with_excluded=with_excluded, counts_as=min_, row_limit=limit).artist(name),
        listener,
        format_,
        output,
    )


@report.command()
def track(
    context: typer.Context,
    name: Annotated[str, typer.Argument(callback=check_name, help="A title, and the artist if it is not unique.")],
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """A track through the years: first and last play, place among all.

    Example: brapped report track "nina simone feeling good"
    """
    show(
        context,
        "track",
        lambda ask: ask.reporter(with_excluded=with_excluded, counts_as=min_).track(name),
        listener,
        format_,
        output,
    )


@report.command()
def history(
    context: typer.Context,
    since: SinceOption = None,
    until: UntilOption = None,
    artist: Annotated[str | None, typer.Option("--artist", callback=check_name, help="Only with this artist.")] = None,
    track: Annotated[str | None, typer.Option("--track", callback=check_name, help="Only this track.")] = None,
    page: Annotated[
        int | None,
        typer.Option("--page", min=1, max=MOST, help="Page number, in text, Markdown and HTML (default: 1)."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            max=MOST,
            help="Rows of a page (default: 50); in csv and json, the newest rows in all (default: all).",
        ),
    ] = None,
    min_: MinOption = CountsAs.ALL,
    format_: Annotated[
        HistoryFormat | None,
        typer.Option(
            "--format",
            help="csv and json hold everything; extended has the layout of Spotify's export, one row a play.",
        ),
    ] = None,
    with_sources: Annotated[
        bool,
        typer.Option(
            "--with-sources", help="With extended: one row for each source of a play; import can read it back."
        ),
    ] = False,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """Every play, however short, newest first.

    Example: brapped report history --since 2026-01-01 --output history.csv
    """
    form = form_of(format_, output)
    if form == "extended" and (artist is not None or track is not None or min_ is not CountsAs.ALL):
        raise typer.BadParameter("extended holds everything of its days: leave out --artist, --track and --min")
    if with_sources and form != "extended":
        raise typer.BadParameter("--with-sources needs --format extended")
    if form == "extended" and limit is not None:
        raise typer.BadParameter("extended holds everything of its days: leave out --limit")
    is_whole = form in ("csv", "json", "extended")
    if is_whole and page is not None:
        raise typer.BadParameter(f"{form} has no pages: leave out --page, or use text, markdown or html")

    def answer(ask: "ReportContext") -> "Report | Iterable[str]":
        from etl.reports import history
        from etl.reports.formats.history import lines

        span = ask.span(since, until, None, None)
        reporter = ask.reporter(counts_as=min_, row_limit=limit or (None if is_whole else history.PAGE), **span)
        filters, about = reporter.history_filters(artist, track)
        return (
            lines(reporter, form, filters, about, with_sources=with_sources)
            if is_whole
            else history.page(reporter, page or 1, filters, about)
        )

    show(context, "history", answer, listener, form, output)


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(callback=check_name, help="Part of a name, or something close to it.")],
    limit: LimitOption = 10,
    min_: MinOption = CountsAs.AT_LEAST_30S,
    with_excluded: WithExcludedOption = False,
    format_: FormatOption = None,
    output: OutputOption = None,
    listener: ListenerOption = None,
) -> None:
    """Find tracks and artists that you played. Accents and typing errors do not matter.

    Example: brapped search "bjork"
    """
    show(
        context,
        "search",
        lambda ask: ask.reporter(with_excluded=with_excluded, counts_as=min_, row_limit=limit).search(text),
        listener,
        format_,
        output,
    )
