from google.longrunning import operations_pb2 as _operations_pb2
from pastiche.v1 import layer_pb2 as _layer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LearnStyleRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: LearnStyleHeader
    chunk: _layer_pb2.Chunk
    def __init__(self, header: _Optional[_Union[LearnStyleHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ...) -> None: ...

class LearnStyleHeader(_message.Message):
    __slots__ = ("request_id", "display_name", "pack_id", "replace", "style", "photographs", "base_pack", "minutes", "steps", "style_size", "content_weight", "style_weight", "tv_weight", "also_convolutions", "seed", "artist", "license", "attribution", "crop_size")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PACK_ID_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    PHOTOGRAPHS_FIELD_NUMBER: _ClassVar[int]
    BASE_PACK_FIELD_NUMBER: _ClassVar[int]
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STYLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    STYLE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TV_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ALSO_CONVOLUTIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    display_name: str
    pack_id: str
    replace: bool
    style: _layer_pb2.LayerHeader
    photographs: _containers.RepeatedCompositeFieldContainer[_layer_pb2.LayerHeader]
    base_pack: str
    minutes: float
    steps: int
    style_size: int
    content_weight: float
    style_weight: float
    tv_weight: float
    also_convolutions: bool
    seed: int
    artist: str
    license: str
    attribution: str
    crop_size: int
    def __init__(self, request_id: _Optional[str] = ..., display_name: _Optional[str] = ..., pack_id: _Optional[str] = ..., replace: _Optional[bool] = ..., style: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., photographs: _Optional[_Iterable[_Union[_layer_pb2.LayerHeader, _Mapping]]] = ..., base_pack: _Optional[str] = ..., minutes: _Optional[float] = ..., steps: _Optional[int] = ..., style_size: _Optional[int] = ..., content_weight: _Optional[float] = ..., style_weight: _Optional[float] = ..., tv_weight: _Optional[float] = ..., also_convolutions: _Optional[bool] = ..., seed: _Optional[int] = ..., artist: _Optional[str] = ..., license: _Optional[str] = ..., attribution: _Optional[str] = ..., crop_size: _Optional[int] = ...) -> None: ...

class LearnStyleMetadata(_message.Message):
    __slots__ = ("request_id", "display_name", "pack", "state", "step", "steps", "seconds", "seconds_left", "losses", "sample", "sample_media_type", "sample_step", "base_pack", "start_style", "create_time", "notes")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[LearnStyleMetadata.State]
        STATE_QUEUED: _ClassVar[LearnStyleMetadata.State]
        STATE_PREPARING: _ClassVar[LearnStyleMetadata.State]
        STATE_RUNNING: _ClassVar[LearnStyleMetadata.State]
        STATE_INSTALLING: _ClassVar[LearnStyleMetadata.State]
        STATE_DONE: _ClassVar[LearnStyleMetadata.State]
        STATE_FAILED: _ClassVar[LearnStyleMetadata.State]
        STATE_CANCELLED: _ClassVar[LearnStyleMetadata.State]
    STATE_UNSPECIFIED: LearnStyleMetadata.State
    STATE_QUEUED: LearnStyleMetadata.State
    STATE_PREPARING: LearnStyleMetadata.State
    STATE_RUNNING: LearnStyleMetadata.State
    STATE_INSTALLING: LearnStyleMetadata.State
    STATE_DONE: LearnStyleMetadata.State
    STATE_FAILED: LearnStyleMetadata.State
    STATE_CANCELLED: LearnStyleMetadata.State
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_STEP_FIELD_NUMBER: _ClassVar[int]
    BASE_PACK_FIELD_NUMBER: _ClassVar[int]
    START_STYLE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    display_name: str
    pack: str
    state: LearnStyleMetadata.State
    step: int
    steps: int
    seconds: float
    seconds_left: float
    losses: TrainingLosses
    sample: bytes
    sample_media_type: str
    sample_step: int
    base_pack: str
    start_style: str
    create_time: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., display_name: _Optional[str] = ..., pack: _Optional[str] = ..., state: _Optional[_Union[LearnStyleMetadata.State, str]] = ..., step: _Optional[int] = ..., steps: _Optional[int] = ..., seconds: _Optional[float] = ..., seconds_left: _Optional[float] = ..., losses: _Optional[_Union[TrainingLosses, _Mapping]] = ..., sample: _Optional[bytes] = ..., sample_media_type: _Optional[str] = ..., sample_step: _Optional[int] = ..., base_pack: _Optional[str] = ..., start_style: _Optional[str] = ..., create_time: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class TrainingLosses(_message.Message):
    __slots__ = ("total", "content", "style", "tv", "grid")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    TV_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    total: float
    content: float
    style: float
    tv: float
    grid: float
    def __init__(self, total: _Optional[float] = ..., content: _Optional[float] = ..., style: _Optional[float] = ..., tv: _Optional[float] = ..., grid: _Optional[float] = ...) -> None: ...

class LearnStyleResponse(_message.Message):
    __slots__ = ("style", "pack", "steps", "seconds", "notes")
    STYLE_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    style: str
    pack: str
    steps: int
    seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, style: _Optional[str] = ..., pack: _Optional[str] = ..., steps: _Optional[int] = ..., seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class FinishTrainingRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeTrainingRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...
