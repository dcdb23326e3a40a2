"""The device that runs the networks, and the networks that are loaded on it."""

from __future__ import annotations

import importlib
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pastiche_daemon.memory import is_out_of_memory, release_freed_memory
from pastiche_daemon.settings import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from pastiche_daemon.encoder_store import EncoderFile, NetworkFile
    from pastiche_daemon.encoders import LoadedEncoder
    from pastiche_daemon.nn.encoder import Encoder, Pooling
    from pastiche_daemon.nn.inception import FeatureNetwork
    from pastiche_daemon.nn.runtime import Runtime
    from pastiche_daemon.nn.runtime_switches import Precision
    from pastiche_daemon.nn.transformer import TransformerNetwork
    from pastiche_daemon.nn.upscaler import UpscalerNetwork
    from pastiche_daemon.packs.archive import Pack

_log = logging.getLogger(__name__)

N = TypeVar("N", bound="nn.Module")
T = TypeVar("T")

_LOADED_NETWORKS = 3
_LOADED_ENCODERS = 2


@dataclass(frozen=True)
class DeviceInfo:
    """What runs the networks, such as `cpu (bfloat16, 2 threads)`, why, and torch's version."""

    device: str
    reason: str
    torch_version: str


@dataclass(frozen=True)
class _FileStamp:
    """Tells a pack file from another one that took its place."""

    path: Path
    modified_ns: int
    size: int

    @staticmethod
    def of(path: Path) -> _FileStamp:
        status = path.stat()
        return _FileStamp(path, status.st_mtime_ns, status.st_size)


@dataclass(frozen=True)
class _NetworkKey:
    stamp: _FileStamp
    runtime: Runtime


@dataclass(frozen=True)
class _EncoderKey:
    stamp: _FileStamp
    pooling: Pooling | None
    precision: Precision
    runtime: Runtime


