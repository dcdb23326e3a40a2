"""The calls about trainings of new styles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.longrunning import (  # pyright: ignore[reportMissingTypeStubs]
    operations_proto_pb2 as operations_pb2,
)
from google.protobuf.empty_pb2 import Empty
from grpclib.client import UnaryUnaryMethod

from pastiche.v1 import layer_pb2, training_pb2
from pastiche.v1.training_grpc import TrainingServiceStub
from pastiche_client.errors import InternalError
from pastiche_client.exchange import exchange
from pastiche_client.paging import PAGE, pages
from pastiche_client.pictures import layer_chunks, layer_header
from pastiche_client.trainings import LearnOptions, Training, is_training

if TYPE_CHECKING:
    from pastiche_client.connection import Connection
    from pastiche_client.layer import Layer

Request = training_pb2.LearnStyleRequest

_OPERATIONS = "/google.longrunning.Operations/"
# How often a training is looked at.
_POLL_MILLISECONDS = 700


@dataclass(frozen=True)
class LearnRequest:
    """Everything that the daemon needs. `display_name` is what the style is going to be called."""

    style: Layer
    display_name: str
    options: LearnOptions
    request_id: str = ""

    def header(self) -> Request:
        options = self.options
        header = training_pb2.LearnStyleHeader(
            request_id=self.request_id,
            display_name=self.display_name,
            pack_id=options.pack_id,
            replace=options.replace,
            style=layer_header(self.style),
            photographs=[layer_header(photograph) for photograph in options.photographs],
            base_pack=options.base_pack,
            also_convolutions=options.also_convolutions,
            seed=options.seed,
            artist=options.artist,
            license=options.license,
            attribution=options.attribution,
        )
        for name in (
            "minutes",
            "steps",
            "style_size",
            "crop_size",
            "content_weight",
            "style_weight",
            "tv_weight",
        ):
            value = getattr(options, name)
            if value is not None:
                setattr(header, name, value)
        return Request(header=header)

    def chunks(self) -> Iterator[layer_pb2.Chunk]:
        yield from layer_chunks(self.style)
        for photograph in self.options.photographs:
            yield from layer_chunks(photograph)


async def start(connection: Connection, request: LearnRequest) -> Training:
    """Start a training; returns when it is on the daemon's disk.

    Raises:
        what `status.CALL_ERRORS` lists.
    """
    method = TrainingServiceStub(connection.channel).LearnStyle
    async with method.open(metadata=dict(connection.metadata)) as stream:
        await stream.send_message(request.header())

        async def send() -> None:
            for chunk in request.chunks():
                await stream.send_message(Request(chunk=chunk))
            await stream.end()

        operation = await exchange(send(), stream.recv_message())
    if operation is None:
        raise InternalError("The daemon did not say whether it learns the style.")
    return Training.of(operation)


async def list_trainings(connection: Connection) -> list[Training]:
    """Those that run, failed, or were done lately; the oldest first."""
    method = _operation_method(
        connection,
        "ListOperations",
        operations_pb2.ListOperationsRequest,
        operations_pb2.ListOperationsResponse,
    )
    request = operations_pb2.ListOperationsRequest(name="operations", page_size=PAGE)
    return [
        Training.of(operation)
        async for answer in pages(method, request, connection.metadata)
        for operation in answer.operations
        if is_training(operation)
    ]


async def get(connection: Connection, name: str) -> Training:
    method = _operation_method(
        connection, "GetOperation", operations_pb2.GetOperationRequest, operations_pb2.Operation
    )
    request = operations_pb2.GetOperationRequest(name=name)
    return Training.of(await method(request, metadata=dict(connection.metadata)))


async def wait(
    connection: Connection, name: str, on_progress: Callable[[Training], None]
) -> Training:
    """The training once it is done. Each look at it before goes to `on_progress`.

    Raises:
        the DaemonError that it ended with.
    """
    method = _operation_method(
        connection, "WaitOperation", operations_pb2.WaitOperationRequest, operations_pb2.Operation
    )
    training = await get(connection, name)
    while not training.done:
        on_progress(training)
        request = operations_pb2.WaitOperationRequest(name=name)
        request.timeout.FromMilliseconds(_POLL_MILLISECONDS)
        training = Training.of(await method(request, metadata=dict(connection.metadata)))
    on_progress(training)
    if training.error is not None:
        raise training.error
    return training


async def finish(connection: Connection, name: str) -> Training:
    stub = TrainingServiceStub(connection.channel)
    request = training_pb2.FinishTrainingRequest(name=name)
    return Training.of(await stub.FinishTraining(request, metadata=dict(connection.metadata)))


async def resume(connection: Connection, name: str) -> Training:
    stub = TrainingServiceStub(connection.channel)
    request = training_pb2.ResumeTrainingRequest(name=name)
    return Training.of(await stub.ResumeTraining(request, metadata=dict(connection.metadata)))


async def cancel(connection: Connection, name: str) -> None:
    method = _operation_method(
        connection, "CancelOperation", operations_pb2.CancelOperationRequest, Empty
    )
    request = operations_pb2.CancelOperationRequest(name=name)
    await method(request, metadata=dict(connection.metadata))


async def forget(connection: Connection, name: str) -> None:
    method = _operation_method(
        connection, "DeleteOperation", operations_pb2.DeleteOperationRequest, Empty
    )
    request = operations_pb2.DeleteOperationRequest(name=name)
    await method(request, metadata=dict(connection.metadata))


def _operation_method(
    connection: Connection, name: str, request: type[Any], answer: type[Any]
) -> UnaryUnaryMethod[Any, Any]:
    return UnaryUnaryMethod(connection.channel, f"{_OPERATIONS}{name}", request, answer)
