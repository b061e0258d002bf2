"""Why a value of an option was refused, in plain words. Pure."""

import re

PLAIN = (  # what the parser says, and what a person is told
    (r"Value error, ", ""),
    (r"Input should be greater than or equal to (\S+)", r"it has to be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"it has to be at most \1"),
    (r"Input should be greater than (\S+)", r"it has to be more than \1"),
    (r"Input should be less than (\S+)", r"it has to be less than \1"),
    (r"(Input should be a valid|Unable to parse input string as an) integer.*", "write a whole number"),
    (r"Input should be a valid boolean.*", "write true or false"),
)


def in_plain_words(fault: str) -> str:
    """The parser's message without its own terms; any other message as it is."""
    for said, plain in PLAIN:
        fault = re.sub(f"^{said}", plain, fault, flags=re.DOTALL)
    return fault
