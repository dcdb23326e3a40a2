from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Encoder(_message.Message):
    __slots__ = ("name", "display_name", "state", "layers", "size_bytes", "trouble", "only_dreams")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Encoder.State]
        STATE_BUILT_IN: _ClassVar[Encoder.State]
        STATE_ADDED: _ClassVar[Encoder.State]
        STATE_FETCHED: _ClassVar[Encoder.State]
        STATE_MISSING: _ClassVar[Encoder.State]
        STATE_DAMAGED: _ClassVar[Encoder.State]
    STATE_UNSPECIFIED: Encoder.State
    STATE_BUILT_IN: Encoder.State
    STATE_ADDED: Encoder.State
    STATE_FETCHED: Encoder.State
    STATE_MISSING: Encoder.State
    STATE_DAMAGED: Encoder.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    ONLY_DREAMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    state: Encoder.State
    layers: _containers.RepeatedScalarFieldContainer[str]
    size_bytes: int
    trouble: str
    only_dreams: bool
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., state: _Optional[_Union[Encoder.State, str]] = ..., layers: _Optional[_Iterable[str]] = ..., size_bytes: _Optional[int] = ..., trouble: _Optional[str] = ..., only_dreams: _Optional[bool] = ...) -> None: ...

class ListEncodersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEncodersResponse(_message.Message):
    __slots__ = ("encoders", "next_page_token")
    ENCODERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    encoders: _containers.RepeatedCompositeFieldContainer[Encoder]
    next_page_token: str
    def __init__(self, encoders: _Optional[_Iterable[_Union[Encoder, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetEncoderRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...
