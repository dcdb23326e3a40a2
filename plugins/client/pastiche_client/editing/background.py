"""What waits for the daemon, done in a thread of its own."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.host import Post

T = TypeVar("T")


def load_in_background(
    load: Callable[[], T],
    post: Post,
    on_loaded: Callable[[T], None],
    on_failed: Callable[[Exception], None],
) -> None:
    """Load something in a thread of its own; one of both callbacks comes through `post`.

    None comes if the client is closed meanwhile.
    """

    def run() -> None:
        try:
            loaded = load()
        except concurrent.futures.CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - the thread's end: whoever waits is told
            failure = error
            post(lambda: on_failed(failure))
        else:
            post(lambda: on_loaded(loaded))

    threading.Thread(target=run, name="pastiche-loading", daemon=True).start()
