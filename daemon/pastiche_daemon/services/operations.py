"""google.longrunning.Operations."""

from __future__ import annotations

from dataclasses import dataclass

from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.empty_pb2 import Empty

from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.operation_registry import OperationRegistry
from pastiche_daemon.services.paging import page
from pastiche_daemon.wire import InvalidFieldError

_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class OperationsService:
    """The standard methods over the registry."""

    registry: OperationRegistry

    @answers
    async def GetOperation(  # noqa: N802
        self, request: operations_pb2.GetOperationRequest, _: Call
    ) -> operations_pb2.Operation:
        return self.registry.get(request.name)

    @answers
    async def ListOperations(  # noqa: N802
        self, request: operations_pb2.ListOperationsRequest, _: Call
    ) -> operations_pb2.ListOperationsResponse:
        if request.filter:
            raise InvalidFieldError("filter", "is not supported; leave it empty")
        names, token = page(
            self.registry.names,
            lambda name: name,
            request.page_size,
            request.page_token,
            size_of=lambda name: self.registry.get(name).ByteSize(),
        )
        return operations_pb2.ListOperationsResponse(
            operations=[self.registry.get(name) for name in names], next_page_token=token
        )

    @answers
    async def WaitOperation(  # noqa: N802
        self, request: operations_pb2.WaitOperationRequest, _: Call
    ) -> operations_pb2.Operation:
        seconds = _LONGEST_WAIT_SECONDS
        if request.HasField("timeout"):
            seconds = min(seconds, max(0.0, request.timeout.ToMilliseconds() / 1000))
        return await self.registry.wait(request.name, seconds)

    @answers
    async def CancelOperation(  # noqa: N802
        self, request: operations_pb2.CancelOperationRequest, _: Call
    ) -> Empty:
        self.registry.cancel(request.name)
        return Empty()

    @answers
    async def DeleteOperation(  # noqa: N802
        self, request: operations_pb2.DeleteOperationRequest, _: Call
    ) -> Empty:
        self.registry.delete(request.name)
        return Empty()
