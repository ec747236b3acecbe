"""Conditions and amounts that a programme's author writes, checked before they run.

They are CEL (Common Expression Language), evaluated by Google's own C++
implementation. Compiling checks names and types against the declared
variables; evaluating is bounded and has no side effects. A run-time error
(a division by zero, an overflow) is told as ExpressionFailed, never as a value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cel_expr_python import cel

SOURCE_LENGTH_MAX = 4_096
TOGETHER_MAX = 10
"""So many amounts with their conditions stay under the library's 100,000 characters an expression."""
_LOCATION = re.compile(r"<input>:(\d+):(\d+): (.*)")

INTEGER, NUMBER, TEXT, FLAG, MOMENT = (
    cel.Type.INT,
    cel.Type.DOUBLE,
    cel.Type.STRING,
    cel.Type.BOOL,
    cel.Type.TIMESTAMP,
)
TEXTS = cel.Type.List(TEXT)


class InvalidExpression(ValueError):
    """An expression that does not compile; the sentence says where in it, and why."""


class ExpressionFailed(Exception):
    """An expression that failed on the values at hand."""


class Vocabulary:
    """The variables that expressions may use, by dotted name.

    >>> words = Vocabulary({"attributes.amount": INTEGER})
    >>> words.condition("attributes.amount >= 100").holds(words.values({"attributes.amount": 250}))
    True
    >>> words.condition("attributes.amonut >= 100")
    Traceback (most recent call last):
    chassis.conditions.InvalidExpression: at 1:11: undeclared reference to 'attributes.amonut' (in container '')
    """

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._env = cel.NewEnv(variables=dict(variables))
        self._names = tuple(variables)

    def values(self, values: Mapping[str, Any]) -> Any:
        """Values for all variables that the expressions to be evaluated on them read."""
        return self._env.Activation(values)

    def condition(self, source: str) -> "Condition":
        """A condition; the empty one always holds. Raises InvalidExpression."""
        if not source.strip():
            return Condition(None)
        found = self._compile(source, cel.Type.BOOL, "true or false")
        self._check_guarded(source, "0")
        return Condition(found)

    def amount(self, source: str) -> "Amount":
        """An expression for a whole number. Raises InvalidExpression."""
        found = self._compile(source, cel.Type.INT, "a whole number (int)")
        self._check_guarded("true", source)
        return Amount(found)

    def text(self, source: str) -> "Text":
        """An expression for a text. Raises InvalidExpression."""
        return Text(self._compile(source, cel.Type.STRING, "a text (string)"))

    def amounts(self, guarded: Sequence[tuple[str, str]]) -> "Amounts":
        """Amounts, each with the condition without which it is 0, evaluated many at a time.

        Every source must compile by itself, as `condition` and `amount` check.
        """
        return Amounts(self._env, self._names, guarded)

    def _check_guarded(self, condition: str, amount: str) -> None:
        """Refuses what compiles by itself and not within `Amounts`, where it is nested a little deeper."""
        try:
            self._env.compile(f"[{_guarded(condition, amount)}]")
        except RuntimeError:
            raise InvalidExpression("is nested too deeply") from None

    def _compile(self, source: str, wanted: Any, described: str) -> Any:
        if len(source) > SOURCE_LENGTH_MAX:
            raise InvalidExpression(f"is longer than {SOURCE_LENGTH_MAX} characters")
        if not source.strip():
            raise InvalidExpression("is empty")
        try:
            expression = self._env.compile(source)
        except RuntimeError as error:
            raise InvalidExpression(_sentence(str(error))) from None
        if expression.return_type() != wanted:
            raise InvalidExpression(f"gives {expression.return_type().name().lower()}, not {described}")
        return expression


class Condition:
    """A checked condition."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def holds(self, values: Any) -> bool:
        """Whether it holds. Raises ExpressionFailed."""
        if self._expression is None:
            return True
        value = self._expression.eval(values).value()
        if value is not True and value is not False:
            # The library tells a run-time error as a value, and a truthy one.
            raise ExpressionFailed(str(value))
        return bool(value)


class Amount:
    """A checked expression for a whole number."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def of(self, values: Any) -> int:
        """Its value. Raises ExpressionFailed."""
        value = self._expression.eval(values).value()
        if type(value) is not int:
            raise ExpressionFailed(str(value))
        return value


class Text:
    """A checked expression for a text."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def of(self, values: Any) -> str:
        """Its value. Raises ExpressionFailed."""
        value = self._expression.eval(values)
        if value.type() != cel.Type.STRING:
            raise ExpressionFailed(str(value.value()))
        return str(value.value())


class Amounts:
    """Checked amounts with their conditions.

    Ten in one expression cost as much as one alone (9 against 8 microseconds),
    since calling into the library is the cost. Where one of them fails, each
    is evaluated alone. `variables` names all that they read, and at times one
    more.

    >>> words = Vocabulary({"attributes.amount": INTEGER})
    >>> amounts = words.amounts([("attributes.amount > 9", "1"), ("", "100 / attributes.amount"), ("false", "7")])
    >>> amounts.of(words.values({"attributes.amount": 20}), print)
    [1, 5, 0]
    >>> amounts.of(words.values({"attributes.amount": 0}), print)
    1 INVALID_ARGUMENT: divide by zero
    [0, 0, 0]
    """

    def __init__(self, env: Any, names: Sequence[str], guarded: Sequence[tuple[str, str]]) -> None:
        self._env = env
        self._sources = [_guarded(condition, amount) for condition, amount in guarded]
        self._together = [
            (first, env.compile(f"[{', '.join(self._sources[first : first + TOGETHER_MAX])}]"))
            for first in range(0, len(self._sources), TOGETHER_MAX)
        ]
        self._alone: dict[int, Any] = {}
        # A checked expression carries the full name of every variable it reads.
        checked = [expression.serialize() for _, expression in self._together]
        self.variables = frozenset(name for name in names if any(name.encode() in found for found in checked))

    def of(self, values: Any, failed: Callable[[int, str], None]) -> list[int]:
        """The amounts in their order; `failed(place, why)` is told of those that fail and count as 0."""
        found: list[int] = []
        for first, expression in self._together:
            value = expression.eval(values).plain_value()
            found += value if isinstance(value, list) else self._one_by_one(first, values, failed)
        return found

    def _one_by_one(self, first: int, values: Any, failed: Callable[[int, str], None]) -> list[int]:
        found = []
        for place in range(first, min(first + TOGETHER_MAX, len(self._sources))):
            if place not in self._alone:
                self._alone[place] = self._env.compile(self._sources[place])
            value = self._alone[place].eval(values).value()
            if type(value) is not int:
                failed(place, str(value))
            found.append(value if type(value) is int else 0)
        return found


def _guarded(condition: str, amount: str) -> str:
    """The line breaks end a comment that a source may end with."""
    return f"(({condition}\n) ? ({amount}\n) : 0)" if condition.strip() else f"({amount}\n)"


def _sentence(error: str) -> str:
    found = _LOCATION.search(error)
    return f"at {found[1]}:{found[2]}: {found[3]}".removesuffix(" [INVALID_ARGUMENT]") if found else error
