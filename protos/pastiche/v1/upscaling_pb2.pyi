from pastiche.v1 import layer_pb2 as _layer_pb2
from pastiche.v1 import stylization_pb2 as _stylization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpscaleImageRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: UpscaleImageHeader
    chunk: _layer_pb2.Chunk
    def __init__(self, header: _Optional[_Union[UpscaleImageHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ...) -> None: ...

class UpscaleImageHeader(_message.Message):
    __slots__ = ("request_id", "layer", "pack", "factor", "match_histogram")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    MATCH_HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    layer: _layer_pb2.LayerHeader
    pack: str
    factor: int
    match_histogram: bool
    def __init__(self, request_id: _Optional[str] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., pack: _Optional[str] = ..., factor: _Optional[int] = ..., match_histogram: _Optional[bool] = ...) -> None: ...

class UpscaleImageResponse(_message.Message):
    __slots__ = ("queued", "progress", "layer", "chunk", "summary")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    queued: _stylization_pb2.Queued
    progress: UpscaleProgress
    layer: _layer_pb2.LayerHeader
    chunk: _layer_pb2.Chunk
    summary: UpscaleImageSummary
    def __init__(self, queued: _Optional[_Union[_stylization_pb2.Queued, _Mapping]] = ..., progress: _Optional[_Union[UpscaleProgress, _Mapping]] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., summary: _Optional[_Union[UpscaleImageSummary, _Mapping]] = ...) -> None: ...

class UpscaleProgress(_message.Message):
    __slots__ = ("fraction", "stage")
    class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STAGE_UNSPECIFIED: _ClassVar[UpscaleProgress.Stage]
        STAGE_LOADING: _ClassVar[UpscaleProgress.Stage]
        STAGE_UPSCALING: _ClassVar[UpscaleProgress.Stage]
    STAGE_UNSPECIFIED: UpscaleProgress.Stage
    STAGE_LOADING: UpscaleProgress.Stage
    STAGE_UPSCALING: UpscaleProgress.Stage
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    stage: UpscaleProgress.Stage
    def __init__(self, fraction: _Optional[float] = ..., stage: _Optional[_Union[UpscaleProgress.Stage, str]] = ...) -> None: ...

class UpscaleImageSummary(_message.Message):
    __slots__ = ("request_id", "pack", "pack_version", "factor", "queued_seconds", "compute_seconds", "notes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    PACK_VERSION_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    QUEUED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    pack: str
    pack_version: str
    factor: int
    queued_seconds: float
    compute_seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., pack: _Optional[str] = ..., pack_version: _Optional[str] = ..., factor: _Optional[int] = ..., queued_seconds: _Optional[float] = ..., compute_seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
