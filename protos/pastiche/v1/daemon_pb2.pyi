import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetDaemonInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopDaemonRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DaemonInfo(_message.Message):
    __slots__ = ("version", "instance_id", "pid", "start_time", "device", "torch_version", "python_version", "limits", "queue", "data_dir", "log_path", "idle_exit_seconds", "device_reason")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    TORCH_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    DATA_DIR_FIELD_NUMBER: _ClassVar[int]
    LOG_PATH_FIELD_NUMBER: _ClassVar[int]
    IDLE_EXIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_REASON_FIELD_NUMBER: _ClassVar[int]
    version: str
    instance_id: str
    pid: int
    start_time: _timestamp_pb2.Timestamp
    device: str
    torch_version: str
    python_version: str
    limits: Limits
    queue: QueueStatus
    data_dir: str
    log_path: str
    idle_exit_seconds: float
    device_reason: str
    def __init__(self, version: _Optional[str] = ..., instance_id: _Optional[str] = ..., pid: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., device: _Optional[str] = ..., torch_version: _Optional[str] = ..., python_version: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., queue: _Optional[_Union[QueueStatus, _Mapping]] = ..., data_dir: _Optional[str] = ..., log_path: _Optional[str] = ..., idle_exit_seconds: _Optional[float] = ..., device_reason: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_side", "max_pixels", "max_chunk_bytes", "max_queued", "max_pack_bytes")
    MAX_SIDE_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_QUEUED_FIELD_NUMBER: _ClassVar[int]
    MAX_PACK_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_side: int
    max_pixels: int
    max_chunk_bytes: int
    max_queued: int
    max_pack_bytes: int
    def __init__(self, max_side: _Optional[int] = ..., max_pixels: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., max_queued: _Optional[int] = ..., max_pack_bytes: _Optional[int] = ...) -> None: ...

class QueueStatus(_message.Message):
    __slots__ = ("waiting", "running")
    WAITING_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    waiting: int
    running: int
    def __init__(self, waiting: _Optional[int] = ..., running: _Optional[int] = ...) -> None: ...
