"""A programme file, with everything it builds on, and the line of each of its values.

A file may say `extends: other.yaml` (a relative path, from its own folder) and
then holds only what differs:

- maps merge, key by key;
- lists whose items all carry an `id`, a `type` or a `name` merge by it: an
  item of the same key is overridden field by field, a new one is appended, one
  with `remove: true` drops the inherited one;
- other lists, empty ones and single values replace;
- `null` drops the inherited value, so that its default holds.

Only plain YAML is read: `true` and `false` are the only flags (`no` is text,
and so are dates), no tags, no merge keys, no number with a leading zero, no
duplicate keys; sizes, depths and what aliases expand to are bounded.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

FILE_BYTES_MAX = 4 * 1024 * 1024
NODES_MAX = 500_000
DEPTH_MAX = 32
EXTENDS_MAX = 8
NUMBER_CHARACTERS_MAX = 32
ITEM_KEYS = ("id", "type", "name")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAG = "tag:yaml.org,2002:str"
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_SEGMENT = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column count from 1."""

    file: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        shown = os.path.relpath(self.file)
        return f"{self.file if shown.startswith('..') else shown}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file. `place` is its key's, or its own in a list.

    `nodes` is how many values it holds, itself included, aliases expanded;
    `height` how deep they are nested.
    """

    value: "dict[str, Node] | list[Node] | Scalar"
    place: Place
    nodes: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing wrong: where, at which path (empty for the whole), and what."""

    place: Place
    field: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: " + (f"{self.field}: " if self.field else "") + self.detail


class ProgrammeFileInvalid(Exception):
    """The file cannot stand as it is; one line a problem."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class ProgrammeFile:
    """A programme merged from a file and all it extends."""

    path: Path
    root: Node

    @property
    def programme(self) -> dict[str, Any]:
        """The programme in JSON's shapes."""
        programme: dict[str, Any] = plain(self.root)
        return programme

    def locate(self, field: str) -> Place:
        """Where the value at a path such as `points.earning_rules[2].condition` stands.

        For what is not there, the place of what would hold it.
        """
        node = self.root
        for name, index in _segments(field, self.root):
            inner: Node | None = None
            if isinstance(node.value, dict):
                inner = node.value.get(name)
            elif isinstance(node.value, list) and index and int(index) < len(node.value):
                inner = node.value[int(index)]
            if inner is None:
                break
            node = inner
        return node.place

    def problems(self, found: Iterable[tuple[str, str]]) -> list[FileProblem]:
        """Problems that name paths, with their places, in the files' order."""
        placed = [FileProblem(self.locate(field), field, detail) for field, detail in found]
        return sorted(placed, key=lambda problem: (str(problem.place.file), problem.place.line, problem.place.column))


def load(path: Path) -> ProgrammeFile:
    """Reads a programme file and what it extends. Raises ProgrammeFileInvalid."""
    path = path.absolute()
    return ProgrammeFile(path, _checked(_merged_chain(path, (), Place(path))))


