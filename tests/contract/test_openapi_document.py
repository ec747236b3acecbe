"""The committed OpenAPI document is valid, says what the protos say, and what it shows works."""

import re
import subprocess
import sys
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway import json_codec, openapi
from gateway.contract import methods
from gateway.documentation import DOCUMENT

SPEC: dict[str, Any] = orjson.loads(DOCUMENT.read_bytes())
OPERATIONS = [
    (verb, path, operation) for path, operations in SPEC["paths"].items() for verb, operation in operations.items()
]


def test_the_document_is_valid_openapi_3_1() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(SPEC).iter_errors()] == []


def test_the_document_is_what_the_protos_say() -> None:
    assert DOCUMENT.read_bytes() == openapi.document()


def test_a_document_that_drifted_is_noticed() -> None:
    code = (
        "import sys, pathlib, tempfile; from gateway import openapi;"
        "openapi.DOCUMENT = pathlib.Path(tempfile.mkdtemp()) / 'openapi.json';"
        "openapi.DOCUMENT.write_text('{}'); sys.argv = ['openapi', '--check']; openapi.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "differs from the protos" in ended.stderr


def test_every_http_rule_of_the_contract_is_an_operation() -> None:
    expected = {(b.verb.lower(), b.template) for method in methods() for b in method.bindings}
    assert {(verb, path) for verb, path, _ in OPERATIONS} == expected | {
        ("get", "/v1/members/{member}/events"), ("get", "/v1/leaderboards/{board}/events")
    }  # fmt: skip


def test_operation_ids_are_unique_and_plain() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]*", each) for each in ids)


@pytest.mark.parametrize(("verb", "path", "operation"), OPERATIONS, ids=lambda each: str(each)[:60])
def test_every_operation_is_described_for_a_stranger(verb: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"].endswith(".")
    assert operation["tags"][0] in {tag["name"] for tag in SPEC["tags"]}
    assert operation["security"], "an operation that nobody may call"
    assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert not re.search(
        r"\b(INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|FAILED_PRECONDITION)\b", orjson.dumps(operation).decode()
    )
    in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_every_schema_and_property_is_described() -> None:
    bare = [
        f"{name}.{part}"
        for name, schema in SPEC["components"]["schemas"].items()
        for part, inner in [("", schema), *schema.get("properties", {}).items()]
        if not inner.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("name", sorted(openapi.EXAMPLES))
def test_an_example_is_read_as_the_gateway_would(name: str) -> None:
    method = next(method for method in methods() if method.descriptor.name == name)
    json_codec.decode(method.descriptor.input_type, openapi.EXAMPLES[name])


def test_what_an_answer_always_holds_is_required() -> None:
    schemas = SPEC["components"]["schemas"]
    assert schemas["Wallet"]["required"] == [
        "currency",
        "available",
        "earned",
        "pending",
        "held",
        "expiring_next",
    ]
    assert "revealed_at" not in schemas["ScratchCard"]["required"]


def test_what_only_requests_hold_is_closed() -> None:
    schemas = SPEC["components"]["schemas"]
    assert schemas["SpendRequest"]["additionalProperties"] is False
    assert list(schemas["SpendRequest"]["properties"]) == ["amount", "reference", "idempotency_key"]
    assert "additionalProperties" not in schemas["Programme"]


def test_a_key_is_demanded_where_value_moves() -> None:
    for method in methods():
        for binding in method.bindings:
            operation = SPEC["paths"][binding.template][binding.verb.lower()]
            keys = [p for p in operation["parameters"] if p["name"] == "Idempotency-Key"]
            assert any(key["required"] for key in keys) == method.rule.key_required
