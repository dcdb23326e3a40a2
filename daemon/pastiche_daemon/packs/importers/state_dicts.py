"""State dicts of PyTorch, ``.pth``: read with torch's own restricted unpickler, and more suspicion.

Before torch sees a file, every instruction of its pickles is looked at: only what a state dict of
plain tensors needs may be named, and no number may be larger than the file. What torch then reads
therefore runs no code and takes no more memory than a few times the file.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.errors import (
    DamagedPackError,
    PackTooLargeError,
    UnsupportedPackError,
)
from pastiche_daemon.packs.importers.fast_neural_style import LARGEST_FILE, network_from

# What torch.save writes of an OrderedDict of tensors, in both of its formats.
_GLOBALS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch FloatStorage",
        "torch HalfStorage",
        "torch BFloat16Storage",
        "torch DoubleStorage",
        "torch LongStorage",
    }
)
_INTEGERS = {"INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2"}
# The other ways to name something, or to build what is no state dict.
_REFUSED = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"}
# The first pickle of the format of before torch 1.6; the sizes of the machine are in the third.
_MAGIC = 0x1950A86A20F9469CFC6C
_PICKLES_BEFORE_STORAGES = 5
# Of instance norms that an old version of torch saved without using them.
_UNUSED = re.compile(r"^(?:res[1-5]\.)?in[1-5]\.(?:running_mean|running_var|num_batches_tracked)$")
_MOST_MEMBERS = 1024
_PROTOCOL = 2

# What zipfile, pickletools and torch raise on bytes that are not what they should be.
_READ_ERRORS = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    EOFError,
    MemoryError,
    OSError,
    ImportError,
)


def network_from_state_dict(path: Path) -> TransformerNetwork:
    """The network whose state dict pytorch/examples' ``fast_neural_style`` saved at ``path``.

    Raises:
        PackTooLargeError: the file is larger than such files are.
        DamagedPackError: it cannot be read.
        UnsupportedPackError: it holds something else; the message says what.
        OSError: it cannot be opened.
    """
    state = read_state_dict(path)
    kept = {name: tensor for name, tensor in state.items() if not _UNUSED.match(name)}
    shapes = {name: tuple(tensor.shape) for name, tensor in kept.items()}
    return network_from(kept, shapes, path.name)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict by name. Raises as `network_from_state_dict`.

    Their values are not looked at: a tensor may be a view that is larger than the file.
    """
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise PackTooLargeError(
            f"{path.name} has {size} bytes; {LARGEST_FILE} are allowed, state dicts of "
            "fast_neural_style have less than 7 million"
        )
    data = path.read_bytes()
    try:
        _check_pickles(data, path.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch thinks of its own old formats
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except _READ_ERRORS as error:
        reason = " ".join(str(error).split())[:200]
        raise DamagedPackError(f"{path.name} is not a state dict of PyTorch: {reason}") from error
    return _tensors(loaded, path.name)


def _tensors(loaded: object, name: str) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping):
        raise UnsupportedPackError(f"{name} holds no state dict but a {type(loaded).__name__}")
    found: dict[str, Tensor] = {}
    for key, value in loaded.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise UnsupportedPackError(
                f"{name} is no plain state dict: {str(key)[:80]!a} is a {type(value).__name__}"
            )
        found[key] = value
    return found


def _check_pickles(data: bytes, name: str) -> None:
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > LARGEST_FILE or len(members) > _MOST_MEMBERS:
                raise PackTooLargeError(f"{name} unpacks to more than {LARGEST_FILE} bytes")
            pickles = [m for m in members if m.filename.rpartition("/")[2] == "data.pkl"]
            if len(pickles) != 1:
                raise UnsupportedPackError(f"{name} is a zip, but no state dict of PyTorch")
            if any(m.compress_type != zipfile.ZIP_STORED for m in members):
                raise UnsupportedPackError(f"{name} is compressed; torch.save does not do that")
            _check_pickle(io.BytesIO(archive.read(pickles[0])), len(data), name)
        return
    stream = io.BytesIO(data)
    for number in range(_PICKLES_BEFORE_STORAGES):
        _check_pickle(stream, len(data), name, first=number == 0)


def _check_pickle(stream: IO[bytes], largest: int, name: str, *, first: bool = False) -> None:
    """Read one pickle's instructions, without following them."""
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "GLOBAL" and argument not in _GLOBALS:
            raise UnsupportedPackError(
                f"{name} names {str(argument)[:80]!a}, which is no part of a state dict; "
                "it may be a whole pickled model, or hostile"
            )
        if opcode.name == "PROTO" and argument != _PROTOCOL:
            raise UnsupportedPackError(f"{name} is a pickle that torch.save does not write")
        if opcode.name in _REFUSED:
            raise UnsupportedPackError(f"{name} holds what is no part of a state dict")
        if opcode.name in _INTEGERS and isinstance(argument, int):
            allowed = first and argument == _MAGIC
            if not allowed and not -1 <= argument <= max(largest, 1 << 16):
                raise DamagedPackError(f"{name} tells of more values than it has bytes")
