"""Foreign networks as style packs: read by `packs.importers`, described by who imports them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from pydantic import ValidationError

from pastiche_daemon import __version__
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import write_pack
from pastiche_daemon.packs.errors import UnsupportedPackError
from pastiche_daemon.packs.importers.onnx_graphs import network_from_onnx
from pastiche_daemon.packs.importers.state_dicts import network_from_state_dict
from pastiche_daemon.packs.manifest import (
    WEIGHTS_NAME,
    Manifest,
    SliderRange,
    StyleEntry,
    TrainingProvenance,
)
from pastiche_daemon.packs.network import architecture_of, network_tensors
from pastiche_daemon.photographs import fit_long_side, load_picture
from pastiche_daemon.provenance import file_sha256, made_here
from pastiche_daemon.training_run import (
    PREVIEW_SIZE,
    preview_path,
    style_id,
    stylize_in_every_style,
    webp,
)

# pytorch/examples trains on crops of this size; the style's own is not known.
_NATIVE_STROKE_SIZE = 256
_UNKNOWN_SHA256 = "0" * 64
_FIRST_ONNX_FIELD = 0x08  # ModelProto.ir_version, which every exporter writes first


@dataclass(frozen=True)
class ImportRequest:
    """A file of another project, and what the pack is to say. ``sample`` makes the preview."""

    file: Path
    name: str
    license: str
    command: str
    id: str = ""
    version: str = "1.0.0"
    artist: str = ""
    attribution: str = ""
    sample: Path | None = None


def import_pack(request: ImportRequest, target: Path) -> Manifest:
    """Write the pack of a foreign network to ``target``, whole or not at all.

    Raises a `PackError` where the file is not understood, the pack cannot be described or written,
    `PictureError` for a bad sample, and OSError where the file cannot be opened.
    """
    sample = None if request.sample is None else load_picture(request.sample)
    network = read_network(request.file)
    files = {WEIGHTS_NAME: network_tensors(network, torch.float32)}
    pack_id = request.id or style_id(Path(f"{request.name}.pack"))
    if sample is not None:
        files[preview_path(pack_id)] = _preview(network, sample)
    return write_pack(target, _manifest(request, pack_id, network, sample is not None), files)


def read_network(file: Path) -> TransformerNetwork:
    """The network of a file of any known kind, told by its first bytes. Raises as `import_pack`."""
    with file.open("rb") as opened:
        head = opened.read(2)
    if head[:1] == bytes([_FIRST_ONNX_FIELD]):
        return network_from_onnx(file)
    # A zip, or a pickle of protocol 2 or later.
    if head == b"PK" or (head[:1] == b"\x80" and head[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        return network_from_state_dict(file)
    raise UnsupportedPackError(
        f"{file.name} is neither a state dict of PyTorch (.pth) nor an ONNX graph; "
        "only fast_neural_style networks can be imported"
    )


def _preview(network: TransformerNetwork, sample: Image.Image) -> bytes:
    return webp(stylize_in_every_style(network, fit_long_side(sample, PREVIEW_SIZE))[0])


def _manifest(
    request: ImportRequest, pack_id: str, network: TransformerNetwork, has_preview: bool
) -> Manifest:
    spec = network.spec
    digest = file_sha256(request.file)
    try:
        return Manifest(
            id=pack_id,
            version=request.version,
            display_name=request.name,
            least_daemon_version=__version__,
            architecture=architecture_of(spec),
            value_range=spec.value_range,
            gram_normalization="chw",
            styles=[
                StyleEntry(
                    id=pack_id,
                    display_name=request.name,
                    artist=request.artist,
                    preview=preview_path(pack_id) if has_preview else None,
                )
            ],
            native_stroke_size=_NATIVE_STROKE_SIZE,
            strength=SliderRange(minimum=0.0, maximum=1.0, default=1.0),
            stroke_size=SliderRange(minimum=0.25, maximum=4.0, default=1.0),
            license=request.license,
            attribution=request.attribution,
            training=TrainingProvenance(
                command=request.command,
                dataset="unknown: the network was trained elsewhere",
                photographs=0,
                encoder="unknown",
                encoder_sha256=_UNKNOWN_SHA256,
                seed=0,
                steps=0,
                batch_size=0,
                crop_size=0,
                learning_rate=0.0,
                content_layers={},
                style_layers={},
                weights={},
                **made_here(),
                seconds=0.0,
                precision="float32",
                notes=[f"imported from {request.file.name[:200]} (sha256 {digest})"],
            ),
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise UnsupportedPackError(
            f"the pack cannot be described: {field}: {problem['msg']}"
        ) from error
