from pastiche.v1 import layer_pb2 as _layer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StylizeImageRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: StylizeImageHeader
    chunk: _layer_pb2.Chunk
    def __init__(self, header: _Optional[_Union[StylizeImageHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ...) -> None: ...

class StylizeImageHeader(_message.Message):
    __slots__ = ("request_id", "layer", "styles", "strength", "preserve_colors", "stroke_size", "preview_size")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_COLORS_FIELD_NUMBER: _ClassVar[int]
    STROKE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_SIZE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    layer: _layer_pb2.LayerHeader
    styles: _containers.RepeatedCompositeFieldContainer[StyleWeight]
    strength: float
    preserve_colors: bool
    stroke_size: float
    preview_size: int
    def __init__(self, request_id: _Optional[str] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., styles: _Optional[_Iterable[_Union[StyleWeight, _Mapping]]] = ..., strength: _Optional[float] = ..., preserve_colors: _Optional[bool] = ..., stroke_size: _Optional[float] = ..., preview_size: _Optional[int] = ...) -> None: ...

class StyleWeight(_message.Message):
    __slots__ = ("style", "weight")
    STYLE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    style: str
    weight: float
    def __init__(self, style: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class StylizeImageResponse(_message.Message):
    __slots__ = ("queued", "progress", "preview", "layer", "chunk", "summary")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    queued: Queued
    progress: Progress
    preview: _layer_pb2.LayerHeader
    layer: _layer_pb2.LayerHeader
    chunk: _layer_pb2.Chunk
    summary: StylizeImageSummary
    def __init__(self, queued: _Optional[_Union[Queued, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., preview: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., summary: _Optional[_Union[StylizeImageSummary, _Mapping]] = ...) -> None: ...

class Queued(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("fraction", "stage")
    class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STAGE_UNSPECIFIED: _ClassVar[Progress.Stage]
        STAGE_LOADING: _ClassVar[Progress.Stage]
        STAGE_PREVIEW: _ClassVar[Progress.Stage]
        STAGE_STYLIZING: _ClassVar[Progress.Stage]
    STAGE_UNSPECIFIED: Progress.Stage
    STAGE_LOADING: Progress.Stage
    STAGE_PREVIEW: Progress.Stage
    STAGE_STYLIZING: Progress.Stage
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    stage: Progress.Stage
    def __init__(self, fraction: _Optional[float] = ..., stage: _Optional[_Union[Progress.Stage, str]] = ...) -> None: ...

class StylizeImageSummary(_message.Message):
    __slots__ = ("request_id", "pack", "pack_version", "queued_seconds", "compute_seconds", "notes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    PACK_VERSION_FIELD_NUMBER: _ClassVar[int]
    QUEUED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    pack: str
    pack_version: str
    queued_seconds: float
    compute_seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., pack: _Optional[str] = ..., pack_version: _Optional[str] = ..., queued_seconds: _Optional[float] = ..., compute_seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
