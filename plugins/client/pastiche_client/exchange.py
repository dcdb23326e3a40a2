"""Sending and receiving at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

# How long a daemon may take to say why it closed its side of an upload.
_STATUS_SECONDS = 2.0


async def exchange(send: Coroutine[Any, Any, None], receive: Coroutine[Any, Any, T]) -> T:
    """Run both; what was received is the result, whether or not everything was sent."""
    sending, receiving = asyncio.create_task(send), asyncio.create_task(receive)
    try:
        await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            # If the upload failed, the daemon no longer listens; its answer says why.
            failed = sending.exception() is not None
            await asyncio.wait({receiving}, timeout=_STATUS_SECONDS if failed else None)
        if not receiving.done():
            sending.result()  # raises
        return receiving.result()
    finally:
        sending.cancel()
        receiving.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)
