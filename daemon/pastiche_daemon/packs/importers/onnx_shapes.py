"""What a graph computes of sizes alone, such as the factors of its upsamplings.

Exporters wrote the factor of an upsampling as a few operations on the size of what is upsampled.
These are computed on arrays of at most 64 numbers; everything else is refused.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pastiche_daemon.packs.errors import DamagedPackError

Array = np.ndarray[Any, Any]
_LARGEST = 64
_DEEPEST = 32


class StaticValueError(ValueError):
    """A value that is no constant; the message says why."""


class ShapeNodes:
    """The operations of a graph by what they write."""

    def __init__(self, nodes: Iterable[Any], weight: Callable[[str], Array | None]) -> None:
        """``weight`` gives the graph's own constants by name, or None."""
        self._weight = weight
        self._writers: dict[str, Any] = {}
        for node in nodes:
            for name in node.output:
                self._writers[name] = node
        self._known: dict[str, tuple[int, ...]] = {}
        # Once each: a value may be asked for by many others.
        self._computed_values: dict[str, Array] = {}

    def tell(self, name: str, shape: tuple[int, ...]) -> None:
        """Let a value have this shape."""
        self._known[name] = shape

    def value(self, name: str, depth: int = 0) -> Array:
        """Raises `StaticValueError`."""
        if name in self._computed_values:
            return self._computed_values[name]
        constant = self._weight(name)
        if constant is not None:
            return constant
        if name not in self._writers or depth > _DEEPEST:
            raise StaticValueError(f"{name[:60]!a} is not known")
        node = self._writers[name]
        try:
            result = self._computed(node, depth)
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise StaticValueError(f"{node.op_type[:40]!a} cannot be computed: {error}") from error
        if result.size > _LARGEST:
            raise StaticValueError("it is too large")
        self._computed_values[name] = result
        return result

    def _computed(self, node: Any, depth: int) -> Array:
        kind, told = node.op_type, {a.name: a for a in node.attribute}
        if kind == "Constant":
            return self._constant(told)
        if kind == "Shape":
            if node.input[0] not in self._known:
                raise StaticValueError("the shape of something else is asked for")
            return np.array(self._known[node.input[0]], dtype=np.int64)
        inputs = [self.value(name, depth + 1) for name in node.input]
        with np.errstate(all="ignore"):
            if kind == "Gather":
                return np.take(inputs[0], inputs[1].astype(np.int64), axis=_axis(told, 0))
            if kind in {"Cast", "Identity"}:
                whole = kind == "Cast" and told["to"].i in {6, 7}  # INT32, INT64
                return inputs[0].astype(np.int64) if whole else inputs[0]
            if kind == "Unsqueeze":
                return np.atleast_1d(inputs[0])
            if kind == "Concat":
                return np.concatenate([np.atleast_1d(part) for part in inputs])
            if kind == "Slice":
                return _sliced(inputs[0], told, inputs[1:])
            if kind == "ConstantOfShape":
                return self._filled(inputs[0], told)
            if kind == "Reshape":
                return np.reshape(inputs[0], inputs[1].astype(np.int64).tolist())
            if kind == "Transpose":
                return np.transpose(inputs[0], list(told["perm"].ints) if "perm" in told else None)
            if kind == "Mul":
                return np.multiply(inputs[0], inputs[1])
            if kind == "Div":
                return np.true_divide(inputs[0], inputs[1])
            if kind == "Floor":
                return np.floor(inputs[0])
        raise StaticValueError(f"{kind[:40]!a} is not followed")

    def _filled(self, shape: Array, told: dict[str, Any]) -> Array:
        sizes = shape.astype(np.int64).flatten().tolist()
        if len(sizes) > 4 or not 0 <= math.prod(sizes) <= _LARGEST or min(sizes, default=0) < 0:
            raise StaticValueError("it is too large")
        value = small_array(told["value"].t) if "value" in told else np.zeros(1, np.float32)
        return np.full(sizes, value.flat[0])

    def _constant(self, told: dict[str, Any]) -> Array:
        if "value" not in told:
            raise StaticValueError("a constant is no tensor")
        return small_array(told["value"].t)


def _axis(told: dict[str, Any], default: int) -> int:
    return int(told["axis"].i) if "axis" in told else default


def _sliced(array: Array, told: dict[str, Any], inputs: Sequence[Array]) -> Array:
    """By starts, ends, axes and steps, which are attributes or inputs."""
    given = [list(told[name].ints) for name in ("starts", "ends", "axes") if name in told]
    given = given or [part.astype(np.int64).flatten().tolist() for part in inputs]
    starts, stops = given[:2]
    axes = given[2] if len(given) > 2 else list(range(len(starts)))
    steps = given[3] if len(given) > 3 else [1] * len(starts)
    cut = [slice(None)] * array.ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        # Counted backwards to the beginning: ONNX says so with the smallest number.
        end = None if step < 0 and stop < -array.shape[axis] else stop
        cut[axis] = slice(start, end, step)
    return array[tuple(cut)]


def small_array(tensor: Any) -> Array:
    """A tensor of at most 64 values. Raises `StaticValueError`."""
    if math.prod(tensor.dims) > 64 or any(size < 0 for size in tensor.dims):
        raise StaticValueError("it is too large")
    if tensor.data_location == 1:
        raise StaticValueError("it is in another file")
    try:
        return array_of(tensor)
    except DamagedPackError as error:
        raise StaticValueError(str(error)) from error


def array_of(tensor: Any) -> Array:
    """The values of an ONNX tensor that is in the file. Raises `DamagedPackError`."""
    helper = importlib.import_module("onnx.numpy_helper")
    try:
        return np.array(helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise DamagedPackError(
            f"the weights {tensor.name[:60]!a} cannot be read: {error!s:.120}"
        ) from error
