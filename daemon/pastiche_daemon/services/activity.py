"""Notices when nobody has called for a while."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc

# Whether the daemon lives is asked without wanting it to.
_IGNORED_PREFIX = "/grpc.health.v1.Health/"

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic for type checkers only


class ActivityInterceptor(grpc.aio.ServerInterceptor):
    """Counts the calls that run, and remembers when there was the last one.

    For the event loop's thread only.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = 0
        self._last = clock()

    @property
    def running(self) -> int:
        """How many calls run now."""
        return self._running

    @property
    def idle_seconds(self) -> float:
        """Since the last call came or ended; 0 while one runs."""
        return 0.0 if self._running else self._clock() - self._last

    def touch(self) -> None:
        """Something else is going on."""
        self._last = self._clock()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        handler = await continuation(handler_call_details)
        if handler_call_details.method.startswith(_IGNORED_PREFIX) or handler is None:
            return handler
        self.touch()
        return self._counting(handler)

    def _counting(self, handler: _Handler) -> _Handler:
        """The same handler, counted while it runs."""
        make, method = _parts(handler)
        if not inspect.iscoroutinefunction(method):
            return handler

        async def counted(request: Any, context: Any) -> Any:
            self._running += 1
            try:
                return await method(request, context)
            finally:
                self._running -= 1
                self.touch()

        return make(
            counted,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _parts(handler: _Handler) -> tuple[Callable[..., _Handler], Callable[..., Any] | None]:
    """What makes a handler of this kind, and the servicer's method."""
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler, handler.unary_unary
        case False, True:
            return grpc.unary_stream_rpc_method_handler, handler.unary_stream
        case True, False:
            return grpc.stream_unary_rpc_method_handler, handler.stream_unary
        case _:
            return grpc.stream_stream_rpc_method_handler, handler.stream_stream
