"""Makes the pictures of the README from the demo: `python docs/screenshots.py`. Needs Chromium; takes half a minute."""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
DAY = "2026-11-20"  # the day that the demo shows hour by hour
LARGEST = 150_000  # bytes: the README loads at once on a phone

# Report, its arguments, and how much of its page is shown: width and height in CSS pixels.
PICTURES: dict[str, tuple[list[str], tuple[int, int]]] = {
    "wrapped": (["wrapped", DAY[:4]], (900, 1120)),
    "daily": (["daily", "--date", DAY], (900, 1120)),
}


def main() -> None:
    """Runs the demo in a temporary folder, writes its reports as pages, and takes a picture of each."""
    sys.path.insert(0, str(ROOT))
    from etl.embedded.postgres import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="brapped-screenshots-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, Postgres runs as another user
        brapped("demo", "--folder", str(folder))
        with embedded_postgres(folder / "demo-postgres") as url:
            for picture, (arguments, _) in PICTURES.items():
                page = folder / f"{picture}.html"
                brapped("report", *arguments, "--output", str(page), DATABASE_URL=url, TIME_ZONE="Europe/Berlin")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium())
            for picture, (_, size) in PICTURES.items():
                take(browser, folder / f"{picture}.html", IMAGES / f"{picture}.webp", size)
            browser.close()


def brapped(*arguments: str, **settings: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "etl", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return program
    sys.exit("Chromium is not installed. On Debian and Ubuntu: apt install chromium")


def take(browser: Browser, page: Path, picture: Path, size: tuple[int, int]) -> None:
    """Writes the top of the page as WebP, sharp on a screen of double density. Playwright itself knows no WebP."""
    width, height = size
    window: Any = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=1.5, color_scheme="light"
    )
    window.goto(page.as_uri())
    taken = window.context.new_cdp_session(window).send("Page.captureScreenshot", {"format": "webp", "quality": 80})
    picture.parent.mkdir(exist_ok=True)
    picture.write_bytes(base64.b64decode(taken["data"]))
    window.close()
    if picture.stat().st_size > LARGEST:
        sys.exit(f"{picture.name} is larger than {LARGEST:,} bytes. Show less of the page, or lower the quality.")


if __name__ == "__main__":
    main()
