"""JSON as the program prints it: readable in any alphabet, and harmless on a terminal. Pure."""

import json
import re
from typing import Any

# Control characters except line break and tab, and the marks that change the direction of text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def json_text(value: Any, **options: Any) -> str:
    """A value as JSON. What would control a terminal is escaped, so a program reads it as it is.

    `options`: of json.dumps. Letters of all alphabets stand as they are.
    """
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, **options))
