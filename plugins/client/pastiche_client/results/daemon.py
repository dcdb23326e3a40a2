"""The daemon itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche.v1 import daemon_pb2


@dataclass(frozen=True)
class DaemonInfo:
    """The running daemon. `device` and why it is that are empty until torch is loaded."""

    version: str
    instance_id: str
    pid: int
    start_time: float
    device: str
    device_reason: str
    torch_version: str
    python_version: str
    max_side: int
    max_pixels: int
    max_pack_bytes: int
    waiting: int
    running: int
    data_dir: str
    log_path: str
    idle_exit_seconds: float

    @staticmethod
    def of(message: daemon_pb2.DaemonInfo) -> DaemonInfo:
        return DaemonInfo(
            version=message.version,
            instance_id=message.instance_id,
            pid=message.pid,
            start_time=message.start_time.seconds + message.start_time.nanos / 1e9,
            device=message.device,
            device_reason=message.device_reason,
            torch_version=message.torch_version,
            python_version=message.python_version,
            max_side=message.limits.max_side,
            max_pixels=message.limits.max_pixels,
            max_pack_bytes=message.limits.max_pack_bytes,
            waiting=message.queue.waiting,
            running=message.queue.running,
            data_dir=message.data_dir,
            log_path=message.log_path,
            idle_exit_seconds=message.idle_exit_seconds,
        )
