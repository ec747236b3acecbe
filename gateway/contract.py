"""Every RPC of the contract, with what its options say, read from the generated code.

Nothing here is listed by hand: a proto that is added and generated is served.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

import laurels
from chassis.server import Rule


@dataclass(frozen=True, slots=True)
class Binding:
    """One HTTP form of an RPC: `post`, `/v1/members`, and where the body goes.

    `body` is `*` when it is the message, a field's name when it is that field,
    empty when there is none.
    """

    verb: str
    template: str
    body: str


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC with its HTTP forms and its access rule."""

    descriptor: MethodDescriptor
    rule: Rule
    bindings: tuple[Binding, ...]

    @property
    def name(self) -> str:
        """The full name, such as `laurels.points.v1.PointsService.Spend`."""
        return self.descriptor.full_name

    @property
    def grpc_path(self) -> str:
        """The path of a call, such as `/laurels.points.v1.PointsService/Spend`."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def package(self) -> str:
        """The package, such as `laurels.points.v1`."""
        return self.descriptor.containing_service.file.package


@cache
def files() -> tuple[FileDescriptor, ...]:
    """The descriptors of all generated modules, by name."""
    names = [found.name for found in pkgutil.walk_packages(laurels.__path__, "laurels.") if found.name.endswith("_pb2")]
    found: list[FileDescriptor] = [importlib.import_module(name).DESCRIPTOR for name in names]
    return tuple(sorted(found, key=lambda file: file.name))


@cache
def methods() -> tuple[Method, ...]:
    """All RPCs, in the order of the protos."""
    return tuple(
        Method(method, Rule.of(method), _bindings(method))
        for file in files()
        for service in file.services_by_name.values()
        for method in service.methods
    )


def _bindings(method: MethodDescriptor) -> tuple[Binding, ...]:
    options: Any = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return ()
    rule = options.Extensions[annotations_pb2.http]
    return tuple(_binding(method, each) for each in (rule, *rule.additional_bindings))


def _binding(method: MethodDescriptor, rule: Any) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb not in ("get", "put", "post", "delete", "patch") or rule.response_body:
        raise TypeError(f"{method.full_name}: an HTTP rule that the gateway does not serve")
    return Binding(verb.upper(), getattr(rule, verb), rule.body)