class Engine:
    """Loads networks and keeps the last used ones. All but `info` is for one thread only.

    They run on the best runtime that the settings allow, and where that fails on the next.
    """

    def __init__(self, threads: int | None = None, settings: RuntimeSettings | None = None) -> None:
        """`threads` that one operation on the CPU may use; None for torch's choice."""
        self._threads = threads
        self._settings = settings or RuntimeSettings()
        self._info: DeviceInfo | None = None
        self._runtimes: tuple[Runtime, ...] = ()
        self._networks: OrderedDict[_NetworkKey, TransformerNetwork] = OrderedDict()
        self._upscalers: OrderedDict[_NetworkKey, UpscalerNetwork] = OrderedDict()
        self._encoders: OrderedDict[_EncoderKey, LoadedEncoder[FeatureNetwork]] = OrderedDict()

    @property
    def info(self) -> DeviceInfo | None:
        """None until `prepare` is done."""
        return self._info

    @property
    def runtime(self) -> Runtime:
        """What networks run on now."""
        return self._choose()[0]

    def _choose(self) -> tuple[Runtime, ...]:
        """What networks can run on, chosen at the first call."""
        from pastiche_daemon.nn.runtime import choose_runtimes

        if not self._runtimes:
            self._runtimes = choose_runtimes(self._settings.device, self._settings.precision)
        return self._runtimes

    def prepare(self) -> None:
        """Load torch, which takes seconds, choose the runtime, and try it on a small network."""
        import torch

        importlib.import_module("pastiche_daemon.stylize")  # what a job needs is loaded then
        from pastiche_daemon.nn.runtime import keep_freed_memory, warm_up

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        if self.runtime.device.type == "cuda":
            # By default cuDNN rounds float32 to 10 bits, which is not the picture of the CPU.
            torch.backends.cudnn.allow_tf32 = False
        keep_freed_memory()
        if self._settings.problem:
            _log.warning("%s", self._settings.problem)
        self.attempt(lambda: warm_up(self.runtime))
        self._describe()

    def attempt(self, work: Callable[[], T]) -> tuple[T, tuple[str, ...]]:
        """Run `work`, which uses this engine's networks, and again on the next runtime where the
        first one fails. Returns notes that tell the user so.

        A runtime that failed where the next one did not is used no longer, but one that ran out of
        memory is. What `work` raises on the last one, on the CPU for want of memory, or of another
        type than torch's RuntimeError, is raised.
        """
        usual, out_of_memory = self._choose(), False
        notes: list[str] = []
        try:
            while True:
                try:
                    done = work()
                except RuntimeError as error:
                    out_of_memory = is_out_of_memory(error)
                    on_cpu = self.runtime.device.type == "cpu"
                    if len(self._runtimes) == 1 or (out_of_memory and on_cpu):
                        raise
                    _log.warning("networks failed on %s", self.runtime.name, exc_info=error)
                else:
                    if not out_of_memory:
                        usual = self._runtimes
                    return done, tuple(notes)
                # Behind the block, whose error holds the failed work's tensors.
                if out_of_memory:
                    self.release_unused()
                notes.append(self._fall_back("ran out of memory" if out_of_memory else "failed"))
        finally:
            if self._runtimes is not usual:
                self._runtimes = usual
                self._describe()

    def _fall_back(self, failure: str) -> str:
        """Go on with the next runtime. Returns a note for the user."""
        failed, following, *others = self._runtimes
        reason = f"{failed.name} {failure}, as the log says; {following.reason}"
        self._runtimes = (replace(following, reason=reason), *others)
        self._describe()
        return (
            f"{failed.name} {failure}, as the daemon's log says; {following.name} did the work "
            "instead, which may have taken longer"
        )

    def _describe(self) -> None:
        import torch

        runtime = self.runtime
        details: str = runtime.precision
        if runtime.device.type == "cpu":
            count = torch.get_num_threads()
            details += f", {count} {'thread' if count == 1 else 'threads'}"
        elif runtime.device.type == "cuda":
            details += f", {torch.cuda.get_device_name(runtime.device)}"
        reason = runtime.reason
        if self._settings.problem:
            reason = f"{reason} ({self._settings.problem})"
        info = DeviceInfo(f"{runtime.device.type} ({details})", reason, torch.__version__)
        if info != self._info:
            self._info = info
            _log.info(
                "networks run on %s with torch %s: %s", info.device, info.torch_version, reason
            )

    def release_unused(self) -> None:
        """Give memory that no network needs now back, to the system and to the GPU."""
        import torch

        release_freed_memory()
        if self.runtime.device.type == "cuda":
            torch.cuda.empty_cache()

    def network(self, pack: Pack) -> TransformerNetwork:
        """The pack's network, ready to run.

        Raises:
            PackError: the file was damaged since it was listed, or is gone.
        """
        from pastiche_daemon.packs.network import load_network

        return self._kept(self._networks, pack, load_network)

    def upscaler(self, pack: Pack) -> UpscalerNetwork:
        """As `network`, for a pack that upscales."""
        from pastiche_daemon.packs.network import load_upscaler

        return self._kept(self._upscalers, pack, load_upscaler)

    def _kept(
        self, networks: OrderedDict[_NetworkKey, N], pack: Pack, load: Callable[[Pack], N]
    ) -> N:
        """The pack's network, loaded unless it is among the last used ones."""
        from pastiche_daemon.nn.runtime import prepare_for_inference

        runtime = self.runtime
        with pack.open():
            key = _NetworkKey(_FileStamp.of(pack.path), runtime)
        network = networks.pop(key, None)
        if network is None:
            network = prepare_for_inference(load(pack), runtime.device, runtime.precision)
        networks[key] = network
        while len(networks) > _LOADED_NETWORKS:
            networks.popitem(last=False)
        return network

    def encoder(
        self, file: EncoderFile, pooling: Pooling | None, precision: Precision | None
    ) -> LoadedEncoder[Encoder]:
        """The VGG network, ready to run on the device.

        `pooling` is the encoder's own by default, `precision` that of the runtime.

        Raises:
            EncoderFileError: the file was damaged since it was found.
            OSError: the file is gone.
        """
        return cast("LoadedEncoder[Encoder]", self.feature_network(file, pooling, precision))

    def feature_network(
        self, file: NetworkFile, pooling: Pooling | None, precision: Precision | None
    ) -> LoadedEncoder[FeatureNetwork]:
        """As `encoder`, the Inception networks included."""
        from pastiche_daemon.encoders import load_network
        from pastiche_daemon.nn.runtime import in_precision

        runtime = self.runtime
        stamp = _FileStamp.of(file.path)
        key = _EncoderKey(stamp, pooling, precision or runtime.precision, runtime)
        loaded = self._encoders.pop(key, None)
        if loaded is None:
            loaded = load_network(file.name, file.path, pooling=pooling)
            in_precision(loaded.encoder.to(runtime.device), key.precision)
        self._encoders[key] = loaded
        while len(self._encoders) > _LOADED_ENCODERS:
            self._encoders.popitem(last=False)
        return loaded

    def free_bytes(self) -> int | None:
        """What is free of the device's own memory; None where it works in the computer's."""
        import torch

        if self.runtime.device.type != "cuda":
            return None
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0]
