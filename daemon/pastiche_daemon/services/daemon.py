"""DaemonService."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from pastiche.v1 import daemon_pb2
from pastiche_daemon import __version__
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import DeviceQueue
from pastiche_daemon.services.calls import Call, answers


@dataclass(frozen=True)
class DaemonService:
    """Tells about the daemon and stops it. `start_time` is in seconds since the epoch."""

    instance_id: str
    start_time: float
    limits: daemon_pb2.Limits
    engine: Engine
    queue: DeviceQueue
    data_dir: str
    log_path: str
    idle_exit_seconds: float
    stop: Callable[[], None]

    @answers
    async def GetDaemonInfo(  # noqa: N802
        self,
        request: daemon_pb2.GetDaemonInfoRequest,  # noqa: ARG002
        _: Call,
    ) -> daemon_pb2.DaemonInfo:
        waiting, running = self.queue.counts()
        device = self.engine.info
        start_time = Timestamp()
        start_time.FromMilliseconds(round(self.start_time * 1000))
        return daemon_pb2.DaemonInfo(
            version=__version__,
            instance_id=self.instance_id,
            pid=os.getpid(),
            start_time=start_time,
            device=device.device if device else "",
            device_reason=device.reason if device else "",
            torch_version=device.torch_version if device else "",
            python_version=platform.python_version(),
            limits=self.limits,
            queue=daemon_pb2.QueueStatus(waiting=waiting, running=running),
            data_dir=self.data_dir,
            log_path=self.log_path,
            idle_exit_seconds=self.idle_exit_seconds,
        )

    @answers
    async def StopDaemon(self, request: daemon_pb2.StopDaemonRequest, _: Call) -> Empty:  # noqa: N802, ARG002
        self.stop()
        return Empty()
