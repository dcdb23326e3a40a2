"""Between a pack's weights file and its network: a transformer network, or one that upscales."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec
from pastiche_daemon.packs.errors import DamagedPackError
from pastiche_daemon.packs.manifest import (
    AnyManifest,
    Manifest,
    TransformerArchitecture,
    UpscalerArchitecture,
    UpscalerManifest,
)

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack

N = TypeVar("N", TransformerNetwork, UpscalerNetwork)

_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}
_LARGEST_HEADER = 1 << 20


def spec_of(manifest: Manifest) -> TransformerSpec:
    """The network that a manifest declares, with as many styles as it lists."""
    declared = manifest.architecture
    return TransformerSpec(
        styles=len(manifest.styles),
        channels=declared.channels,
        residual_blocks=declared.residual_blocks,
        end_kernel=declared.end_kernel,
        upsampling=declared.upsampling,
        norm=declared.norm,
        padding=declared.padding,
        output=declared.output,
        value_range=manifest.value_range,
    )


def upscaler_spec_of(manifest: UpscalerManifest) -> UpscalerSpec:
    """The network that the manifest of a pack that upscales declares."""
    declared = manifest.architecture
    return UpscalerSpec(
        factor=declared.factor,
        channels=declared.channels,
        residual_blocks=declared.residual_blocks,
        end_kernel=declared.end_kernel,
        upsampling=declared.upsampling,
        norm=declared.norm,
        padding=declared.padding,
        output=declared.output,
    )


def architecture_of(spec: TransformerSpec) -> TransformerArchitecture:
    """How a manifest declares a network. Raises `pydantic.ValidationError` if none may."""
    return TransformerArchitecture.model_validate(spec, from_attributes=True)


def upscaler_architecture_of(spec: UpscalerSpec) -> UpscalerArchitecture:
    """As `architecture_of`, for a network that upscales."""
    return UpscalerArchitecture.model_validate(spec, from_attributes=True)


def declared_spec(manifest: AnyManifest) -> TransformerSpec | UpscalerSpec:
    """The network that a manifest of either kind declares."""
    return spec_of(manifest) if isinstance(manifest, Manifest) else upscaler_spec_of(manifest)


def network_tensors(
    network: TransformerNetwork | UpscalerNetwork, dtype: torch.dtype = torch.float16
) -> bytes:
    """The network's parameters as a safetensors file of one floating-point type.

    The running statistics of batch norms are not bounded, and stay in float32.
    """
    parameters = dict(network.named_parameters())
    tensors = {
        name: value.detach().to(device="cpu", dtype=dtype if name in parameters else torch.float32)
        for name, value in network.state_dict().items()
    }
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    return save(tensors, metadata={"format": "pt"})


def load_network(pack: Pack) -> TransformerNetwork:
    """The network of a pack of styles in float32, in evaluation mode, without gradients.

    Raises `DamagedPackError` where the file changed since the pack was read, `WrongPackKindError`
    for other packs.
    """
    return _loaded(_empty_transformer(spec_of(pack.style_manifest)), pack)


def load_upscaler(pack: Pack) -> UpscalerNetwork:
    """As `load_network`, for a pack that upscales."""
    return _loaded(_empty_upscaler(upscaler_spec_of(pack.upscaler_manifest)), pack)


def _loaded(network: N, pack: Pack) -> N:
    state = {name: value.float() for name, value in pack.weights().items()}
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(requires_grad=False).eval()


def read_weights(data: bytes, name: str, spec: TransformerSpec | UpscalerSpec) -> dict[str, Tensor]:
    """The tensors of the weights file ``name``, in its own types, after checking all of them.

    Raises `DamagedPackError` unless they are exactly the parameters of the declared network, by
    name and shape, in half or single precision, and finite.
    """
    found = _parse(data, name)
    expected = {key: list(value.shape) for key, value in _empty_network(spec).state_dict().items()}
    for key in expected:
        if key not in found:
            raise DamagedPackError(f"{name}: the tensor {key} is missing")
    for key in found:
        if key not in expected:
            raise DamagedPackError(
                f"{name}: the tensor {key[:80]!a} is not part of the declared architecture"
            )
    tensors: dict[str, Tensor] = {}
    for key, shape in expected.items():
        entry = found[key]
        if entry["dtype"] not in _DTYPES:
            raise DamagedPackError(
                f"{name}: the tensor {key} is of type {entry['dtype']}; "
                f"one of {', '.join(_DTYPES)} is needed"
            )
        if entry["shape"] != shape:
            raise DamagedPackError(
                f"{name}: the tensor {key} has shape {entry['shape']}; "
                f"the declared architecture needs {shape}"
            )
        dtype = _DTYPES[entry["dtype"]]
        # A copy, because the file's bytes may be neither writable nor aligned.
        values = torch.frombuffer(bytearray(entry["data"]), dtype=dtype, count=math.prod(shape))
        if not torch.isfinite(values).all():
            raise DamagedPackError(f"{name}: the tensor {key} holds values that are not finite")
        if key.endswith("running_variance") and bool((values < 0).any()):
            raise DamagedPackError(f"{name}: the tensor {key} holds variances below 0")
        tensors[key] = values.reshape(shape)
    return tensors


def _empty_network(
    spec: TransformerSpec | UpscalerSpec,
) -> TransformerNetwork | UpscalerNetwork:
    if isinstance(spec, TransformerSpec):
        return _empty_transformer(spec)
    return _empty_upscaler(spec)


# On the meta device a declared network costs no memory, however large it is.


def _empty_transformer(spec: TransformerSpec) -> TransformerNetwork:
    with torch.device("meta"):
        return TransformerNetwork(spec)


def _empty_upscaler(spec: UpscalerSpec) -> UpscalerNetwork:
    with torch.device("meta"):
        return UpscalerNetwork(spec)


def _parse(data: bytes, name: str) -> Mapping[str, Mapping[str, Any]]:
    if int.from_bytes(data[:8], "little") > _LARGEST_HEADER:
        raise _not_safetensors(data, name, "its header is too long")
    try:
        return dict(deserialize(data))
    except SafetensorError as error:
        raise _not_safetensors(data, name, f"{error!s:.200}") from error


def _not_safetensors(data: bytes, name: str, why: str) -> DamagedPackError:
    # Good files may begin with these bytes, too: they begin with the length of their header.
    if data.startswith((b"\x80", b"PK\x03\x04")):
        why = "it seems to be a pickle or a PyTorch archive, which could run code"
    return DamagedPackError(f"{name} is not a safetensors file: {why}")
