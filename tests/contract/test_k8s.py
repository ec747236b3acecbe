"""What the schemas of Kubernetes miss in k8s/: that the manifests fit one another and the processes they start."""

import importlib
import json
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic_settings import BaseSettings

from chassis.migrations import MigrationSettings
from chassis.server import LIVE
from cli.bootstrap import BootstrapSettings
from cli.nats_users import SERVICES, authorization
from gateway.settings import GatewaySettings

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
Object = dict[str, Any]
_check = runpy.run_path(str(K8S / "check.py"))
OVERLAYS: tuple[str, ...] = _check["OVERLAYS"]
NAME = "app.kubernetes.io/name"

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def objects(overlay: str) -> tuple[Object, ...]:
    found: tuple[Object, ...] = tuple(_check["objects"](overlay))
    return found


def of_kind(overlay: str, *kinds: str) -> list[Object]:
    return [found for found in objects(overlay) if found["kind"] in kinds]


def workloads(overlay: str) -> list[Object]:
    return of_kind(overlay, "Deployment", "StatefulSet", "Job")


def pod(workload: Object) -> Object:
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def labels(workload: Object) -> dict[str, str]:
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def selects(selector: Object, found: dict[str, str]) -> bool:
    """Whether a selector takes what has these labels; one that selects by anything but labels is none of ours."""
    assert set(selector) <= {"matchLabels"}
    return all(found.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def settings_class(name: str, container: str) -> type[BaseSettings]:
    """The class that reads a container's environment."""
    if name in SERVICES:
        return importlib.import_module(f"services.{name}.settings").Settings  # type: ignore[no-any-return]
    return {"gateway": GatewaySettings, "migrations": MigrationSettings, "bootstrap": BootstrapSettings}[name]


def config_map(overlay: str, name: str) -> Object:
    (found,) = [
        one for one in of_kind(overlay, "ConfigMap") if re.fullmatch(rf"{name}(-\w{{10}})?", one["metadata"]["name"])
    ]
    return found


def environment(overlay: str, container: Object) -> dict[str, str]:
    """What a container is told: literal values, and for secrets an empty text."""
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if (reference := source.get("configMapRef")) is not None:
            told |= {one["metadata"]["name"]: one for one in of_kind(overlay, "ConfigMap")}[reference["name"]]["data"]
    return told | {one["name"]: one.get("value", "") for one in container.get("env", [])}


def ours(overlay: str) -> Iterator[tuple[str, Object]]:
    for workload in workloads(overlay):
        for container in pod(workload)["containers"]:
            if "laurels" in container["image"]:
                yield workload["metadata"]["name"], container


@each_overlay
def test_every_object_fits_its_schema(overlay: str) -> None:
    assert {_check["name"](found): _check["problems"](found) for found in objects(overlay)} == {
        _check["name"](found): [] for found in objects(overlay)
    }


def test_a_misspelt_field_and_an_unknown_kind_are_found() -> None:
    broken = json.loads(json.dumps(of_kind("dev", "Deployment")[0]))
    broken["spec"]["replica"] = 2
    assert _check["problems"](broken)
    assert _check["problems"]({**broken, "apiVersion": "example.com/v1"})
    cluster = json.loads(json.dumps(of_kind("production", "Cluster")[0]))
    cluster["spec"]["instance"] = 3
    assert _check["problems"](cluster)


@each_overlay
def test_every_workload_has_its_five_objects(overlay: str) -> None:
    for name in (*SERVICES, "gateway"):
        kinds = {found["kind"] for found in objects(overlay) if found["metadata"]["name"] == name}
        assert {"Deployment", "Service", "ServiceAccount", "PodDisruptionBudget"} <= kinds
        assert len(kinds & {"HorizontalPodAutoscaler", "ScaledObject"}) == 1, "one autoscaler, not two that fight"


@each_overlay
def test_selectors_find_the_pods_they_are_for(overlay: str) -> None:
    for workload in of_kind(overlay, "Deployment", "StatefulSet"):
        assert selects(workload["spec"]["selector"], labels(workload))
        for spread in pod(workload).get("topologySpreadConstraints", []):
            assert selects(spread["labelSelector"], labels(workload))
    for found in of_kind(overlay, "Service"):
        selected = [
            one for one in workloads(overlay) if selects({"matchLabels": found["spec"]["selector"]}, labels(one))
        ]
        assert len(selected) == 1, f"{found['metadata']['name']} serves one workload"
        names = {port["name"] for container in pod(selected[0])["containers"] for port in container.get("ports", [])}
        assert {port["targetPort"] for port in found["spec"]["ports"]} <= names
    for found in of_kind(overlay, "PodDisruptionBudget", "PodMonitor"):
        selected = [one for one in workloads(overlay) if selects(found["spec"]["selector"], labels(one))]
        assert [one["metadata"]["name"] for one in selected] == [found["metadata"]["name"]]
    for found in of_kind(overlay, "PodMonitor"):
        (workload,) = [one for one in workloads(overlay) if selects(found["spec"]["selector"], labels(one))]
        names = {port["name"] for port in pod(workload)["containers"][0]["ports"]}
        assert {endpoint["port"] for endpoint in found["spec"]["podMetricsEndpoints"]} <= names
    accounts = {found["metadata"]["name"] for found in of_kind(overlay, "ServiceAccount")}
    assert {pod(workload)["serviceAccountName"] for workload in workloads(overlay)} == accounts


@each_overlay
def test_ports_are_what_the_process_listens_on(overlay: str) -> None:
    for name, container in ours(overlay):
        told = environment(overlay, container)
        listens = {
            int(told[key].rpartition(":")[2]) for key in ("LAURELS_LISTEN", "LAURELS_METRICS_LISTEN") if key in told
        }
        assert {port["containerPort"] for port in container.get("ports", [])} == listens, name
        for key in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(key, {})
            if "grpc" in probe:
                assert f":{probe['grpc']['port']}" in told["LAURELS_LISTEN"]
                assert probe["grpc"].get("service", "") == ("" if key == "readinessProbe" else LIVE)


@each_overlay
def test_environments_are_what_the_settings_take(overlay: str) -> None:
    for name, container in ours(overlay):
        fields = settings_class(name, container["name"]).model_fields
        told = environment(overlay, container)
        own = {one["name"] for one in container.get("env", [])}
        known = {f"LAURELS_{field.upper()}" for field in fields}
        assert own <= known, f"{name} is told what it does not read"
        required = {f"LAURELS_{field.upper()}" for field, info in fields.items() if info.is_required()}
        assert required <= set(told), f"{name} lacks what it must be told"


@each_overlay
def test_the_settings_take_the_values_as_they_are_written(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = runpy.run_path(str(K8S / "secrets.py"))["secret_data"]()
    for name, container in ours(overlay):
        told = environment(overlay, container)
        for one in container.get("env", []):
            if (reference := one.get("valueFrom", {}).get("secretKeyRef")) is not None:
                told[one["name"]] = made[reference["name"]][reference["key"]]
        with monkeypatch.context() as patched:
            for key, value in told.items():
                patched.setenv(key, value)
            settings = settings_class(name, container["name"])()
        assert str(getattr(settings, "lanes", told.get("LAURELS_LANES"))) == told.get("LAURELS_LANES", "None")


@each_overlay
def test_what_all_are_told_is_read_by_somebody(overlay: str) -> None:
    known = {
        f"LAURELS_{field.upper()}"
        for name, one in ours(overlay)
        for field in settings_class(name, one["name"]).model_fields
    }
    assert set(config_map(overlay, "laurels")["data"]) <= known


@each_overlay
def test_lengths_of_stopping_fit_the_grace_period(overlay: str) -> None:
    for workload in of_kind(overlay, "Deployment"):
        told = environment(overlay, pod(workload)["containers"][0])
        stopping = float(told["LAURELS_UNREADY_S"]) + float(told["LAURELS_DRAIN_S"])
        assert stopping + 10 <= pod(workload)["terminationGracePeriodSeconds"], (
            "and ten seconds for loops and transactions"
        )


@each_overlay
def test_every_image_is_pinned(overlay: str) -> None:
    images = [container["image"] for one in workloads(overlay) for container in pod(one)["containers"]]
    images += [found["spec"]["imageName"] for found in of_kind(overlay, "Cluster")]
    for image in images:
        assert re.search(r":\d[\w.-]*$|@sha256:[0-9a-f]{64}$", image), f"{image} may be another tomorrow"


@each_overlay
def test_pods_are_restricted(overlay: str) -> None:
    for workload in workloads(overlay):
        spec = pod(workload)
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]) == {"requests", "limits"}
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


