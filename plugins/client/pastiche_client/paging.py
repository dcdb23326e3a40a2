"""Lists that the daemon gives in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

#: How many small things are asked for at once.
PAGE = 100


class Page(Protocol):
    """An answer to a request that has a `page_token`."""

    @property
    def next_page_token(self) -> str: ...


async def pages(
    method: Callable[..., Awaitable[Page]], request: Any, metadata: Mapping[str, str]
) -> AsyncIterator[Any]:
    """The answers to a request, from the first page to the last. The request is changed."""
    while True:
        answer = await method(request, metadata=dict(metadata))
        yield answer
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
