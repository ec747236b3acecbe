"""Renders every overlay with the real kubectl and validates each object strictly, offline: `python k8s/check.py`.

Objects of Kubernetes are held to its own schemas of KUBERNETES and later; custom
resources to those in `schemas/`, each of which says where it comes from.
"""

import functools
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

HERE = Path(__file__).resolve().parent
OVERLAYS = ("dev", "production")
KUBERNETES = ("1.36.0", "1.37.0")
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"


@functools.cache
def rendered(overlay: str) -> str:
    """An overlay's objects as kubectl renders them. CalledProcessError when it refuses."""
    command = [KUBECTL, "kustomize", HERE / "overlays" / overlay]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours


def objects(overlay: str) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(rendered(overlay)) if found]


def name(found: dict[str, Any]) -> str:
    return f"{found['kind']}/{found['metadata']['name']}"


def problems(found: dict[str, Any]) -> list[str]:
    """What is wrong with an object, by its schema."""
    custom = HERE / "schemas" / f"{found['kind'].lower()}-{found['apiVersion'].replace('/', '-')}.json"
    if custom.exists():
        validator = jsonschema.Draft202012Validator(json.loads(custom.read_text()))
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]
    seen = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            seen.append(f"neither Kubernetes {version} nor schemas/ knows {found['apiVersion']} {found['kind']}")
        except kubernetes_validate.ValidationError as error:
            seen.append(f"Kubernetes {version}: {error.message}")
    return seen


def main() -> None:
    failed = False
    for overlay in OVERLAYS:
        found = objects(overlay)
        for one in found:
            for problem in problems(one):
                failed = True
                print(f"{overlay}: {name(one)}: {problem}")
        print(f"{overlay}: {len(found)} objects")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
