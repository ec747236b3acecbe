"""Paths: what leads where."""

import pytest

from gateway.routes import Routes, Template


def routes(*templates: str) -> Routes[str]:
    made: Routes[str] = Routes()
    for template in templates:
        made.add("GET", template, template)
    return made


def found(made: Routes[str], path: str) -> tuple[str, dict[str, str]] | None:
    match = made.find(path)
    if match is None:
        return None
    target, names = match.targets["GET"]
    return target, dict(zip(names, match.values, strict=True))


def test_a_literal_wins_over_a_variable_in_any_order_of_adding() -> None:
    for templates in (("/v1/reports/{report}", "/v1/reports/members"), ("/v1/reports/members", "/v1/reports/{report}")):
        made = routes(*templates)
        assert found(made, "/v1/reports/members") == ("/v1/reports/members", {})
        assert found(made, "/v1/reports/kpis") == ("/v1/reports/{report}", {"report": "kpis"})


def test_a_literal_that_leads_nowhere_gives_way_to_a_variable() -> None:
    made = routes("/v1/a/x", "/v1/{b}/y")
    assert found(made, "/v1/a/y") == ("/v1/{b}/y", {"b": "a"})


def test_a_custom_verb_follows_the_last_colon() -> None:
    made = routes("/v1/cards/{card}:reveal", "/v1/cards/{card}", "/v1/cards:count")
    assert found(made, "/v1/cards/c1:reveal") == ("/v1/cards/{card}:reveal", {"card": "c1"})
    assert found(made, "/v1/cards/a:b:reveal") == ("/v1/cards/{card}:reveal", {"card": "a:b"})
    assert found(made, "/v1/cards/c1:other") == ("/v1/cards/{card}", {"card": "c1:other"})
    assert found(made, "/v1/cards:count") == ("/v1/cards:count", {})


def test_escapes_are_read_after_the_path_is_cut() -> None:
    made = routes("/v1/cards/{card}:reveal", "/v1/cards/{card}")
    assert found(made, "/v1/cards/a%2Fb") == ("/v1/cards/{card}", {"card": "a/b"})
    assert found(made, "/v1/cards/a%3Areveal") == ("/v1/cards/{card}", {"card": "a:reveal"})
    assert found(made, "/v1/cards/%C3%A9") == ("/v1/cards/{card}", {"card": "é"})
    assert found(made, "/v1/c%61rds/x") == ("/v1/cards/{card}", {"card": "x"})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1//x",
        "/v1/cards/",
        "/v1/cards//",
        "/v1/cards/x/y",
        "/v1/cards/%ff",
        "/v1/cards/:reveal/",
    ],
)
def test_other_paths_lead_nowhere(path: str) -> None:
    assert found(routes("/v1/cards/{card}"), path) is None


def test_a_path_of_too_many_segments_leads_nowhere() -> None:
    assert routes("/{a}").find("/x" * 10_000) is None


@pytest.mark.parametrize(
    "template",
    ["", "v1", "/v1/", "/v1//x", "/v1/{a", "/v1/{a=**}", "/v1/{a.b}", "/v1/x:", "/v1/**", "/v1/{A}", "/v1/x:a/b"],
)
def test_templates_that_are_not_served_are_refused_at_the_start(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|segment"):
        Template.parse(template)


def test_a_route_that_is_there_twice_is_refused() -> None:
    made = routes("/v1/{a}")
    with pytest.raises(ValueError, match="twice"):
        made.add("GET", "/v1/{b}", "other")
    made.add("POST", "/v1/{b}", "other")
    match = made.find("/v1/x")
    assert match is not None
    assert match.allowed == "GET, HEAD, OPTIONS, POST"
