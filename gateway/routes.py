"""A path leads to one route, whatever order routes were added in.

Templates are those of `google.api.http`, with single-segment variables and an
optional custom verb: `/v1/members/{member}/wallets/{currency}:spend`. A literal
segment wins over a variable. Percent-escapes are read after the path is cut, so
an escaped slash or colon in an id is part of the id.
"""

import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
SEGMENTS_MAX = 32
_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(?:=\*)?\}")
_LITERAL = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. `segments` are literals or, in braces, variables."""

    segments: tuple[str, ...]
    verb: str

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Raises ValueError for what the gateway does not serve.

        >>> Template.parse("/v1/holds/{hold}:capture")
        Template(segments=('v1', 'holds', '{hold}'), verb='capture')
        """
        path, _, verb = text.partition(":")
        segments = path.removeprefix("/").split("/")
        if not path.startswith("/") or (":" in text and not _LITERAL.fullmatch(verb)):
            raise ValueError(f"{text}: not a path template")
        for segment in segments:
            if not _LITERAL.fullmatch(segment) and not _VARIABLE.fullmatch(segment):
                raise ValueError(f"{text}: {segment!r} is neither a literal nor a variable of one segment")
        return cls(tuple(segments), verb)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(match[1] for match in map(_VARIABLE.fullmatch, self.segments) if match)


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: dict[str, "_Node[T]"] = field(default_factory=dict)
    variable: "_Node[T] | None" = None
    ends: dict[str, dict[str, tuple[T, tuple[str, ...]]]] = field(default_factory=dict)
    """By custom verb, then by HTTP method: the target and its variables' names."""


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """What a path leads to: a target for each HTTP method, and the values of the variables."""

    targets: dict[str, tuple[T, tuple[str, ...]]]
    values: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The Allow header: what may be done here."""
        methods = set(self.targets) | {"OPTIONS"} | ({"HEAD"} if "GET" in self.targets else set())
        return ", ".join(sorted(methods))


class Routes(Generic[T]):
    """Routes as a tree of segments."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, template: str, target: T) -> None:
        """Raises ValueError when the template is malformed or taken."""
        parsed = Template.parse(template)
        node = self._root
        for segment in parsed.segments:
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        ends = node.ends.setdefault(parsed.verb, {})
        if method in ends:
            raise ValueError(f"{method} {template} is there twice")
        ends[method] = (target, parsed.variables)

    def find(self, raw_path: str) -> Match[T] | None:
        """The match of a path as it came, still percent-encoded; None when there is none."""
        segments = raw_path.removeprefix("/").split("/")
        if len(segments) > SEGMENTS_MAX or not all(segments):
            return None
        head, colon, verb = segments[-1].rpartition(":")
        if colon and head and (match := self._find([*segments[:-1], head], unquote(verb))):
            return match
        return self._find(segments, "")

    def _find(self, segments: list[str], verb: str) -> Match[T] | None:
        found = _walk(self._root, segments, 0, verb)
        if found is None:
            return None
        node, values = found
        try:
            return Match(node.ends[verb], tuple(unquote(value, errors="strict") for value in values))
        except UnicodeDecodeError:
            return None


def _walk(node: _Node[T], segments: list[str], depth: int, verb: str) -> tuple[_Node[T], list[str]] | None:
    if depth == len(segments):
        return (node, []) if verb in node.ends else None
    segment = segments[depth]
    literal = node.literals.get(unquote(segment))
    if literal is not None and (found := _walk(literal, segments, depth + 1, verb)):
        return found
    if node.variable is not None and (found := _walk(node.variable, segments, depth + 1, verb)):
        return found[0], [segment, *found[1]]
    return None
