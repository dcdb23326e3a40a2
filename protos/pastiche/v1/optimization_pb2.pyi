from pastiche.v1 import layer_pb2 as _layer_pb2
from pastiche.v1 import stylization_pb2 as _stylization_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Colors(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLORS_UNSPECIFIED: _ClassVar[Colors]
    COLORS_STYLE: _ClassVar[Colors]
    COLORS_LUMINANCE: _ClassVar[Colors]
    COLORS_RECOLORED: _ClassVar[Colors]

class Distance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISTANCE_UNSPECIFIED: _ClassVar[Distance]
    DISTANCE_L2: _ClassVar[Distance]
    DISTANCE_L1: _ClassVar[Distance]

class ContentNormalization(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTENT_NORMALIZATION_UNSPECIFIED: _ClassVar[ContentNormalization]
    CONTENT_NORMALIZATION_JOHNSON: _ClassVar[ContentNormalization]
    CONTENT_NORMALIZATION_GATYS: _ClassVar[ContentNormalization]
    CONTENT_NORMALIZATION_TARGET: _ClassVar[ContentNormalization]

class StopReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_REASON_UNSPECIFIED: _ClassVar[StopReason]
    STOP_REASON_STEPS: _ClassVar[StopReason]
    STOP_REASON_TIME: _ClassVar[StopReason]
    STOP_REASON_CONVERGED: _ClassVar[StopReason]
    STOP_REASON_ASKED: _ClassVar[StopReason]
COLORS_UNSPECIFIED: Colors
COLORS_STYLE: Colors
COLORS_LUMINANCE: Colors
COLORS_RECOLORED: Colors
DISTANCE_UNSPECIFIED: Distance
DISTANCE_L2: Distance
DISTANCE_L1: Distance
CONTENT_NORMALIZATION_UNSPECIFIED: ContentNormalization
CONTENT_NORMALIZATION_JOHNSON: ContentNormalization
CONTENT_NORMALIZATION_GATYS: ContentNormalization
CONTENT_NORMALIZATION_TARGET: ContentNormalization
STOP_REASON_UNSPECIFIED: StopReason
STOP_REASON_STEPS: StopReason
STOP_REASON_TIME: StopReason
STOP_REASON_CONVERGED: StopReason
STOP_REASON_ASKED: StopReason

class OptimizeImageRequest(_message.Message):
    __slots__ = ("header", "chunk", "stop")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    header: OptimizeImageHeader
    chunk: _layer_pb2.Chunk
    stop: StopAndKeep
    def __init__(self, header: _Optional[_Union[OptimizeImageHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., stop: _Optional[_Union[StopAndKeep, _Mapping]] = ...) -> None: ...

class StopAndKeep(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OptimizeImageHeader(_message.Message):
    __slots__ = ("request_id", "content", "texture", "styles", "terms", "encoder", "minimizer", "start", "size", "scales", "style_scale", "colors", "seed", "strength", "previews")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TEXTURE_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    MINIMIZER_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SCALES_FIELD_NUMBER: _ClassVar[int]
    STYLE_SCALE_FIELD_NUMBER: _ClassVar[int]
    COLORS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    content: _layer_pb2.LayerHeader
    texture: _layer_pb2.LayerHeader
    styles: _containers.RepeatedCompositeFieldContainer[StyleSource]
    terms: ObjectiveTerms
    encoder: EncoderChoice
    minimizer: Minimizer
    start: StartPicture
    size: int
    scales: int
    style_scale: float
    colors: Colors
    seed: int
    strength: float
    previews: Previews
    def __init__(self, request_id: _Optional[str] = ..., content: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., texture: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., styles: _Optional[_Iterable[_Union[StyleSource, _Mapping]]] = ..., terms: _Optional[_Union[ObjectiveTerms, _Mapping]] = ..., encoder: _Optional[_Union[EncoderChoice, _Mapping]] = ..., minimizer: _Optional[_Union[Minimizer, _Mapping]] = ..., start: _Optional[_Union[StartPicture, _Mapping]] = ..., size: _Optional[int] = ..., scales: _Optional[int] = ..., style_scale: _Optional[float] = ..., colors: _Optional[_Union[Colors, str]] = ..., seed: _Optional[int] = ..., strength: _Optional[float] = ..., previews: _Optional[_Union[Previews, _Mapping]] = ...) -> None: ...

class StyleSource(_message.Message):
    __slots__ = ("layer", "weight", "region")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    layer: _layer_pb2.LayerHeader
    weight: float
    region: Region
    def __init__(self, layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., weight: _Optional[float] = ..., region: _Optional[_Union[Region, _Mapping]] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ObjectiveTerms(_message.Message):
    __slots__ = ("content_weight", "style_weight", "tv_weight", "tv_exponent", "content_layers", "style_layers", "content_distance", "content_normalization", "statistic")
    CONTENT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    STYLE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TV_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TV_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STYLE_LAYERS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    STATISTIC_FIELD_NUMBER: _ClassVar[int]
    content_weight: float
    style_weight: float
    tv_weight: float
    tv_exponent: float
    content_layers: _containers.RepeatedCompositeFieldContainer[LayerWeight]
    style_layers: _containers.RepeatedCompositeFieldContainer[LayerWeight]
    content_distance: Distance
    content_normalization: ContentNormalization
    statistic: StyleStatistic
    def __init__(self, content_weight: _Optional[float] = ..., style_weight: _Optional[float] = ..., tv_weight: _Optional[float] = ..., tv_exponent: _Optional[float] = ..., content_layers: _Optional[_Iterable[_Union[LayerWeight, _Mapping]]] = ..., style_layers: _Optional[_Iterable[_Union[LayerWeight, _Mapping]]] = ..., content_distance: _Optional[_Union[Distance, str]] = ..., content_normalization: _Optional[_Union[ContentNormalization, str]] = ..., statistic: _Optional[_Union[StyleStatistic, _Mapping]] = ...) -> None: ...

class LayerWeight(_message.Message):
    __slots__ = ("layer", "weight")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    layer: str
    weight: float
    def __init__(self, layer: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class StyleStatistic(_message.Message):
    __slots__ = ("kind", "distance", "normalization", "constant", "bandwidth", "features")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[StyleStatistic.Kind]
        KIND_GRAM: _ClassVar[StyleStatistic.Kind]
        KIND_MMD_LINEAR: _ClassVar[StyleStatistic.Kind]
        KIND_MMD_POLYNOMIAL: _ClassVar[StyleStatistic.Kind]
        KIND_MMD_GAUSSIAN: _ClassVar[StyleStatistic.Kind]
        KIND_MOMENTS: _ClassVar[StyleStatistic.Kind]
        KIND_WASSERSTEIN: _ClassVar[StyleStatistic.Kind]
    KIND_UNSPECIFIED: StyleStatistic.Kind
    KIND_GRAM: StyleStatistic.Kind
    KIND_MMD_LINEAR: StyleStatistic.Kind
    KIND_MMD_POLYNOMIAL: StyleStatistic.Kind
    KIND_MMD_GAUSSIAN: StyleStatistic.Kind
    KIND_MOMENTS: StyleStatistic.Kind
    KIND_WASSERSTEIN: StyleStatistic.Kind
    class Normalization(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NORMALIZATION_UNSPECIFIED: _ClassVar[StyleStatistic.Normalization]
        NORMALIZATION_TARGET: _ClassVar[StyleStatistic.Normalization]
        NORMALIZATION_GATYS: _ClassVar[StyleStatistic.Normalization]
        NORMALIZATION_NONE: _ClassVar[StyleStatistic.Normalization]
    NORMALIZATION_UNSPECIFIED: StyleStatistic.Normalization
    NORMALIZATION_TARGET: StyleStatistic.Normalization
    NORMALIZATION_GATYS: StyleStatistic.Normalization
    NORMALIZATION_NONE: StyleStatistic.Normalization
    KIND_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    NORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    kind: StyleStatistic.Kind
    distance: Distance
    normalization: StyleStatistic.Normalization
    constant: float
    bandwidth: float
    features: int
    def __init__(self, kind: _Optional[_Union[StyleStatistic.Kind, str]] = ..., distance: _Optional[_Union[Distance, str]] = ..., normalization: _Optional[_Union[StyleStatistic.Normalization, str]] = ..., constant: _Optional[float] = ..., bandwidth: _Optional[float] = ..., features: _Optional[int] = ...) -> None: ...

class EncoderChoice(_message.Message):
    __slots__ = ("name", "pooling", "precision")
    class Pooling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POOLING_UNSPECIFIED: _ClassVar[EncoderChoice.Pooling]
        POOLING_MAX: _ClassVar[EncoderChoice.Pooling]
        POOLING_AVERAGE: _ClassVar[EncoderChoice.Pooling]
    POOLING_UNSPECIFIED: EncoderChoice.Pooling
    POOLING_MAX: EncoderChoice.Pooling
    POOLING_AVERAGE: EncoderChoice.Pooling
    class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PRECISION_UNSPECIFIED: _ClassVar[EncoderChoice.Precision]
        PRECISION_FLOAT32: _ClassVar[EncoderChoice.Precision]
        PRECISION_BFLOAT16: _ClassVar[EncoderChoice.Precision]
    PRECISION_UNSPECIFIED: EncoderChoice.Precision
    PRECISION_FLOAT32: EncoderChoice.Precision
    PRECISION_BFLOAT16: EncoderChoice.Precision
    NAME_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    pooling: EncoderChoice.Pooling
    precision: EncoderChoice.Precision
    def __init__(self, name: _Optional[str] = ..., pooling: _Optional[_Union[EncoderChoice.Pooling, str]] = ..., precision: _Optional[_Union[EncoderChoice.Precision, str]] = ...) -> None: ...

class Minimizer(_message.Message):
    __slots__ = ("algorithm", "learning_rate", "momentum", "steps", "max_seconds", "tolerance", "pixels", "variables")
    class Algorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ALGORITHM_UNSPECIFIED: _ClassVar[Minimizer.Algorithm]
        ALGORITHM_LBFGS: _ClassVar[Minimizer.Algorithm]
        ALGORITHM_ADAM: _ClassVar[Minimizer.Algorithm]
        ALGORITHM_SGD: _ClassVar[Minimizer.Algorithm]
    ALGORITHM_UNSPECIFIED: Minimizer.Algorithm
    ALGORITHM_LBFGS: Minimizer.Algorithm
    ALGORITHM_ADAM: Minimizer.Algorithm
    ALGORITHM_SGD: Minimizer.Algorithm
    class Pixels(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PIXELS_UNSPECIFIED: _ClassVar[Minimizer.Pixels]
        PIXELS_PROJECTED: _ClassVar[Minimizer.Pixels]
        PIXELS_FREE: _ClassVar[Minimizer.Pixels]
    PIXELS_UNSPECIFIED: Minimizer.Pixels
    PIXELS_PROJECTED: Minimizer.Pixels
    PIXELS_FREE: Minimizer.Pixels
    class Variables(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VARIABLES_UNSPECIFIED: _ClassVar[Minimizer.Variables]
        VARIABLES_PIXELS: _ClassVar[Minimizer.Variables]
        VARIABLES_PYRAMID: _ClassVar[Minimizer.Variables]
    VARIABLES_UNSPECIFIED: Minimizer.Variables
    VARIABLES_PIXELS: Minimizer.Variables
    VARIABLES_PYRAMID: Minimizer.Variables
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MAX_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    algorithm: Minimizer.Algorithm
    learning_rate: float
    momentum: float
    steps: int
    max_seconds: float
    tolerance: float
    pixels: Minimizer.Pixels
    variables: Minimizer.Variables
    def __init__(self, algorithm: _Optional[_Union[Minimizer.Algorithm, str]] = ..., learning_rate: _Optional[float] = ..., momentum: _Optional[float] = ..., steps: _Optional[int] = ..., max_seconds: _Optional[float] = ..., tolerance: _Optional[float] = ..., pixels: _Optional[_Union[Minimizer.Pixels, str]] = ..., variables: _Optional[_Union[Minimizer.Variables, str]] = ...) -> None: ...

class StartPicture(_message.Message):
    __slots__ = ("kind", "layer", "styles")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[StartPicture.Kind]
        KIND_CONTENT: _ClassVar[StartPicture.Kind]
        KIND_STYLE: _ClassVar[StartPicture.Kind]
        KIND_NOISE: _ClassVar[StartPicture.Kind]
        KIND_LAYER: _ClassVar[StartPicture.Kind]
        KIND_PACK: _ClassVar[StartPicture.Kind]
    KIND_UNSPECIFIED: StartPicture.Kind
    KIND_CONTENT: StartPicture.Kind
    KIND_STYLE: StartPicture.Kind
    KIND_NOISE: StartPicture.Kind
    KIND_LAYER: StartPicture.Kind
    KIND_PACK: StartPicture.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    kind: StartPicture.Kind
    layer: _layer_pb2.LayerHeader
    styles: _containers.RepeatedCompositeFieldContainer[_stylization_pb2.StyleWeight]
    def __init__(self, kind: _Optional[_Union[StartPicture.Kind, str]] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., styles: _Optional[_Iterable[_Union[_stylization_pb2.StyleWeight, _Mapping]]] = ...) -> None: ...

class Previews(_message.Message):
    __slots__ = ("size", "interval_seconds")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    size: int
    interval_seconds: float
    def __init__(self, size: _Optional[int] = ..., interval_seconds: _Optional[float] = ...) -> None: ...

class OptimizeImageResponse(_message.Message):
    __slots__ = ("queued", "progress", "preview", "layer", "chunk", "summary")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    queued: _stylization_pb2.Queued
    progress: OptimizeProgress
    preview: _layer_pb2.LayerHeader
    layer: _layer_pb2.LayerHeader
    chunk: _layer_pb2.Chunk
    summary: OptimizeImageSummary
    def __init__(self, queued: _Optional[_Union[_stylization_pb2.Queued, _Mapping]] = ..., progress: _Optional[_Union[OptimizeProgress, _Mapping]] = ..., preview: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., layer: _Optional[_Union[_layer_pb2.LayerHeader, _Mapping]] = ..., chunk: _Optional[_Union[_layer_pb2.Chunk, _Mapping]] = ..., summary: _Optional[_Union[OptimizeImageSummary, _Mapping]] = ...) -> None: ...

class WeightedLosses(_message.Message):
    __slots__ = ("total", "content", "style", "tv")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    TV_FIELD_NUMBER: _ClassVar[int]
    total: float
    content: float
    style: float
    tv: float
    def __init__(self, total: _Optional[float] = ..., content: _Optional[float] = ..., style: _Optional[float] = ..., tv: _Optional[float] = ...) -> None: ...

class OptimizeProgress(_message.Message):
    __slots__ = ("step", "steps", "scale", "scales", "losses", "seconds")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SCALES_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    step: int
    steps: int
    scale: int
    scales: int
    losses: WeightedLosses
    seconds: float
    def __init__(self, step: _Optional[int] = ..., steps: _Optional[int] = ..., scale: _Optional[int] = ..., scales: _Optional[int] = ..., losses: _Optional[_Union[WeightedLosses, _Mapping]] = ..., seconds: _Optional[float] = ...) -> None: ...

class OptimizeImageSummary(_message.Message):
    __slots__ = ("request_id", "encoder", "encoder_sha256", "width", "height", "steps", "reason", "losses", "queued_seconds", "compute_seconds", "notes")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    ENCODER_SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    QUEUED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    encoder: str
    encoder_sha256: str
    width: int
    height: int
    steps: int
    reason: StopReason
    losses: WeightedLosses
    queued_seconds: float
    compute_seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., encoder: _Optional[str] = ..., encoder_sha256: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., steps: _Optional[int] = ..., reason: _Optional[_Union[StopReason, str]] = ..., losses: _Optional[_Union[WeightedLosses, _Mapping]] = ..., queued_seconds: _Optional[float] = ..., compute_seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
