"""Rules, dashboards and runbooks ask for what processes export, and for nothing else."""

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import cli.__main__
import gateway.metrics
import services.leaderboard.prizes_left
import services.points.totals
from chassis import metrics
from tests.contract.test_k8s import objects

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "k8s" / "components" / "monitoring"
RUNBOOKS = ROOT / "docs" / "runbooks"
PROMTOOL = shutil.which("promtool")
EXPORTERS = (metrics, gateway.metrics, services.points.totals, services.leaderboard.prizes_left)
SCRAPED = {"pod", "le"}
"""Labels that Prometheus adds, and the histograms'."""


@cache
def exported() -> dict[str, set[str]]:
    """The names of all samples that the processes may export, and their labels."""
    found: dict[str, set[str]] = {}
    for module in EXPORTERS:
        for one in vars(module).values():
            if hasattr(one, "describe") and hasattr(one, "_labelnames"):
                (family,) = one.describe()
                suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
                found |= {f"{family.name}{suffix}": set(one._labelnames) for suffix in suffixes}
    return found


@cache
def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "rules.yaml").read_text())["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it is."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in sorted((MONITORING / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]
    for found in objects("production"):
        if found["kind"] == "ScaledObject":
            for trigger in found["spec"]["triggers"]:
                if trigger["type"] == "prometheus":
                    yield f"ScaledObject {found['metadata']['name']}", trigger["metadata"]["query"]


def asked(expression: str) -> set[str]:
    return set(re.findall(r"\blaurels[_:][\w:]+", expression))


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_an_expression_asks_for_what_is_exported(where: str, expression: str) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    names = asked(expression)
    assert names, "it asks for nothing"
    assert names <= set(exported()) | recorded, where
    own = set().union(*(exported().get(name, set()) for name in names)) | SCRAPED
    grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
    matched = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expression))
    assert grouped | matched <= own | {""}, f"{where} asks for labels that are not there"


def test_every_metric_is_shown_somewhere() -> None:
    names = set().union(*(asked(expression) for _, expression in expressions()))
    families = {
        name.removesuffix("_total").removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        for name in names
    }
    unseen = (
        {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in exported()}
        - families
        - {"laurels_event_streams_sent", "laurels_event_streams_repaired"}
    )
    # A name that ends like a suffix is its own family.
    assert {name for name in unseen if name not in {re.sub(r"_total$", "", other) for other in names}} == set()


def test_bounds_of_objectives_are_bounds_of_buckets() -> None:
    buckets = {sample.labels["le"] for one in (metrics.CALLS, metrics.EFFECT_SECONDS) for sample in _samples(one)}
    bounds = {bound for _, expression in expressions() for bound in re.findall(r'le="([\d.]+)"', expression)}
    assert bounds == {"0.25", "2.0"}
    assert bounds <= buckets


def _samples(metric: Any) -> Iterator[Any]:
    metric.labels(*("-" for _ in metric._labelnames))
    for family in metric.collect():
        yield from (sample for sample in family.samples if sample.name.endswith("_bucket"))


def test_brands_past_the_bound_are_one() -> None:
    known = metrics.BRANDS_MAX
    labels = {metrics.brand_label(f"bounded-{number}") for number in range(2 * known)}
    assert metrics.OTHER_BRANDS in labels
    assert len(labels) <= known + 1


def test_dashboards_are_what_the_code_makes(capsys: pytest.CaptureFixture[str]) -> None:
    made = runpy.run_path(str(ROOT / "k8s" / "dashboards.py"))
    for name in made["DASHBOARDS"]:
        assert json.loads((MONITORING / "dashboards" / f"{name}.json").read_text()) == made["dashboard"](name)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {rule["annotations"]["runbook"] for rule in alerts()} == {
        f"docs/runbooks/{path.name}" for path in RUNBOOKS.glob("*.md")
    }


def test_runbooks_name_what_is_there() -> None:
    """Commands of `laurels`, objects of the production overlay, settings, and other pages."""
    commands = {name for command in cli.__main__.app.registered_commands if (name := command.name or _name(command))}
    there = {f"{found['kind'].lower()}/{found['metadata']['name']}" for found in objects("production")}
    settings = {
        f"LAURELS_{field.upper()}"
        for module in ("points", "missions", "leaderboard", "recommender")
        for field in __import__(f"services.{module}.settings", fromlist=["Settings"]).Settings.model_fields
    } | {
        f"LAURELS_{field.upper()}"
        for field in __import__("gateway.settings", fromlist=["GatewaySettings"]).GatewaySettings.model_fields
    }
    pages = {path.stem for path in RUNBOOKS.glob("*.md")}
    for path in RUNBOOKS.glob("*.md"):
        text = path.read_text()
        assert set(re.findall(r"`laurels ([a-z-]+)", text)) <= commands, path.name
        assert set(re.findall(r"\b(?:deployment|statefulset|job)/[a-z]+", text)) <= there, path.name
        assert set(re.findall(r"\bLAURELS_[A-Z_]+", text)) <= settings, path.name
        assert set(re.findall(r"[Ss]ee `([A-Z]\w+)`|[Aa]s (?:in )?`([A-Z]\w+)`", text)) <= {
            pair for page in pages for pair in ((page, ""), ("", page))
        }, path.name
        named = re.sub(r"psql -d \w+", "", text)
        families = {re.sub(r"_(count|total|bucket|sum)$", "", name) for name in exported()}
        assert asked(named) <= set(exported()) | families, path.name


def _name(command: typer.models.CommandInfo) -> str:
    return command.callback.__name__.strip("_").replace("_", "-") if command.callback is not None else ""


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is in Debian's package prometheus")
def test_promtool_takes_the_rules_and_the_alerts_fire(tmp_path: Path) -> None:
    groups = yaml.safe_load((MONITORING / "rules.yaml").read_text())["spec"]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups))
    shutil.copy(ROOT / "tests" / "contract" / "alerts.yaml", tmp_path / "tests.yml")
    for command in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run([str(PROMTOOL), *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
