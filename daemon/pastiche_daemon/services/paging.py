"""Pagination as AIP-158 describes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from pastiche_daemon.wire import InvalidFieldError

T = TypeVar("T")

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 1000


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    page_size: int,
    page_token: str,
    *,
    size_of: Callable[[T], int] = lambda _: 0,
    most_bytes: int = 2**20,
) -> tuple[list[T], str]:
    """The items of one page, in the order of their keys, and the token of the next one.

    No key is empty. The token names the last item, so that pages stay right when items come and
    go. Items are made, and their sizes taken, only as far as the page reaches; a page has at least
    one item even if that has more than `most_bytes`.

    Raises:
        InvalidFieldError: the size is negative, or the token is not one of ours.
    """
    if page_size < 0:
        raise InvalidFieldError("page_size", f"must not be negative, not {page_size}")
    most = min(page_size or _DEFAULT_SIZE, _LARGEST_SIZE)
    after = _decoded(page_token)
    chosen: list[T] = []
    used = 0
    for item in sorted(items, key=key):
        if after is not None and key(item) <= after:
            continue
        size = size_of(item)
        if chosen and (len(chosen) == most or used + size > most_bytes):
            return chosen, _encoded(key(chosen[-1]))
        chosen.append(item)
        used += size
    return chosen, ""


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(token: str) -> str | None:
    if not token:
        return None
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise InvalidFieldError(
            "page_token", "is not one that this daemon gave; leave it empty for the first page"
        ) from error