def plain(node: Node) -> Any:
    """A node as dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(inner) for key, inner in node.value.items()}
    if isinstance(node.value, list):
        return [plain(inner) for inner in node.value]
    return node.value


def _merged_chain(path: Path, above: tuple[Path, ...], asked_at: Place) -> Node:
    path = path.resolve()
    if path in above:
        raise _invalid(asked_at, "extends", f"{path.name} extends itself, through {len(above)} file(s)")
    if len(above) > EXTENDS_MAX:
        raise _invalid(asked_at, "extends", f"more than {EXTENDS_MAX} files build on each other")
    root = read(path, asked_at)
    if not isinstance(root.value, dict):
        raise _invalid(root.place, "", "a programme is a map of sections, such as `points:`")
    own = dict(root.value)
    extends = own.pop("extends", None)
    root = replace(root, value=own)
    if extends is None or extends.value is None:
        return _dropping_nulls(root, "")
    if not isinstance(extends.value, str) or not extends.value or Path(extends.value).is_absolute():
        raise _invalid(extends.place, "extends", "must be the relative path of another programme file")
    inherited = _merged_chain(path.parent / extends.value, (*above, path), extends.place)
    return _merged(inherited, root, "")


def _checked(root: Node) -> Node:
    if root.nodes > NODES_MAX:
        raise _invalid(root.place, "", f"the programme holds more than {NODES_MAX:,} values")
    return root


def _merged(base: Node, over: Node, field: str) -> Node:
    """`over` on top of `base`; neither is changed."""
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        return _of_map(_merged_entries(base.value, over.value, field), over.place)
    if isinstance(base.value, list) and isinstance(over.value, list) and base.value and over.value:
        key = next((name for name in ITEM_KEYS if _all_carry(name, [*base.value, *over.value])), None)
        if key is not None:
            return _of_list(_merged_items(base.value, over.value, key, field), over.place)
    return _dropping_nulls(over, field)


def _merged_entries(base: Mapping[str, Node], over: Mapping[str, Node], field: str) -> dict[str, Node]:
    entries = dict(base)
    for key, inner in over.items():
        if inner.value is None:
            entries.pop(key, None)
        elif key in base:
            entries[key] = _merged(base[key], inner, _join(field, key))
        else:
            entries[key] = _dropping_nulls(inner, _join(field, key))
    return entries


def _merged_items(base: list[Node], over: list[Node], key: str, field: str) -> list[Node]:
    items = _by_key(base, key, field)
    for name, item in _by_key(over, key, field).items():
        inherited = items.get(name)
        if _is_removal(item):
            if inherited is None:
                raise _invalid(item.place, field, f"there is no inherited item of the {key} {name!r} to remove")
            del items[name]
        elif inherited is not None:
            items[name] = _merged(inherited, item, f"{field}[{key}={name}]")
        else:
            items[name] = _dropping_nulls(item, f"{field}[{key}={name}]")
    return list(items.values())


def _by_key(items: list[Node], key: str, field: str) -> dict[Scalar, Node]:
    found: dict[Scalar, Node] = {}
    for item in items:
        name = _carried(item, key)
        if name in found:
            raise _invalid(item.place, field, f"the {key} {name!r} is there twice, so it is not clear what to override")
        found[name] = item
    return found


def _dropping_nulls(node: Node, field: str) -> Node:
    """A value that overrides nothing."""
    if isinstance(node.value, dict):
        if _is_removal(node):
            raise _invalid(node.place, field, "`remove: true`, but nothing is inherited here")
        kept = {key: inner for key, inner in node.value.items() if inner.value is not None}
        return _of_map({key: _dropping_nulls(inner, _join(field, key)) for key, inner in kept.items()}, node.place)
    if isinstance(node.value, list):
        items = []
        for index, item in enumerate(node.value):
            if item.value is None:
                raise _invalid(item.place, f"{field}[{index}]", "an item of a list cannot be null")
            items.append(_dropping_nulls(item, f"{field}[{index}]"))
        return _of_list(items, node.place)
    return node


def _all_carry(key: str, items: list[Node]) -> bool:
    return all(isinstance(_carried(item, key), str | int) for item in items)


def _carried(item: Node, key: str) -> Scalar:
    inner = item.value.get(key) if isinstance(item.value, dict) else None
    return None if inner is None or isinstance(inner.value, dict | list) else inner.value


def _is_removal(item: Node) -> bool:
    return _carried(item, "remove") is True


def _of_map(entries: dict[str, Node], place: Place) -> Node:
    return _holding(entries, entries.values(), place)


def _of_list(items: list[Node], place: Place) -> Node:
    return _holding(items, items, place)


def _holding(value: dict[str, Node] | list[Node], inner: Iterable[Node], place: Place) -> Node:
    nodes, height = 1, 0
    for node in inner:
        nodes, height = nodes + node.nodes, max(height, node.height)
    return Node(value, place, nodes, height + 1)


def _join(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key


def _segments(field: str, root: Node) -> Iterator[tuple[str, str]]:
    """A path's names and indices. The request's own `programme.` before it is passed over."""
    segments = _SEGMENT.findall(field)
    wrapped = isinstance(root.value, dict) and "programme" not in root.value
    if segments and segments[0][0] == "programme" and wrapped:
        del segments[0]
    yield from segments


def _invalid(place: Place, field: str, detail: str) -> ProgrammeFileInvalid:
    return ProgrammeFileInvalid([FileProblem(place, field, detail)])


# Reading one file.


def read(path: Path, asked_at: Place | None = None) -> Node:
    """The nodes of one file, without what it extends. Raises ProgrammeFileInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _invalid(asked_at or Place(path), "", f"cannot read {path}: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise _invalid(Place(path), "", f"the file is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(Place(path, line), "", "the file is not UTF-8 text") from None
    try:
        return _Composer(path).compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        detail = ", ".join(part for part in (error.context, error.problem) if part)
        raise _invalid(_place(path, error.problem_mark or error.context_mark), "", f"not YAML: {detail}") from None
    except yaml.YAMLError as error:
        raise _invalid(Place(path), "", f"not YAML: {str(error).splitlines()[0]}") from None


@dataclass(slots=True)
class _Open:
    """A map or list that is being read."""

    place: Place
    anchor: str | None
    holds: dict[str, Node] | list[Node]
    key: tuple[str, Place] | None = None


class _Composer:
    """Builds the nodes of a document from its events, without recursion."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._documents = 0
        self._expanded = 0

    def compose(self, events: Iterable[yaml.Event]) -> Node:
        for event in events:
            self._take(event, _place(self._path, event.start_mark))
        if self._root is None:
            raise _invalid(Place(self._path), "", "the file is empty")
        return self._root

    def _take(self, event: yaml.Event, place: Place) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _invalid(place, "", "a programme file holds one document")
            case yaml.AliasEvent():
                self._add(self._aliased(event.anchor, place), place)
            case yaml.ScalarEvent():
                self._scalar(event, place)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event, place)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, place: Place) -> None:
        if event.tag is not None and not event.implicit:
            raise _invalid(place, self._field(), f"the tag {event.tag!r} is not allowed")
        if len(self._open) + 1 >= DEPTH_MAX:
            raise _invalid(place, "", f"nested deeper than {DEPTH_MAX} levels")
        if self._awaits_key():
            raise _invalid(place, self._field(), "a key must be text")
        holds: dict[str, Node] | list[Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(place, event.anchor, holds))

    def _end(self) -> None:
        done = self._open.pop()
        node = _of_map(done.holds, done.place) if isinstance(done.holds, dict) else _of_list(done.holds, done.place)
        self._anchored(done.anchor, node)
        self._add(node, done.place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        if self._awaits_key():
            self._begin_entry(event.value, place)
            return
        node = Node(self._value(event, place), place)
        self._anchored(event.anchor, node)
        self._add(node, place)

    def _begin_entry(self, key: str, place: Place) -> None:
        holder = self._open[-1]
        if key == "<<":
            raise _invalid(place, self._field(), "merge keys (<<) are not read; use `extends:`")
        if key in holder.holds:
            raise _invalid(place, self._field(), f"the key {key!r} is there twice")
        holder.key = (key, place)

    def _value(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        if event.tag not in (None, "!", _TEXT_TAG):
            raise _invalid(place, self._field(), f"the tag {event.tag!r} is not allowed")
        if event.style or event.tag is not None:  # the C parser's style of plain text is empty
            return str(event.value)
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            raise _invalid(place, self._field(), str(error)) from None

    def _add(self, node: Node, place: Place) -> None:
        if not self._open:
            self._root = node
            return
        holder = self._open[-1]
        if isinstance(holder.holds, list):
            holder.holds.append(replace(node, place=place))
        elif holder.key is None:
            raise _invalid(place, self._field(), "a key must be text")
        else:
            key, at = holder.key
            holder.holds[key] = replace(node, place=at)
            holder.key = None

    def _aliased(self, anchor: str | None, place: Place) -> Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            raise _invalid(place, self._field(), f"there is no complete value called &{anchor} before this")
        self._expanded += node.nodes
        if self._expanded > NODES_MAX:
            raise _invalid(place, self._field(), f"aliases expand to more than {NODES_MAX:,} values")
        if len(self._open) + node.height > DEPTH_MAX:
            raise _invalid(place, "", f"nested deeper than {DEPTH_MAX} levels")
        return node

    def _anchored(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].holds, dict) and self._open[-1].key is None

    def _field(self) -> str:
        """The path of what is being read."""
        path = ""
        for holder in self._open:
            if isinstance(holder.holds, list):
                path += f"[{len(holder.holds)}]"
            elif holder.key is not None:
                path = _join(path, holder.key[0])
        return path


def plain_scalar(text: str) -> Scalar:
    """What an unquoted value stands for. ValueError when that would be a guess.

    >>> [plain_scalar(text) for text in ("no", "true", "12", "1.5", "1997-01-01", "~")]
    ['no', True, 12, 1.5, '1997-01-01', None]
    """
    if text in _NULLS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"{text} is a number to some and text or octal to others; drop the zero or quote it")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    is_integer = _INTEGER.fullmatch(text) is not None
    if not is_integer and not _DECIMAL.fullmatch(text):
        return text
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise ValueError(f"a number of more than {NUMBER_CHARACTERS_MAX} characters")
    number = int(text) if is_integer else float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _place(path: Path, mark: Any) -> Place:
    return Place(path) if mark is None else Place(path, mark.line + 1, mark.column + 1)
