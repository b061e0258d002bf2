"""GitHub's expression language, the part of it that the workflows use. Pure.

What is not imitated raises `Unsupported`, so that no test passes on a guess.
"""

import re
from collections.abc import Mapping
from typing import Any


class Unsupported(Exception):
    """The workflow uses something of GitHub's that the tests do not imitate."""


TOKEN = re.compile(
    r"""\s*(?: (?P<text> '(?:[^']|'')*' )
          | (?P<number> -?\d+(?:\.\d+)? )
          | (?P<sign> == | != | && | \|\| | [!().] )
          | (?P<word> [\w-]+ ) )""",
    re.VERBOSE,
)
STATUS = re.compile(r"\b(?:success|failure|always)\s*\(")


def interpolate(value: object, contexts: Mapping[str, Any]) -> str:
    """A value of the workflow with each `${{ … }}` in its place."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: as_text(evaluate(found[1], contexts)), as_text(value))


def evaluate_condition(condition: str, contexts: Mapping[str, Any], status: str = "success") -> bool:
    """Whether a step or a job with this `if:` runs. One that asks for no status runs only after a success.

    `status` is that of the steps before, or of the jobs that the job needs: "success", "failure" or "skipped".
    """
    inner = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", condition)
    if "${{" in inner:
        raise Unsupported(f"an if that is only partly an expression: {condition}")  # GitHub: always true
    holds = _truth(evaluate(inner, contexts, status)) if inner.strip() else True
    return holds if STATUS.search(inner) else holds and status == "success"


def evaluate(expression: str, contexts: Mapping[str, Any], status: str = "success") -> Any:
    """The value of an expression: a str, float, bool, dict or None, as GitHub would have it."""
    tokens: list[tuple[str, str]] = []
    position, expression = 0, expression.strip()
    while position < len(expression):
        found = TOKEN.match(expression, position)
        if not found:
            raise Unsupported(f"{expression!r} from {expression[position:]!r} on")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        position = found.end()
    parser = _Parser(tokens, contexts, status)
    value = parser.either()
    if parser.tokens:
        raise Unsupported(f"{expression!r} from {parser.tokens[0][1]!r} on")
    return value


class _Parser:
    """Recursive descent that evaluates as it goes: no expression has an effect that could come too early."""

    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Any], status: str) -> None:
        self.tokens, self.contexts, self.status = tokens, contexts, status

    def next_is(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def either(self) -> Any:
        left = self.both()
        while self.next_is("||"):
            right = self.both()
            left = left if _truth(left) else right
        return left

    def both(self) -> Any:
        left = self.equal()
        while self.next_is("&&"):
            right = self.equal()
            left = right if _truth(left) else left
        return left

    def equal(self) -> Any:
        left = self.single()
        while sign := self.next_is("==", "!="):
            left = _same(left, self.single()) == (sign == "==")
        return left

    def single(self) -> Any:
        if self.next_is("!"):
            return not _truth(self.single())
        if self.next_is("("):
            value = self.either()
            if not self.next_is(")"):
                raise Unsupported("a bracket that stays open")
            return value
        kind, token = self.tokens.pop(0) if self.tokens else ("end", "the end")
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token)
        if kind != "word":
            raise Unsupported(f"{token} where a value was due")
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        if self.next_is("("):
            outcomes = {"success": self.status == "success", "failure": self.status == "failure", "always": True}
            if token not in outcomes or not self.next_is(")"):
                raise Unsupported(f"{token}(…)")
            return outcomes[token]
        if token not in self.contexts:
            raise Unsupported(f"the context {token}")
        value = self.contexts[token]
        while self.next_is("."):
            _, name = self.tokens.pop(0)
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def _truth(value: Any) -> bool:
    return value not in (None, "", 0, False)


def as_text(value: Any) -> str:
    """As GitHub writes a value into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _same(left: Any, right: Any) -> bool:
    """Texts compare regardless of case, unlike kinds as numbers; what is no number then equals nothing."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if type(left) is type(right):
        return bool(left == right)
    return bool(_number(left) == _number(right))


def _number(value: Any) -> float:
    if isinstance(value, str):
        try:
            return float(value or 0)
        except ValueError:
            return float("nan")
    return float(value or 0) if not isinstance(value, Mapping) else float("nan")
