"""What GitHub's runner hides: every secret of a job, each line of it, and the forms into which a program may bring it.

After actions/runner: Worker.InitializeSecretMasker, ValueEncoders, SecretMasker.MaskSecrets (August 2026). A secret is
hidden wherever its text stands, however short it is, and whether or not anybody meant it.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote
from xml.sax.saxutils import escape

STARS = "***"
NEVER_MASKED = {"ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG"}  # secrets by these names only switch debugging on
SHORTEST_SECTION = 6  # characters of a part that PowerShell would print by itself


class Masks:
    """Hides the secrets of one job in what its steps write."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        values = {value.strip() for name, value in secrets if name not in NEVER_MASKED}
        values |= {line.strip() for value in values for line in re.split(r"[\r\n]", value)}
        self._forms = {form for value in values - {""} for form in forms(value) if form}

    def masked(self, text: str) -> str:
        """One line, with three stars for each run of characters that belongs to a secret."""
        covered = sorted(self._found(text))
        parts, end = [], 0
        for start, stop in covered:
            if not parts or start > end:  # what touches or overlaps becomes one run
                parts += [text[end:start], STARS]
            end = max(end, stop)
        return "".join([*parts, text[end:]])

    def masked_lines(self, text: str) -> str:
        """Each line by itself, as logs and summaries are masked."""
        return "".join(self.masked(line) for line in re.split(r"(\r\n|\r|\n)", text))

    def hides_part_of(self, text: str) -> bool:
        return self.masked(text) != text

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            start = text.find(form)
            while start >= 0:
                yield start, start + len(form)
                start = text.find(form, start + 1)


def forms(secret: str) -> Iterator[str]:
    yield secret
    octets = secret.encode()
    for shift in (0, 1, 2):  # behind a `user:` of any length
        yield base64.b64encode(octets[shift:] if len(octets) > shift else octets).decode()
    yield secret.replace('"', '\\"')
    yield secret.replace("'", "''")
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="-._~")
    yield escape(secret, {'"': "&quot;", "'": "&apos;"})
    if len(secret) > 8 and secret.startswith('"') and secret.endswith('"'):
        yield secret[1:-1]
    if "&+" in secret:
        before, _, after = secret.partition("&+")
        yield from (part for part in (f"{before}&+", after[1:]) if len(part) >= SHORTEST_SECTION)
    elif "&" in secret:
        before, _, after = secret.rpartition("&")
        yield from (part for part in (f"{before}&", after) if len(part) >= SHORTEST_SECTION)
