"""The client: plain functions over a running daemon, usable from any thread.

An editor's plug-in imports it for every use, and mostly to stylize: what takes time to import and
is not needed for that is imported when it is called.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import secrets
import time
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from grpclib.client import UnaryUnaryMethod

from pastiche.v1 import daemon_pb2
from pastiche.v1.daemon_grpc import DaemonServiceStub
from pastiche_client import packs_calls
from pastiche_client.errors import (
    CallCancelledError,
    DaemonLostError,
    DeadlineExceededError,
)
from pastiche_client.io_thread import IoThread
from pastiche_client.launcher import daemon_connection
from pastiche_client.paths import DataPaths, data_paths
from pastiche_client.results import (
    DaemonInfo,
    DreamEvent,
    DreamResult,
    Encoder,
    Event,
    OptimizeEvent,
    OptimizeResult,
    Pack,
    Style,
    StylizeResult,
    UpscaleEvent,
    UpscaleResult,
)
from pastiche_client.runtime_file import RuntimeFileError, read_runtime_file
from pastiche_client.status import CALL_ERRORS, daemon_error
from pastiche_client.stylize_call import StylizeRequest, stylize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from pastiche_client.cancel import CancelToken, StopToken
    from pastiche_client.connection import Connection
    from pastiche_client.dream_options import DreamOptions
    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture
    from pastiche_client.style_names import Styles
    from pastiche_client.trainings import LearnOptions, Training

T = TypeVar("T")

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_SERVING = 1


def _ignore_event(_: Event | OptimizeEvent | DreamEvent | UpscaleEvent | Training) -> None:
    pass


def _ignore_progress(_: float) -> None:
    pass


class Client:
    """Talks to the daemon of one data folder; starts it when a call needs it.

    A client holds no connection between calls, so it never goes stale: a daemon that ended in the
    meantime is simply started again. Close it, or use it as a context manager.

    Every call raises a `DaemonError`; one whose daemon ends in the middle a `DaemonLostError`, at
    once. A call must not be made from an event callback of the same client.
    """

    def __init__(
        self,
        paths: DataPaths | None = None,
        *,
        start: bool = True,
        start_timeout: float = _START_SECONDS,
        client_id: str = "",
    ) -> None:
        """A client that has not called yet; see `connect`."""
        self._paths = paths or data_paths()
        self._start = start
        self._start_timeout = start_timeout
        self._client_id = client_id or secrets.token_hex(8)
        self._io = IoThread("pastiche-client")

    @classmethod
    def connect(
        cls,
        paths: DataPaths | None = None,
        start: bool = True,
        *,
        start_timeout: float = _START_SECONDS,
        client_id: str = "",
    ) -> Client:
        """A client whose daemon is known to run.

        Args:
            paths: the data folder; the user's own by default.
            start: start a daemon now, and later, where none runs.
            start_timeout: seconds that a start may take.
            client_id: calls of different ids share the device fairly; random by default.

        Raises:
            DaemonNotRunningError: none runs, and `start` is false.
            DaemonStartError: it could not be started.
        """
        client = cls(paths, start=start, start_timeout=start_timeout, client_id=client_id)
        try:
            client.info()
        except BaseException:
            client.close()
            raise
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def paths(self) -> DataPaths:
        return self._paths

    def close(self) -> None:
        """Cancel what still runs. The daemon stays."""
        self._io.close()

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
            pack=_pack_name(pack) if pack else "",
            match_histogram=match_histogram,
            request_id=request_id or secrets.token_hex(8),
        )
        return self._submit(
            lambda connection: upscale(connection, request, on_event or _ignore_event, timeout)
        )

    def upscaling_packs(self) -> list[Pack]:
        """The packs that `upscale` can use, by factor; built-in ones before installed ones."""
        packs = [pack for pack in self.list_packs() if pack.factor]
        return sorted(packs, key=lambda pack: (pack.factor, not pack.built_in, pack.id))

    def learn_style(
        self,
        style: Layer,
        name: str,
        options: LearnOptions | None = None,
        *,
        request_id: str = "",
        on_progress: Callable[[Training], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Training:
        """Learn the style of a picture, install it as a pack, and wait for that.

        The training goes on whatever becomes of this call: when the waiting is cancelled, the
        program ends, or the daemon is stopped and started again. See `trainings`,
        `wait_training`, `cancel_training`.

        Args:
            style: the picture; what is transparent or not selected does not count. Both sides have
                at least 16 pixels.
            name: what the style and its pack are going to be called.
            options: everything else, such as the time.
            request_id: names the training in the daemon's log.
            on_progress: called in the client's own thread about once a second; what it raises ends
                the waiting.
            cancel: ends the waiting from another thread.

        Returns:
            the finished training; its `style` is what `stylize` takes.

        Raises:
            InvalidRequestError: something is wrong with the request; its `field` says what, its
                `reason` is PACK_EXISTS where the name is taken.
            CallCancelledError: the waiting or the training was cancelled, or the daemon stopped.
            DaemonError: another one, see `pastiche_client.errors`.
        """
        training = self.start_learning(style, name, options, request_id=request_id)
        return self.wait_training(training.name, on_progress=on_progress, cancel=cancel)

    def start_learning(
        self,
        style: Layer,
        name: str,
        options: LearnOptions | None = None,
        *,
        request_id: str = "",
    ) -> Training:
        """Like `learn_style`, but returns as soon as the training is on the daemon's disk."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import LearnOptions

        request = training_calls.LearnRequest(
            style, name, options or LearnOptions(), request_id or secrets.token_hex(8)
        )
        return self._call(lambda connection: training_calls.start(connection, request))

    def trainings(self) -> list[Training]:
        """Those that run or wait, that failed, and that were done within a week; oldest first."""
        from pastiche_client import training_calls

        return self._call(training_calls.list_trainings)

    def training(self, name: str) -> Training:
        """A training, as it stands. Raises NotFoundError."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.get(connection, training_name(name)))

    def wait_training(
        self,
        name: str,
        *,
        on_progress: Callable[[Training], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Training:
        """Wait for a training, as `learn_style` does. Raises what it ended with."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        future = self._submit(
            lambda connection: training_calls.wait(
                connection, training_name(name), on_progress or _ignore_event
            )
        )
        return self._wait(future, cancel)

    def cancel_training(self, name: str) -> None:
        """End a training and remove it; no pack is made. Nothing happens to one that is done."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        self._call(lambda connection: training_calls.cancel(connection, training_name(name)))

    def finish_training(self, name: str) -> Training:
        """End a training early, and install what it has learned; `wait_training` waits for that.

        Raises RefusedError where it has not made a step, or does not run.
        """
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.finish(connection, training_name(name)))

    def resume_training(self, name: str) -> Training:
        """Go on with a training that failed. Raises RefusedError where it did not."""
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        return self._call(lambda connection: training_calls.resume(connection, training_name(name)))

    def forget_training(self, name: str) -> None:
        """Take a training that ended off the list; its pack stays.

        What a failed one has reached is removed. Raises RefusedError where it runs.
        """
        from pastiche_client import training_calls
        from pastiche_client.trainings import training_name

        self._call(lambda connection: training_calls.forget(connection, training_name(name)))

    def encoders(self) -> list[Encoder]:
        """All encoders that the daemon knows, usable or not, in the order to offer them."""
        from pastiche_client import encoders_calls

        return self._call(encoders_calls.list_encoders)

    def list_packs(self) -> list[Pack]:
        """All packs, built in and installed."""
        return self._call(packs_calls.list_packs)

    def get_pack(self, pack: str) -> Pack:
        """The pack of an id or name, or `id@version`. Raises NotFoundError."""
        name = _pack_name(pack)
        return self._call(lambda connection: packs_calls.get_pack(connection, name))

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]:
        """The styles of a pack, or of all."""
        parent = _pack_name(pack)
        return self._call(
            lambda connection: packs_calls.list_styles(
                connection, parent, with_previews=with_previews
            )
        )

    def list_pack_versions(self, pack: str) -> list[Pack]:
        """All versions of a pack that can be used, the newest first. Raises NotFoundError."""
        name = _pack_name(pack)
        return self._call(lambda connection: packs_calls.list_versions(connection, name))

    def pin_pack(self, pack: str, version: str) -> Pack:
        """Keep a pack's plain name at one version. Raises NotFoundError, which lists them."""
        name = f"{_pack_name(pack)}@{version}"
        return self._call(lambda connection: packs_calls.pin_pack(connection, name))

    def unpin_pack(self, pack: str) -> Pack:
        """Let a pack's plain name mean its newest version again; returns that."""
        name = _pack_name(pack)
        return self._call(lambda connection: packs_calls.unpin_pack(connection, name))

    def roll_back_pack(self, pack: str) -> Pack:
        """Pin the version before the current one. Raises RefusedError where there is none."""
        name = _pack_name(pack)
        return self._call(lambda connection: packs_calls.roll_back_pack(connection, name))

    def install_pack(
        self,
        file: Path,
        *,
        replace: bool = False,
        validate_only: bool = False,
        on_progress: Callable[[float], None] | None = None,
    ) -> Pack:
        """Install a pack file beside other versions of it.

        Args:
            file: the pack.
            replace: replace the same version, if it is installed.
            validate_only: install nothing; the answer tells what would be installed, with its
                license, attribution and signature, to show before.
            on_progress: gets the share that was sent, 0..1.

        Raises:
            AlreadyExistsError: this version is installed, and `replace` is false.
            DamagedDataError, InvalidRequestError: it is no usable pack.
            RefusedError: only packs of trusted keys may be installed, and this is none.
            OSError: the file cannot be read.
        """
        return self._call(
            lambda connection: packs_calls.install_pack(
                connection,
                file,
                replace=replace,
                validate_only=validate_only,
                on_progress=on_progress or _ignore_progress,
            )
        )

    def export_pack(self, pack: str, file: Path, *, replace: bool = False) -> None:
        """Write a pack to a file. Raises FileExistsError, and other OSErrors of writing it."""
        name = _pack_name(pack)
        self._call(
            lambda connection: packs_calls.export_pack(connection, name, file, replace=replace)
        )

    def delete_pack(self, pack: str) -> None:
        """Remove an installed pack, or one version with `id@version`.

        Raises:
            NotFoundError: there is none.
            RefusedError: it is built in, pinned, or in a shared folder.
        """
        name = _pack_name(pack)
        self._call(lambda connection: packs_calls.delete_pack(connection, name))

    def info(self) -> DaemonInfo:
        return self._call(_info)

    def health(self) -> bool:
        """Whether the daemon's health service says that it serves."""
        return self._call(_health)

    def stop_daemon(self) -> None:
        """Stop the running daemon and wait until it is gone.

        Raises:
            DaemonNotRunningError: none runs.
            DeadlineExceededError: it did not end; its log says why.
        """
        self._io.wait(self._io.submit(self._stop_daemon()))

    async def _stop_daemon(self) -> None:
        async with daemon_connection(
            self._paths, self._client_id, start=False, start_timeout=0
        ) as connection:
            instance = connection.daemon.instance_id
            try:
                await DaemonServiceStub(connection.channel).StopDaemon(
                    daemon_pb2.StopDaemonRequest(),
                    timeout=_STOP_SECONDS,
                    metadata=dict(connection.metadata),
                )
            except CALL_ERRORS as error:
                failure = daemon_error(error, self._paths.log_file)
                if not isinstance(failure, DaemonLostError):  # it ended before it answered
                    raise failure from error
        deadline = time.monotonic() + _STOP_SECONDS
        while self._is_published(instance):
            if time.monotonic() >= deadline:
                raise DeadlineExceededError(
                    f"The daemon has not ended after {_STOP_SECONDS:.0f} seconds; "
                    f"its log is {self._paths.log_file}"
                )
            await asyncio.sleep(0.05)

    def _is_published(self, instance_id: str) -> bool:
        try:
            info = read_runtime_file(self._paths.runtime_file)
        except RuntimeFileError:
            return False
        return info is not None and info.instance_id == instance_id

    def _submit(self, call: Callable[[Connection], Awaitable[T]]) -> concurrent.futures.Future[T]:
        async def run() -> T:
            async with daemon_connection(
                self._paths, self._client_id, start=self._start, start_timeout=self._start_timeout
            ) as connection:
                try:
                    return await call(connection)
                except CALL_ERRORS as error:
                    raise daemon_error(error, self._paths.log_file) from error

        return self._io.submit(run())

    def _wait(self, future: concurrent.futures.Future[T], cancel: CancelToken | None) -> T:
        try:
            if cancel is None:
                return self._io.wait(future)
            with cancel.calling(future.cancel):
                return self._io.wait(future)
        except concurrent.futures.CancelledError:
            raise CallCancelledError("The call was cancelled.", reason="CANCELLED") from None

    def _call(self, call: Callable[[Connection], Awaitable[T]]) -> T:
        return self._io.wait(self._submit(call))


async def _info(connection: Connection) -> DaemonInfo:
    return DaemonInfo.of(connection.daemon)


async def _health(connection: Connection) -> bool:
    # These have the wire format of the health service's own messages, which other packages
    # register too: two registrations in one process would clash.
    check = UnaryUnaryMethod(
        connection.channel, "/grpc.health.v1.Health/Check", StringValue, Int32Value
    )
    return (await check(StringValue())).value == _SERVING


def _pack_name(pack: str) -> str:
    return pack if pack.startswith("packs/") else f"packs/{pack}"
