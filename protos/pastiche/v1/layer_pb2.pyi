from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PixelFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_FORMAT_UNSPECIFIED: _ClassVar[PixelFormat]
    PIXEL_FORMAT_GREY: _ClassVar[PixelFormat]
    PIXEL_FORMAT_GREYA: _ClassVar[PixelFormat]
    PIXEL_FORMAT_RGB: _ClassVar[PixelFormat]
    PIXEL_FORMAT_RGBA: _ClassVar[PixelFormat]
    PIXEL_FORMAT_BGRA: _ClassVar[PixelFormat]

class SampleType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SAMPLE_TYPE_UNSPECIFIED: _ClassVar[SampleType]
    SAMPLE_TYPE_U8: _ClassVar[SampleType]
    SAMPLE_TYPE_U16: _ClassVar[SampleType]
    SAMPLE_TYPE_F32: _ClassVar[SampleType]

class Plane(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLANE_UNSPECIFIED: _ClassVar[Plane]
    PLANE_LAYER: _ClassVar[Plane]
    PLANE_MASK: _ClassVar[Plane]
    PLANE_PREVIEW: _ClassVar[Plane]
    PLANE_REGION: _ClassVar[Plane]
PIXEL_FORMAT_UNSPECIFIED: PixelFormat
PIXEL_FORMAT_GREY: PixelFormat
PIXEL_FORMAT_GREYA: PixelFormat
PIXEL_FORMAT_RGB: PixelFormat
PIXEL_FORMAT_RGBA: PixelFormat
PIXEL_FORMAT_BGRA: PixelFormat
SAMPLE_TYPE_UNSPECIFIED: SampleType
SAMPLE_TYPE_U8: SampleType
SAMPLE_TYPE_U16: SampleType
SAMPLE_TYPE_F32: SampleType
PLANE_UNSPECIFIED: Plane
PLANE_LAYER: Plane
PLANE_MASK: Plane
PLANE_PREVIEW: Plane
PLANE_REGION: Plane

class LayerHeader(_message.Message):
    __slots__ = ("width", "height", "format", "sample_type", "row_stride", "offset_x", "offset_y", "has_mask")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROW_STRIDE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_X_FIELD_NUMBER: _ClassVar[int]
    OFFSET_Y_FIELD_NUMBER: _ClassVar[int]
    HAS_MASK_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    format: PixelFormat
    sample_type: SampleType
    row_stride: int
    offset_x: int
    offset_y: int
    has_mask: bool
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., format: _Optional[_Union[PixelFormat, str]] = ..., sample_type: _Optional[_Union[SampleType, str]] = ..., row_stride: _Optional[int] = ..., offset_x: _Optional[int] = ..., offset_y: _Optional[int] = ..., has_mask: _Optional[bool] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("plane", "offset", "data")
    PLANE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    plane: Plane
    offset: int
    data: bytes
    def __init__(self, plane: _Optional[_Union[Plane, str]] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
