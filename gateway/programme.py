"""A programme is applied when every service finds nothing wrong with it, and not before.

Each service checks its own section and what that refers to in the others, so
both routes ask all of them at once. These are the only RPCs that the gateway
does not simply pass on.
"""

import asyncio
from collections.abc import Awaitable, Callable

from chassis.errors import FieldViolation, InvalidArgument
from gateway.backends import Backends, Context
from gateway.contract import Method, methods
from laurels.programme.v1 import programme_pb2

VALIDATE = "laurels.programme.v1.ProgrammeValidationService.ValidateProgramme"
APPLY = "laurels.programme.v1.ProgrammeService.ApplyProgramme"
PROBLEMS_MAX = 1_000

Handler = Callable[[bytes, Context], Awaitable[bytes]]


class ProgrammeRoutes:
    """The two RPCs that concern all services at once."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        by_name = {method.name: method for method in methods()}
        self._validate, self._apply = by_name[VALIDATE], by_name[APPLY]

    @property
    def handlers(self) -> dict[str, Handler]:
        """What serves which RPC, instead of the one service that would."""
        return {VALIDATE: self.validate, APPLY: self.apply}

    async def validate(self, request: bytes, context: Context) -> bytes:
        """All services' problems with the programme, each told once."""
        return programme_pb2.ValidateProgrammeResponse(
            problems=await self._problems(request, context)
        ).SerializeToString()

    async def apply(self, request: bytes, context: Context) -> bytes:
        """Records the programme. Raises InvalidArgument with every problem of every service."""
        programme = programme_pb2.ApplyProgrammeRequest.FromString(request).programme
        question = programme_pb2.ValidateProgrammeRequest(programme=programme).SerializeToString()
        if problems := await self._problems(question, context):
            violations = [FieldViolation(problem.field, problem.detail) for problem in problems]
            raise InvalidArgument(
                f"The programme was not applied: {_count(violations)}.", code="invalid_programme", violations=violations
            )
        return await self._backends.call(self._backends.host_of(self._apply), self._apply, request, context)

    async def _problems(self, request: bytes, context: Context) -> list[programme_pb2.Problem]:
        """Asks every service; one that does not answer leaves the question open, so that it raises."""
        answers = await asyncio.gather(
            *(self._ask(host, self._validate, request, context) for host in self._backends.names)
        )
        told = {(problem.field, problem.detail): problem for problems in answers for problem in problems}
        return list(told.values())[:PROBLEMS_MAX]

    async def _ask(self, host: str, method: Method, request: bytes, context: Context) -> list[programme_pb2.Problem]:
        answer = await self._backends.call(host, method, request, context)
        return list(programme_pb2.ValidateProgrammeResponse.FromString(answer).problems)


def _count(violations: list[FieldViolation]) -> str:
    return "one thing is wrong with it" if len(violations) == 1 else f"{len(violations)} things are wrong with it"
