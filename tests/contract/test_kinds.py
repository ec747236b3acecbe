"""Transactions of a service lock the kinds of their rows in one order, whichever request comes first."""

import pkgutil
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from chassis.answers import ANSWERS
from chassis.book import Kind
from cli.embedded import SERVICES


def kinds(service: str) -> Iterator[Kind[Any, Any]]:
    """The kinds of rows that a service's modules declare, each once."""
    package = import_module(f"services.{service}")
    found = {id(ANSWERS): ANSWERS}
    for module in pkgutil.iter_modules(package.__path__, f"services.{service}."):
        if not module.name.endswith((".__main__", ".migrations")):
            values = vars(import_module(module.name)).values()
            found |= {id(value): value for value in values if isinstance(value, Kind)}
    yield from found.values()


@pytest.mark.parametrize("service", ["points", "missions", "leaderboard", "recommender"])
def test_no_two_kinds_of_rows_share_a_rank(service: str) -> None:
    assert service in SERVICES
    ranks = Counter(kind.rank for kind in kinds(service))
    assert len(ranks) > 5
    assert {kind.name: kind.rank for kind in kinds(service) if ranks[kind.rank] > 1} == {}