_UNITS = {"": 1.0, "m": 0.001, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def amount(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(\w*)", text)
    assert found is not None, text
    return float(found[1]) * _UNITS[found[2]]


@each_overlay
def test_least_is_not_above_most(overlay: str) -> None:
    for found in of_kind(overlay, "HorizontalPodAutoscaler"):
        assert 1 <= found["spec"].get("minReplicas", 1) <= found["spec"]["maxReplicas"]
    for found in of_kind(overlay, "ScaledObject"):
        assert 1 <= found["spec"]["minReplicaCount"] <= found["spec"]["maxReplicaCount"]
    for workload in workloads(overlay):
        for container in pod(workload)["containers"]:
            least, most = container["resources"]["requests"], container["resources"]["limits"]
            assert all(amount(least[what]) <= amount(most[what]) for what in least)


def test_production_has_two_of_everything_and_three_copies_of_events() -> None:
    for name in (*SERVICES, "gateway"):
        (scaler,) = [
            found
            for found in of_kind("production", "HorizontalPodAutoscaler", "ScaledObject")
            if found["metadata"]["name"] == name
        ]
        assert scaler["spec"].get("minReplicas", scaler["spec"].get("minReplicaCount")) >= 2
    (nats,) = [found for found in of_kind("production", "StatefulSet") if found["metadata"]["name"] == "nats"]
    assert nats["spec"]["replicas"] == int(config_map("production", "laurels")["data"]["LAURELS_STREAM_REPLICAS"]) == 3
    routes = re.findall(r"nats://(nats-\d)\.nats-peers:6222", config_map("production", "nats")["data"]["nats.conf"])
    assert routes == [f"nats-{number}" for number in range(3)]


@each_overlay
def test_the_streams_fit_the_disk(overlay: str) -> None:
    streams = len(SERVICES) * BootstrapSettings.model_fields["stream_bytes_max"].default
    found = re.search(r"max_file_store: (\d+)GB", config_map(overlay, "nats")["data"]["nats.conf"])
    assert found is not None
    (nats,) = [one for one in of_kind(overlay, "StatefulSet") if one["metadata"]["name"] == "nats"]
    disk = nats["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    assert streams <= int(found[1]) * 10**9 <= amount(disk)


@each_overlay
def test_nats_users_are_those_of_the_code(overlay: str) -> None:
    assert config_map(overlay, "nats")["data"]["users.conf"] == authorization()
    (nats,) = [one for one in of_kind(overlay, "StatefulSet") if one["metadata"]["name"] == "nats"]
    told = {one["name"] for one in pod(nats)["containers"][0]["env"]}
    assert set(re.findall(r"\$(NATS_\w+_PASSWORD)", authorization())) <= told


@each_overlay
def test_secrets_that_are_referred_to_can_be_made(overlay: str) -> None:
    made = runpy.run_path(str(K8S / "secrets.py"))["secret_data"]()
    for workload in workloads(overlay):
        for container in pod(workload)["containers"]:
            for one in container.get("env", []):
                if (reference := one.get("valueFrom", {}).get("secretKeyRef")) is not None:
                    assert reference["key"] in made[reference["name"]], one["name"]
    for found in of_kind(overlay, "Cluster"):
        for role in found["spec"]["managed"]["roles"]:
            assert made[role["passwordSecret"]["name"]]["username"] == role["name"]
    for service in SERVICES:
        assert urlsplit(made[f"laurels-{service}"]["database-url"]).hostname == "postgres-rw"


# --- flows

Flow = tuple[str, str, int]
"""From which workload, to which, at which port."""


def pods_by_name(overlay: str) -> dict[str, dict[str, str]]:
    """The labels of each workload's pods, those of the operator's cluster among them."""
    found = {one["metadata"]["name"]: labels(one) for one in workloads(overlay)}
    for cluster in of_kind(overlay, "Cluster"):
        name = cluster["metadata"]["name"]
        found[name] = {**cluster["spec"]["inheritedMetadata"]["labels"], "cnpg.io/cluster": name}
    return found


def used(overlay: str) -> set[Flow]:
    """The flows that the workloads' own settings ask for."""
    found: set[Flow] = set()
    for name, container in ours(overlay):
        told, read = environment(overlay, container), settings_class(name, container["name"]).model_fields
        for key, value in told.items():
            if key.removeprefix("LAURELS_").lower() not in read:
                continue
            if key.endswith("DATABASE_URL"):
                found.add((name, "postgres", 5432))
            elif key == "LAURELS_NATS_URL" or key.endswith("_TARGET"):
                host, _, port = value.rpartition("/")[2].rpartition(":")
                found.add((name, host, int(port)))
    if "routes" in config_map(overlay, "nats")["data"]["nats.conf"]:
        found.add(("nats", "nats", 6222))
    for cluster in of_kind(overlay, "Cluster"):
        # Instances replicate, and ask each other's status.
        name = cluster["metadata"]["name"]
        found |= {(name, name, 5432), (name, name, 8000)}
    return found


def allowed(overlay: str, direction: str, own: dict[str, str], other: dict[str, str], port: int) -> bool:
    """Whether policies let one workload's pods send to (or hear from) another's at a port."""
    word = {"ingress": "from", "egress": "to"}[direction]
    for policy in of_kind(overlay, "NetworkPolicy"):
        if not selects(policy["spec"]["podSelector"], own):
            continue
        for rule in policy["spec"].get(direction, []):
            ports = {one["port"] for one in rule.get("ports", [])}
            peers = [one for one in rule.get(word, []) if "namespaceSelector" not in one]
            if port in ports and any(selects(peer["podSelector"], other) for peer in peers):
                return True
    return False


def ports(overlay: str) -> set[int]:
    found = {8000} if of_kind(overlay, "Cluster") else set()
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in (*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])):
            found |= {one["port"] for one in rule.get("ports", [])}
    return found


@each_overlay
def test_policies_let_through_the_flows_that_are_used_and_no_others(overlay: str) -> None:
    known = pods_by_name(overlay)
    open_flows = {
        (one, other, port)
        for one in known
        for other in known
        for port in ports(overlay)
        if allowed(overlay, "egress", known[one], known[other], port)
        and allowed(overlay, "ingress", known[other], known[one], port)
    }
    wanted = used(overlay)
    if overlay == "dev":
        # One server has no peers; the policy is the same for both overlays.
        open_flows.discard(("nats", "nats", 6222))
    assert open_flows == wanted


@each_overlay
def test_every_rule_of_a_policy_is_half_of_a_flow(overlay: str) -> None:
    known, wanted = pods_by_name(overlay), used(overlay) | {("nats", "nats", 6222)}
    for policy in of_kind(overlay, "NetworkPolicy"):
        chosen = {name for name, found in known.items() if selects(policy["spec"]["podSelector"], found)}
        assert chosen, f"{policy['metadata']['name']} is about nobody"
        for direction, word in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                for peer in rule.get(word, []):
                    if "namespaceSelector" in peer:
                        continue
                    others = {name for name, found in known.items() if selects(peer["podSelector"], found)}
                    ends = {(one, other) for one in chosen for other in others}
                    flows = ends if direction == "egress" else {(other, one) for one, other in ends}
                    for port in rule["ports"]:
                        assert any((*flow, port["port"]) in wanted for flow in flows), (
                            policy["metadata"]["name"],
                            port,
                        )


@each_overlay
def test_everything_is_denied_first(overlay: str) -> None:
    (deny,) = [found for found in of_kind(overlay, "NetworkPolicy") if found["metadata"]["name"] == "default-deny"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_the_contracts_paths_are_let_in() -> None:
    (route,) = of_kind("production", "HTTPRoute")
    paths = {match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]}
    ingress = yaml.safe_load((K8S / "components" / "ingress" / "ingress.yaml").read_text())
    assert paths == {path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]}
    assert paths == {"/v1", "/docs", "/openapi.json"}
