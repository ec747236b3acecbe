"""Grafana's dashboards: `python k8s/dashboards.py` writes them, `--check` compares.

A panel is a title, a unit and expressions with their legends; everything else is alike.
"""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "components" / "monitoring" / "dashboards"
Panel = tuple[str, str, dict[str, str]]


def quantile(q: float, metric: str, by: str, where: str = "") -> str:
    return f"histogram_quantile({q}, sum by (le, {by}) (rate({metric}_bucket{where}[$__rate_interval])))"


def rate(metric: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


SERVICE = '{service="$service"}'
BRAND = '{brand=~"$brand"}'


def told(event: str) -> str:
    return f'{{brand=~"$brand",event="{event}"}}'


def points(account: str) -> str:
    return f'max by (brand, currency) (laurels_points_total{{brand=~"$brand",account="{account}"}})'


DASHBOARDS: dict[str, list[Panel]] = {
    "overview": [
        ("Requests by route", "reqps", {"{{route}}": rate("laurels_http_seconds_count", "route")}),
        ("5xx by route", "reqps", {"{{route}} {{status}}": rate("laurels_http_seconds_count", "route, status", '{status=~"5.."}')}),
        ("Share of requests answered with 5xx; the objective is 0.05 %", "percentunit", {"1 h": "laurels:gateway_unavailable:ratio_rate1h", "6 h": "laurels:gateway_unavailable:ratio_rate6h"}),
        ("Share of activities slower than 250 ms; the objective is 1 %", "percentunit", {"1 h": "laurels:activity_slow:ratio_rate1h", "6 h": "laurels:activity_slow:ratio_rate6h"}),
        ("Share of effects later than 2 s; the objective is 1 %", "percentunit", {"1 h": "laurels:effect_slow:ratio_rate1h", "6 h": "laurels:effect_slow:ratio_rate6h"}),
        ("Consumer lag", "short", {"{{service}} of {{source}}": "sum by (service, source) (max by (service, source, lane) (laurels_consumer_lag))"}),
        ("Age of the oldest unpublished event", "s", {"{{service}}": "max by (service) (laurels_outbox_age_seconds)"}),
        ("Ledger imbalance", "short", {"{{brand}} {{currency}}": "max by (brand, currency) (laurels_ledger_imbalance)"}),
        ("HTTP requests at hand", "short", {"gateway": "sum(laurels_http_in_flight)"}),
        ("Open event streams", "short", {"streams": "sum(laurels_event_streams)"}),
    ],
    "services": [
        ("Calls by method", "reqps", {"{{method}}": rate("laurels_grpc_seconds_count", "method", SERVICE)}),
        ("Calls by outcome", "reqps", {"{{status}}": rate("laurels_grpc_seconds_count", "status", SERVICE)}),
        ("p99 by method", "s", {"{{method}}": quantile(0.99, "laurels_grpc_seconds", "method", SERVICE)}),
        ("Events with their effect", "short", {"{{source}}": rate("laurels_events_consumed_total", "source", SERVICE)}),
        ("p99 from stored to effect", "s", {"{{source}}": quantile(0.99, "laurels_effect_seconds", "source", SERVICE)}),
        ("Lag by lane", "short", {"{{source}} {{lane}}": f"max by (source, lane) (laurels_consumer_lag{SERVICE})"}),
        ("Rejected events", "short", {"{{source}}": rate("laurels_events_rejected_total", "source", SERVICE)}),
        ("Dead letters", "short", {"{{source}}": f"sum by (source) (increase(laurels_dead_letters_total{SERVICE}[1h]))"}),
        ("Repaired events", "short", {"events": f"sum(increase(laurels_reconciler_republished_total{SERVICE}[1h]))"}),
        ("Loops: seconds since they moved", "s", {"{{loop}}": f"time() - max by (loop) (laurels_loop_beat_seconds{SERVICE})"}),
        ("Failed loops", "short", {"{{loop}}": rate("laurels_loop_failures_total", "loop", SERVICE)}),
        ("Failed expressions", "short", {"expressions": f"sum(rate(laurels_expression_failures_total{SERVICE}[$__rate_interval]))"}),
    ],
    "write-path": [
        ("Requests in a transaction, p50", "short", {"{{service}}": quantile(0.5, "laurels_write_batch_size", "service")}),
        ("Transaction, p99", "s", {"{{service}}": quantile(0.99, "laurels_write_batch_seconds", "service")}),
        ("Transactions", "ops", {"{{service}}": rate("laurels_write_batch_seconds_count", "service")}),
        ("Waiting requests", "short", {"{{service}}": "max by (service) (laurels_write_queue)"}),
        ("Batches split", "short", {"{{service}}": rate("laurels_write_batch_splits_total", "service")}),
        ("Published events", "short", {"{{service}}": rate("laurels_outbox_published_total", "service")}),
        ("Events in the relay's hands", "short", {"{{service}}": "max by (service) (laurels_outbox_depth)"}),
        ("Open database connections", "short", {"{{service}}": "sum by (service) (laurels_database_pool_size)"}),
        ("Idle database connections", "short", {"{{service}}": "sum by (service) (laurels_database_pool_idle)"}),
    ],
    "business": [
        ("Points outstanding: issued and not yet spent or expired", "short", {"{{brand}} {{currency}}": f"-sum by (brand, currency) (max by (brand, currency, account) (laurels_points_total{BRAND}))"}),
        ("Points issued", "short", {"{{brand}} {{currency}}": f"-{points('issued')}"}),
        ("Points spent", "short", {"{{brand}} {{currency}}": points("redeemed")}),
        ("Points expired", "short", {"{{brand}} {{currency}}": points("expired")}),
        ("Activities", "short", {"{{brand}}": rate("laurels_events_told_total", "brand", told("ActivityRecorded"))}),
        ("Missions finished", "short", {"{{brand}}": rate("laurels_events_told_total", "brand", told("MissionCompleted"))}),
        ("Cards revealed", "short", {"{{brand}}": rate("laurels_events_told_total", "brand", told("ScratchCardRevealed"))}),
        ("Prizes left in open pools", "short", {"{{brand}} {{pool}}": f"max by (brand, pool) (laurels_prizes_left{BRAND})"}),
        ("Prize budget left in open pools", "short", {"{{brand}} {{pool}}": f"max by (brand, pool) (laurels_prize_budget_left{BRAND})"}),
        ("Recommendations", "short", {"{{brand}}": rate("laurels_events_told_total", "brand", told("RecommendationMade"))}),
        ("Outcomes", "short", {"{{brand}}": rate("laurels_events_told_total", "brand", told("OutcomeRecorded"))}),
    ],
}  # fmt: skip
VARIABLES = {
    "services": ("service", "label_values(laurels_database_pool_size, service)", False),
    "business": ("brand", "label_values(laurels_events_told_total, brand)", True),
}


def dashboard(name: str) -> dict[str, Any]:
    panels = [
        {
            "id": number + 1,
            "type": "timeseries",
            "title": title,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
                for place, (legend, expression) in enumerate(targets.items())
            ],
        }
        for number, (title, unit, targets) in enumerate(DASHBOARDS[name])
    ]
    variables: list[dict[str, Any]] = [{"name": "datasource", "type": "datasource", "query": "prometheus"}]
    if name in VARIABLES:
        variable, query, several = VARIABLES[name]
        variables.append(
            {
                "name": variable,
                "type": "query",
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "query": query,
                "refresh": 2,
                "multi": several,
                "includeAll": several,
            }
        )
    return {
        "uid": f"laurels-{name}",
        "title": f"Laurels: {name.replace('-', ' ')}",
        "tags": ["laurels"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": variables},
        "panels": panels,
    }


def main() -> None:
    stale = []
    for name in DASHBOARDS:
        path, text = FOLDER / f"{name}.json", json.dumps(dashboard(name), indent=2, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != text:
                stale.append(path.name)
        else:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        sys.exit(f"Run `python k8s/dashboards.py`: {', '.join(stale)} differ from it.")


if __name__ == "__main__":
    main()
