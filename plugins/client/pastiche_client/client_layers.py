"""What a client does with pictures."""

from __future__ import annotations

import concurrent.futures
import secrets
from typing import TYPE_CHECKING

from pastiche_client.client_calls import ClientCalls
from pastiche_client.results import (
    DreamEvent,
    DreamResult,
    Event,
    OptimizeEvent,
    OptimizeResult,
    StylizeResult,
    UpscaleEvent,
    UpscaleResult,
)
from pastiche_client.style_names import pack_name
from pastiche_client.stylize_call import StylizeRequest, stylize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.cancel import CancelToken, StopToken
    from pastiche_client.dream_options import DreamOptions
    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture
    from pastiche_client.style_names import Styles


def _ignore_event(_: Event | OptimizeEvent | DreamEvent | UpscaleEvent) -> None:
    pass


class LayerCalls(ClientCalls):
    """Stylize, optimize, dream, upscale: each waits; its `submit_` does not."""

    def stylize(
        self,
        layer: Layer,
        styles: Styles,
        *,
        strength: float = 1.0,
        preserve_colors: bool = False,
        stroke_size: float = 1.0,
        preview_size: int = 0,
        request_id: str = "",
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> StylizeResult:
        """Stylize a layer and wait for it. Ctrl+C cancels the call.

        Args:
            layer: what to stylize.
            styles: `pack/style`, several of one pack, or a mapping of them to shares of the mix.
            strength: 0 (the layer) to 1 (the pastiche).
            preserve_colors: keep the layer's colours.
            stroke_size: factor of the pack's native stroke size, 0.25 to 4.
            preview_size: longer side of a preview that comes first, in pixels, at most 1024.
            request_id: names the call in the daemon's log.
            on_event: called in the client's own thread; what it raises ends the call.
            timeout: seconds for the call itself, without a daemon's start.
            cancel: ends the call from another thread.

        Raises:
            CallCancelledError: it was cancelled.
            DeadlineExceededError: the time is over.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        future = self.submit_stylize(
            layer,
            styles,
            strength=strength,
            preserve_colors=preserve_colors,
            stroke_size=stroke_size,
            preview_size=preview_size,
            request_id=request_id,
            on_event=on_event,
            timeout=timeout,
        )
        return self._wait(future, cancel)

    def submit_stylize(
        self,
        layer: Layer,
        styles: Styles,
        *,
        strength: float = 1.0,
        preserve_colors: bool = False,
        stroke_size: float = 1.0,
        preview_size: int = 0,
        request_id: str = "",
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> concurrent.futures.Future[StylizeResult]:
        """Like `stylize`, without waiting. `cancel()` of the future cancels the call."""
        request = StylizeRequest(
            layer=layer,
            styles=styles,
            strength=strength,
            preserve_colors=preserve_colors,
            stroke_size=stroke_size,
            preview_size=preview_size,
            request_id=request_id or secrets.token_hex(8),
        )
        return self._submit(
            lambda connection: stylize(connection, request, on_event or _ignore_event, timeout)
        )

    def optimize(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions | None = None,
        *,
        request_id: str = "",
        on_event: Callable[[OptimizeEvent], None] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        stop: StopToken | None = None,
    ) -> OptimizeResult:
        """Repaint a layer in the manner of others, without training, and wait for it.

        It takes minutes where `stylize` takes seconds. Ctrl+C cancels the call.

        Args:
            target: the content, or the size of a texture to make without one.
            styles: style images; may be empty where the style's weight is 0.
            options: everything else.
            request_id: names the call in the daemon's log.
            on_event: called in the client's own thread; what it raises ends the call.
            timeout: seconds for the call itself, without a daemon's start.
            cancel: ends the call from another thread, without a result.
            stop: ends the work from another thread, with the picture as it stands.

        Raises:
            CallCancelledError: it was cancelled.
            DeadlineExceededError: the time is over.
            ValueError: a region or a name in the options makes no sense.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        future = self.submit_optimize(
            target,
            styles,
            options,
            request_id=request_id,
            on_event=on_event,
            timeout=timeout,
            stop=stop,
        )
        return self._wait(future, cancel)

    def submit_optimize(
        self,
        target: Layer | Texture,
        styles: Sequence[StyleLayer],
        options: OptimizeOptions | None = None,
        *,
        request_id: str = "",
        on_event: Callable[[OptimizeEvent], None] | None = None,
        timeout: float | None = None,
        stop: StopToken | None = None,
    ) -> concurrent.futures.Future[OptimizeResult]:
        """Like `optimize`, without waiting. `cancel()` of the future cancels the call."""
        from pastiche_client.optimize_call import OptimizeRequest, optimize
        from pastiche_client.optimize_options import OptimizeOptions

        request = OptimizeRequest(
            target=target,
            styles=tuple(styles),
            options=options or OptimizeOptions(),
            request_id=request_id or secrets.token_hex(8),
        )
        return self._submit(
            lambda connection: optimize(
                connection, request, on_event or _ignore_event, timeout, stop
            )
        )

    def dream(
        self,
        layer: Layer,
        options: DreamOptions | None = None,
        *,
        guide: Layer | None = None,
        request_id: str = "",
        on_event: Callable[[DreamEvent], None] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        stop: StopToken | None = None,
    ) -> DreamResult:
        """Show what a network's layers see in a layer, and wait for it. Ctrl+C cancels the call.

        Args:
            layer: what to dream over; at least 32 pixels on both sides.
            options: everything else.
            guide: a picture whose features are to appear; what is transparent or not selected in
                it does not count.
            request_id: names the call in the daemon's log.
            on_event: called in the client's own thread; what it raises ends the call.
            timeout: seconds for the call itself, without a daemon's start.
            cancel: ends the call from another thread, without a result.
            stop: ends the work from another thread, with the picture as it stands.

        Raises:
            CallCancelledError: it was cancelled.
            DeadlineExceededError: the time is over.
            ValueError: a name in the options makes no sense.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        future = self.submit_dream(
            layer,
            options,
            guide=guide,
            request_id=request_id,
            on_event=on_event,
            timeout=timeout,
            stop=stop,
        )
        return self._wait(future, cancel)

    def submit_dream(
        self,
        layer: Layer,
        options: DreamOptions | None = None,
        *,
        guide: Layer | None = None,
        request_id: str = "",
        on_event: Callable[[DreamEvent], None] | None = None,
        timeout: float | None = None,
        stop: StopToken | None = None,
    ) -> concurrent.futures.Future[DreamResult]:
        """Like `dream`, without waiting. `cancel()` of the future cancels the call."""
        from pastiche_client.dream_call import DreamRequest, dream
        from pastiche_client.dream_options import DreamOptions

        request = DreamRequest(
            layer=layer,
            options=options or DreamOptions(),
            guide=guide,
            request_id=request_id or secrets.token_hex(8),
        )
        return self._submit(
            lambda connection: dream(connection, request, on_event or _ignore_event, timeout, stop)
        )

    def upscale(
        self,
        layer: Layer,
        factor: int = 0,
        *,
        pack: str = "",
        match_histogram: bool = False,
        request_id: str = "",
        on_event: Callable[[UpscaleEvent], None] | None = None,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> UpscaleResult:
        """Make a layer larger, with details that a network expects, and wait for it.

        Ctrl+C cancels the call. `upscaling_packs` says which factors there are.

        Args:
            layer: what to make larger, without a mask.
            factor: how many times as wide and high; 0 for that of the pack.
            pack: the id or name of a pack; empty for the one of the factor.
            match_histogram: give the result's colours the distribution of the layer's.
            request_id: names the call in the daemon's log.
            on_event: called in the client's own thread; what it raises ends the call.
            timeout: seconds for the call itself, without a daemon's start.
            cancel: ends the call from another thread.

        Raises:
            NotFoundError: there is no such pack, or none of that factor.
            CallCancelledError: it was cancelled.
            DeadlineExceededError: the time is over.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        future = self.submit_upscale(
            layer,
            factor,
            pack=pack,
            match_histogram=match_histogram,
            request_id=request_id,
            on_event=on_event,
            timeout=timeout,
        )
        return self._wait(future, cancel)

    def submit_upscale(
        self,
        layer: Layer,
        factor: int = 0,
        *,
        pack: str = "",
        match_histogram: bool = False,
        request_id: str = "",
        on_event: Callable[[UpscaleEvent], None] | None = None,
        timeout: float | None = None,
    ) -> concurrent.futures.Future[UpscaleResult]:
        """Like `upscale`, without waiting. `cancel()` of the future cancels the call."""
        from pastiche_client.upscale_call import UpscaleRequest, upscale

        request = UpscaleRequest(
            layer=layer,
            factor=factor,
            pack=pack_name(pack) if pack else "",
            match_histogram=match_histogram,
            request_id=request_id or secrets.token_hex(8),
        )
        return self._submit(
            lambda connection: upscale(connection, request, on_event or _ignore_event, timeout)
        )
