"""Conditions and amounts that a programme's author writes, checked before they run.

They are CEL (Common Expression Language), evaluated by Google's own C++
implementation. Compiling checks names and types against the declared
variables; evaluating is bounded and has no side effects. A run-time error
(a division by zero, an overflow) is told as ExpressionFailed, never as a value.
"""

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

SOURCE_LENGTH_MAX = 4_096
_LOCATION = re.compile(r"<input>:(\d+):(\d+): (.*)")

INTEGER, NUMBER, TEXT, FLAG, MOMENT = (
    cel.Type.INT,
    cel.Type.DOUBLE,
    cel.Type.STRING,
    cel.Type.BOOL,
    cel.Type.TIMESTAMP,
)


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

    def values(self, values: Mapping[str, Any]) -> Any:
        """Values for all variables, to evaluate any number of expressions on."""
        return self._env.Activation(values)

    def condition(self, source: str) -> "Condition":
        """A condition; the empty one always holds. Raises InvalidExpression."""
        return Condition(None if not source.strip() else self._compile(source, cel.Type.BOOL, "true or false"))

    def amount(self, source: str) -> "Amount":
        """An expression for a whole number. Raises InvalidExpression."""
        return Amount(self._compile(source, cel.Type.INT, "a whole number (int)"))

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
        result = self._expression.eval(values)
        if result.type() != cel.Type.BOOL:
            # The library tells a run-time error as a value, and a truthy one.
            raise ExpressionFailed(str(result.value()))
        return bool(result.value())


class Amount:
    """A checked expression for a whole number."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    def of(self, values: Any) -> int:
        """Its value. Raises ExpressionFailed."""
        result = self._expression.eval(values)
        if result.type() != cel.Type.INT:
            raise ExpressionFailed(str(result.value()))
        return int(result.value())


def _sentence(error: str) -> str:
    found = _LOCATION.search(error)
    return f"at {found[1]}:{found[2]}: {found[3]}".removesuffix(" [INVALID_ARGUMENT]") if found else error
