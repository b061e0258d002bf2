"""What the routes need: settings, records, logins, clock, and the address that browsers see."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from etl.settings import Settings
from etl.web.imports_under_way import ImportsUnderWay
from etl.web.metrics import Metrics
from etl.web.records import Records
from etl.web.registration import Registration

CALLBACK = "/callback"


@dataclass(frozen=True)
class Site:
    """What the routes need: `app.state.site`. `url`: the address that browsers see, without a path."""

    settings: Settings
    records: Records
    registration: Registration
    clock: Callable[[], datetime]
    url: str
    imports: ImportsUnderWay
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")


def site_of(settings: Settings, records: Records, clock: Callable[[], datetime], port: int) -> Site:
    """The site at WEB_URL, or else at this port of 127.0.0.1."""
    url = settings.web_url or f"http://127.0.0.1:{port}"
    registration = Registration(settings, records, f"{url}{CALLBACK}", clock)
    return Site(settings, records, registration, clock, url, ImportsUnderWay(settings, records.warehouse, clock))
