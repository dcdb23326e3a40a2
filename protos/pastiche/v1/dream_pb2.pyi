from pastiche.v1 import layer_pb2 as _layer_pb2
from pastiche.v1 import optimization_pb2 as _optimization_pb2
from pastiche.v1 import stylization_pb2 as _stylization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DreamImageRequest(_message.Message):
    __slots__ = ("header", "chunk", "stop")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    header: DreamImageHeader
    chunk: _layer_pb2.Chunk
    stop: _optimization_pb2.StopAndKeep
    def __init__(self, header: _Optional[_Union[DreamImageHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., stop: _Optional[_Union[_optimization_pb2.StopAndKeep, _Mapping]] = ...) -> None: ...

class DreamImageHeader(_message.Message):
    __slots__ = ("request_id", "layer", "guide", "encoder", "layers", "octaves", "octave_scale", "steps", "step_size", "normalization", "smoothing", "jitter", "tile", "size", "seed", "strength", "previews")
    class Normalization(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NORMALIZATION_UNSPECIFIED: _ClassVar[DreamImageHeader.Normalization]
        NORMALIZATION_MEAN: _ClassVar[DreamImageHeader.Normalization]
        NORMALIZATION_RMS: _ClassVar[DreamImageHeader.Normalization]
        NORMALIZATION_NONE: _ClassVar[DreamImageHeader.Normalization]
    NORMALIZATION_UNSPECIFIED: DreamImageHeader.Normalization
    NORMALIZATION_MEAN: DreamImageHeader.Normalization
    NORMALIZATION_RMS: DreamImageHeader.Normalization
    NORMALIZATION_NONE: DreamImageHeader.Normalization
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    GUIDE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    OCTAVES_FIELD_NUMBER: _ClassVar[int]
    OCTAVE_SCALE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEP_SIZE_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    layer: _layer_pb2.LayerHeader
    guide: _layer_pb2.LayerHeader
    encoder: _optimization_pb2.EncoderChoice
    layers: _containers.RepeatedCompositeFieldContainer[_optimization_pb2.LayerWeight]
    octaves: int
    octave_scale: float
    steps: int
    step_size: float
    normalization: DreamImageHeader.Normalization
    smoothing: Smoothing
    jitter: int
    tile: int
    size: int
    seed: int
    strength: float
    previews: _optimization_pb2.Previews
    def __init__(self, request_id: _Optional[str] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., guide: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., encoder: _Optional[_Union[_optimization_pb2.EncoderChoice, _Mapping]] = ..., layers: _Optional[_Iterable[_Union[_optimization_pb2.LayerWeight, _Mapping]]] = ..., octaves: _Optional[int] = ..., octave_scale: _Optional[float] = ..., steps: _Optional[int] = ..., step_size: _Optional[float] = ..., normalization: _Optional[_Union[DreamImageHeader.Normalization, str]] = ..., smoothing: _Optional[_Union[Smoothing, _Mapping]] = ..., jitter: _Optional[int] = ..., tile: _Optional[int] = ..., size: _Optional[int] = ..., seed: _Optional[int] = ..., strength: _Optional[float] = ..., previews: _Optional[_Union[_optimization_pb2.Previews, _Mapping]] = ...) -> None: ...

class Smoothing(_message.Message):
    __slots__ = ("kind", "sigma", "levels")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Smoothing.Kind]
        KIND_NONE: _ClassVar[Smoothing.Kind]
        KIND_GAUSSIAN: _ClassVar[Smoothing.Kind]
        KIND_LAPLACIAN: _ClassVar[Smoothing.Kind]
    KIND_UNSPECIFIED: Smoothing.Kind
    KIND_NONE: Smoothing.Kind
    KIND_GAUSSIAN: Smoothing.Kind
    KIND_LAPLACIAN: Smoothing.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIGMA_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    kind: Smoothing.Kind
    sigma: float
    levels: int
    def __init__(self, kind: _Optional[_Union[Smoothing.Kind, str]] = ..., sigma: _Optional[float] = ..., levels: _Optional[int] = ...) -> None: ...

class DreamImageResponse(_message.Message):
    __slots__ = ("queued", "progress", "preview", "layer", "chunk", "summary")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    queued: _stylization_pb2.Queued
    progress: DreamProgress
    preview: _layer_pb2.LayerHeader
    layer: _layer_pb2.LayerHeader
    chunk: _layer_pb2.Chunk
    summary: DreamImageSummary
    def __init__(self, queued: _Optional[_Union[_stylization_pb2.Queued, _Mapping]] = ..., progress: _Optional[_Union[DreamProgress, _Mapping]] = ..., preview: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., summary: _Optional[_Union[DreamImageSummary, _Mapping]] = ...) -> None: ...

class DreamProgress(_message.Message):
    __slots__ = ("step", "steps", "octave", "octaves", "activation", "seconds")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    OCTAVE_FIELD_NUMBER: _ClassVar[int]
    OCTAVES_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    step: int
    steps: int
    octave: int
    octaves: int
    activation: float
    seconds: float
    def __init__(self, step: _Optional[int] = ..., steps: _Optional[int] = ..., octave: _Optional[int] = ..., octaves: _Optional[int] = ..., activation: _Optional[float] = ..., seconds: _Optional[float] = ...) -> None: ...

class DreamImageSummary(_message.Message):
    __slots__ = ("request_id", "encoder", "encoder_sha256", "layers", "width", "height", "steps", "octaves", "activation", "stopped", "queued_seconds", "compute_seconds", "notes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    ENCODER_SHA256_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    OCTAVES_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    encoder: str
    encoder_sha256: str
    layers: _containers.RepeatedCompositeFieldContainer[_optimization_pb2.LayerWeight]
    width: int
    height: int
    steps: int
    octaves: int
    activation: float
    stopped: bool
    queued_seconds: float
    compute_seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., encoder: _Optional[str] = ..., encoder_sha256: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[_optimization_pb2.LayerWeight, _Mapping]]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., steps: _Optional[int] = ..., octaves: _Optional[int] = ..., activation: _Optional[float] = ..., stopped: _Optional[bool] = ..., queued_seconds: _Optional[float] = ..., compute_seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
