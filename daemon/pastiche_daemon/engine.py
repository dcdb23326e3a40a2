"""The device that runs the networks, and the networks that are loaded on it."""

from __future__ import annotations

import importlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pastiche_daemon.memory import release_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_daemon.encoder_store import EncoderFile, NetworkFile
    from pastiche_daemon.encoders import LoadedEncoder
    from pastiche_daemon.nn.encoder import Encoder, Pooling
    from pastiche_daemon.nn.inception import FeatureNetwork
    from pastiche_daemon.nn.runtime import Precision
    from pastiche_daemon.nn.transformer import TransformerNetwork
    from pastiche_daemon.nn.upscaler import UpscalerNetwork
    from pastiche_daemon.packs.archive import Pack

_log = logging.getLogger(__name__)

N = TypeVar("N")

_LOADED_NETWORKS = 3
_LOADED_ENCODERS = 2


@dataclass(frozen=True)
class DeviceInfo:
    """What runs the networks, such as `cpu (bfloat16, 2 threads)`, and torch's version."""

    device: str
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
class _EncoderKey:
    stamp: _FileStamp
    pooling: Pooling | None
    precision: Precision


class Engine:
    """Loads networks and keeps the last used ones. All but `info` is for one thread only."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads` that one operation on the CPU may use; None for torch's choice."""
        self._threads = threads
        self._info: DeviceInfo | None = None
        self._networks: OrderedDict[_FileStamp, TransformerNetwork] = OrderedDict()
        self._upscalers: OrderedDict[_FileStamp, UpscalerNetwork] = OrderedDict()
        self._encoders: OrderedDict[_EncoderKey, LoadedEncoder[FeatureNetwork]] = OrderedDict()

    @property
    def info(self) -> DeviceInfo | None:
        """None until `prepare` is done."""
        return self._info

    def prepare(self) -> None:
        """Load torch, which takes seconds, and choose the device."""
        import torch

        importlib.import_module("pastiche_daemon.stylize")  # what a job needs is loaded then
        from pastiche_daemon.nn.runtime import default_device, fast_precision, keep_freed_memory

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        keep_freed_memory()
        device = default_device()
        details = fast_precision(device)
        if device.type == "cpu":
            count = torch.get_num_threads()
            details += f", {count} {'thread' if count == 1 else 'threads'}"
        elif device.type == "cuda":
            details += f", {torch.cuda.get_device_name(device)}"
        self._info = DeviceInfo(f"{device.type} ({details})", torch.__version__)
        _log.info("networks run on %s with torch %s", self._info.device, torch.__version__)

    def release_unused(self) -> None:
        """Give memory that no network needs now back, to the system and to the GPU."""
        import torch

        release_freed_memory()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def network(self, pack: Pack) -> TransformerNetwork:
        """The pack's network, ready to run.

        Raises:
            PackError: the file was damaged since it was listed, or is gone.
        """
        from pastiche_daemon.nn.runtime import default_device, prepare_for_inference
        from pastiche_daemon.packs.network import load_network

        return _kept(
            self._networks,
            pack,
            lambda: prepare_for_inference(load_network(pack), default_device()),
        )

    def upscaler(self, pack: Pack) -> UpscalerNetwork:
        """As `network`, for a pack that upscales."""
        from pastiche_daemon.nn.runtime import default_device, prepare_for_inference
        from pastiche_daemon.packs.network import load_upscaler

        return _kept(
            self._upscalers,
            pack,
            lambda: prepare_for_inference(load_upscaler(pack), default_device()),
        )

    def encoder(
        self, file: EncoderFile, pooling: Pooling | None, precision: Precision | None
    ) -> LoadedEncoder[Encoder]:
        """The VGG network, ready to run on the device.

        `pooling` is the encoder's own by default, `precision` that of `runtime.fast_precision`.

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
        from pastiche_daemon.nn.runtime import default_device, in_precision
        from pastiche_daemon.nn.runtime import fast_precision as fast

        device = default_device()
        key = _EncoderKey(_FileStamp.of(file.path), pooling, precision or fast(device))
        loaded = self._encoders.pop(key, None)
        if loaded is None:
            loaded = load_network(file.name, file.path, pooling=pooling)
            in_precision(loaded.encoder.to(device), key.precision)
        self._encoders[key] = loaded
        while len(self._encoders) > _LOADED_ENCODERS:
            self._encoders.popitem(last=False)
        return loaded

    def free_bytes(self) -> int | None:
        """What is free of the device's own memory; None where it works in the computer's."""
        import torch

        if not torch.cuda.is_available():
            return None
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0]


def _kept(networks: OrderedDict[_FileStamp, N], pack: Pack, load: Callable[[], N]) -> N:
    """The pack's network, loaded unless it is among the last used ones."""
    with pack.open():
        stamp = _FileStamp.of(pack.path)
    network = networks.pop(stamp, None)
    if network is None:
        network = load()
    networks[stamp] = network
    while len(networks) > _LOADED_NETWORKS:
        networks.popitem(last=False)
    return network
