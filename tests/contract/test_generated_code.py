"""The generated code runs on the oldest protobuf and gRPC that we say we run on.

Both are checked at import: a runtime older than the code that was generated
for it fails every process at its start.
"""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATED = REPOSITORY / "protos" / "gen" / "laurels"
PROTOBUF = re.compile(r"^# Protobuf Python Version: (\S+)$", re.MULTILINE)
VALIDATED = re.compile(r"ValidateProtobufRuntimeVersion\(\s*\S+,\s*(\d+),\s*(\d+),\s*(\d+),")
GRPC = re.compile(r"^GRPC_GENERATED_VERSION = '(\S+)'$", re.MULTILINE)
OF_GRPC = ("grpcio", "grpcio-health-checking", "grpcio-reflection", "grpcio-status")

Version = tuple[int, ...]


def version(text: str) -> Version:
    """A version with all its three parts."""
    parts = [int(part) for part in text.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def minimum(package: str) -> Version:
    """The oldest release of a package that pyproject.toml allows."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (found,) = [entry for entry in project["dependencies"] if re.match(rf"{re.escape(package)}>=", entry)]
    return version(found.partition(">=")[2])


def needed(pattern: re.Pattern[str], files: str) -> dict[str, Version]:
    """What each generated file needs at least."""
    paths = sorted(GENERATED.rglob(files))
    assert paths, "there is no generated code"
    found = {str(path.relative_to(GENERATED)): pattern.search(path.read_text()) for path in paths}
    return {name: version(".".join(match.groups())) for name, match in found.items() if match is not None}


def test_the_oldest_protobuf_that_is_allowed_is_not_older_than_the_generated_messages() -> None:
    found = needed(PROTOBUF, "*_pb2.py")
    assert len(found) == len(list(GENERATED.rglob("*_pb2.py"))), "a file does not say what made it"
    assert found == needed(VALIDATED, "*_pb2.py")
    assert {name: wanted for name, wanted in found.items() if wanted > minimum("protobuf")} == {}


@pytest.mark.parametrize("package", OF_GRPC)
def test_the_oldest_grpc_that_is_allowed_is_not_older_than_the_generated_services(package: str) -> None:
    found = needed(GRPC, "*_pb2_grpc.py")
    assert len(found) == len(list(GENERATED.rglob("*_pb2_grpc.py"))), "a file does not say what made it"
    assert {name: wanted for name, wanted in found.items() if wanted > minimum(package)} == {}


def test_all_generated_code_is_of_one_generation() -> None:
    assert len(set(needed(PROTOBUF, "*_pb2.py").values())) == 1
    assert len(set(needed(GRPC, "*_pb2_grpc.py").values())) == 1
