"""A member is given everything that any service holds about them, or nothing.

Services do not call each other, so the gateway asks each of them, page after
page, points first, which knows who is a member.
"""

from gateway.backends import Backends, Context
from gateway.contract import methods
from gateway.programme import Handler
from laurels.export.v1 import export_pb2 as pb

EXPORT = "laurels.export.v1.ExportService.ExportMember"
ROWS_MAX, BYTES_MAX = 200_000, 64 * 2**20
"""What one export holds at most, and so what one request takes of the gateway's memory."""


class ExportRoutes:
    """The export of a member from all services."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        (self._export,) = [method for method in methods() if method.name == EXPORT]

    @property
    def handlers(self) -> dict[str, Handler]:
        """What serves the RPC, instead of the one service that would."""
        return {EXPORT: self.export}

    async def export(self, request: bytes, context: Context) -> bytes:
        """The whole of all services. Raises what the first of them raises; one that does not answer fails it."""
        member = pb.ExportMemberRequest.FromString(request).member
        whole = pb.ExportMemberResponse(member=member)
        first = self._backends.host_of(self._export)
        rows = size = 0
        for host in (first, *sorted(name for name in self._backends.names if name != first)):
            asked = pb.ExportMemberRequest(member=member)
            while True:
                answer = await self._backends.call(host, self._export, asked.SerializeToString(), context)
                page = pb.ExportMemberResponse.FromString(answer)
                for section in page.sections:
                    _add(whole, section)
                    rows += len(section.rows)
                size += len(answer)
                asked.cursor = page.next_cursor
                if not asked.cursor:
                    break
                if rows >= ROWS_MAX or size >= BYTES_MAX:
                    whole.truncated = True
                    break
        return whole.SerializeToString()


def _add(whole: pb.ExportMemberResponse, section: pb.ExportSection) -> None:
    """Adds a section, or the next page of the one that was added last."""
    last = whole.sections[-1] if whole.sections else None
    if last is not None and (last.service, last.name) == (section.service, section.name):
        last.rows.extend(section.rows)
    else:
        whole.sections.append(section)
