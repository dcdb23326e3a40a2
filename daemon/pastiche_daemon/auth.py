"""Who may call: the token that every call carries, and TLS for other addresses than loopback."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import grpc

from pastiche_daemon.errors import UnauthenticatedError, abort

# So that a client can tell a daemon that starts from one that does not know it.
_OPEN_PREFIX = "/grpc.health.v1.Health/"
_LEAST_TOKEN_LENGTH = 16


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer <token>`, except those of the health check."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        if handler_call_details.method.startswith(_OPEN_PREFIX):
            return await continuation(handler_call_details)
        given = _values(handler_call_details.invocation_metadata, "authorization")
        if len(given) == 1 and hmac.compare_digest(given[0], self._expected):
            return await continuation(handler_call_details)
        # A handler of this kind never waits for a message.
        return grpc.stream_stream_rpc_method_handler(_refuse if given else _refuse_missing)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def check_exposure(
    host: str, token: str | None, certificate: Path | None, key: Path | None
) -> None:
    """Refuse to listen where others can reach the daemon, unless it is safe.

    Raises:
        ValueError: the message names what is missing.
    """
    if (certificate is None) != (key is None):
        raise ValueError("the TLS certificate and its key must be given together")
    if token is not None and len(token) < _LEAST_TOKEN_LENGTH:
        raise ValueError(f"the token must have at least {_LEAST_TOKEN_LENGTH} characters")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("the token must have printable ASCII characters only, and no spaces")
    if is_loopback(host):
        return
    if certificate is None:
        raise ValueError(
            f"{host} can be reached from other computers: a TLS certificate and key are needed"
        )
    if token is None:
        raise ValueError(
            f"{host} can be reached from other computers: a token of your own is needed"
        )


def is_loopback(host: str) -> bool:
    """Whether only programs on this computer reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _values(metadata: Sequence[tuple[str, str | bytes]] | None, key: str) -> list[bytes]:
    return [
        value.encode() if isinstance(value, str) else value
        for name, value in metadata or ()
        if name == key
    ]


async def _refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
    message = "the token is wrong; read it again from the daemon's runtime file"
    await abort(context, UnauthenticatedError(message))


async def _refuse_missing(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
    message = "the call has no token; send `authorization: Bearer TOKEN` from the runtime file"
    await abort(context, UnauthenticatedError(message))
