"""Foreign networks become packs that paint what the original paints."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from pastiche_daemon.bench.plain_transformer import PlainTransformer
from pastiche_daemon.cli.packs import packs
from pastiche_daemon.importing import ImportRequest, import_pack, read_network
from pastiche_daemon.nn.runtime import prepare_for_inference
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.errors import DamagedPackError, PackError, UnsupportedPackError
from pastiche_daemon.packs.importers.fast_neural_style import LARGEST_FILE
from pastiche_daemon.packs.manifest import Manifest
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize
from tests.support.fast_neural_style import (
    SMALL,
    onnx_model,
    plain_network,
    write_state_dict,
)

Writer = Callable[[Path, PlainTransformer], Path]


def _onnx(**values: Any) -> Writer:
    def write(path: Path, network: PlainTransformer) -> Path:
        path = path.with_suffix(".onnx")
        path.write_bytes(onnx_model(network, **values).SerializeToString())
        return path

    return write


WRITERS: dict[str, Writer] = {
    "state dict": write_state_dict,
    "old state dict": lambda path, net: write_state_dict(path, net, stray=True, legacy=True),
    "stray keys": lambda path, net: write_state_dict(path, net, stray=True),
    "onnx 8": _onnx(opset=8),
    "onnx 9": _onnx(opset=9),
    "onnx 9, factors of the size": _onnx(opset=9, dynamic=True),
    "onnx 13": _onnx(opset=13),
}


def request(file: Path, **values: Any) -> ImportRequest:
    given: dict[str, Any] = {
        "name": "Mosaic",
        "license": "BSD-3-Clause",
        "command": "import",
        **values,
    }
    return ImportRequest(file=file, **given)


def original(network: PlainTransformer, image: torch.Tensor) -> torch.Tensor:
    """What the example's program makes of an image in 0..1, before it rounds to 8 bits."""
    with torch.no_grad():
        return network(image * 255).clamp(0, 255) / 255


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("widths", [SMALL, (32, 64, 128)])
def test_an_imported_pack_paints_what_the_original_paints(
    tmp_path: Path, kind: str, widths: tuple[int, int, int]
) -> None:
    network = plain_network(widths)
    file = WRITERS[kind](tmp_path / "mosaic.pth", network)
    manifest = import_pack(request(file), tmp_path / "mosaic.pastiche")
    pack = read_pack(tmp_path / "mosaic.pastiche")
    assert pack.manifest == manifest
    assert (manifest.id, manifest.value_range, manifest.architecture.output) == (
        "mosaic",
        "0..255",
        "linear",
    )
    assert manifest.training.notes[0].startswith(f"imported from {file.name} (sha256 ")
    image = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    wanted = original(network, image)
    assert wanted.std() > 0.05
    assert wanted.min() == 0
    with torch.no_grad():
        got = load_network(pack)(image, torch.ones(1, 1))
    assert (got - wanted).abs().max() < 1 / 255
    ready = prepare_for_inference(load_network(pack), torch.device("cpu"), "float32")
    layer = stylize(ready, LayerTensors(image[0]), StylizeOptions(mix=(1.0,)), lambda _: None)
    assert (layer.color - wanted[0]).abs().max() < 1 / 255


@pytest.mark.filterwarnings("ignore")  # of an exporter that torch no longer recommends
@pytest.mark.parametrize("opset", [9, 11, 17])
@pytest.mark.parametrize("open_size", [False, True])
def test_graphs_that_torch_exports_are_imported(
    tmp_path: Path, opset: int, open_size: bool
) -> None:
    network = plain_network()
    file = tmp_path / "mosaic.onnx"
    torch.onnx.export(
        network,
        (torch.rand(1, 3, 32, 40),),
        str(file),
        dynamo=False,
        opset_version=opset,
        input_names=["input1"],
        dynamic_axes={"input1": {2: "height", 3: "width"}} if open_size else None,
    )
    imported = read_network(file)
    image = torch.rand(1, 3, 48, 36)
    with torch.no_grad():
        got = imported(image, torch.ones(1, 1))
    assert (got - original(network, image)).abs().max() < 1 / 255


def test_the_command_writes_a_pack_with_a_preview(tmp_path: Path) -> None:
    file = write_state_dict(tmp_path / "candy.pth", plain_network())
    photo = tmp_path / "photo.png"
    Image.effect_noise((60, 40), 80).convert("RGB").save(photo)
    out = tmp_path / "candy.pastiche"
    arguments = ["import", str(file), "--name", "Candy Shop", "--license", "BSD-3-Clause"]
    arguments += ["--sample", str(photo), "--artist", "Nobody", "-o", str(out)]
    result = CliRunner().invoke(packs, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    pack = read_pack(out)
    assert isinstance(pack.manifest, Manifest)
    assert pack.manifest.styles[0].artist == "Nobody"
    preview = pack.preview("candy_shop")
    assert preview is not None
    with Image.open(io.BytesIO(preview[0])) as picture:
        assert picture.size == (256, 171)
    assert "use --force" in CliRunner().invoke(packs, arguments).output
    bad = CliRunner().invoke(packs, [*arguments, "--force", "--id", "../evil"])
    assert bad.exit_code == 1
    assert "cannot be described: id" in " ".join(bad.output.split())


def changed_state(edit: Callable[[dict[str, Any]], object]) -> Writer:
    def write(path: Path, network: PlainTransformer) -> Path:
        state = dict(network.state_dict())
        edit(state)
        torch.save(state, path)
        return path

    return write


def changed_graph(edit: Callable[[Any], object], **values: Any) -> Writer:
    def write(path: Path, network: PlainTransformer) -> Path:
        model = copy.deepcopy(onnx_model(network, **values))
        edit(model.graph)
        path.write_bytes(model.SerializeToString())
        return path

    return write


def raw(data: bytes) -> Writer:
    def write(path: Path, network: PlainTransformer) -> Path:
        path.write_bytes(data)
        return path

    return write


def _set_attribute(graph: Any, kind: str, name: str, value: Any) -> None:
    for node in graph.node:
        if node.op_type == kind:
            for attribute in node.attribute:
                if attribute.name == name:
                    if isinstance(value, bytes):
                        attribute.s = value
                    elif isinstance(value, float):
                        attribute.f = value
                    else:
                        attribute.ints[:] = value
            return


def _rename(graph: Any, kind: str, other: str) -> None:
    next(node for node in graph.node if node.op_type == kind).op_type = other


def _elsewhere(graph: Any) -> None:
    weight = graph.initializer[0]
    weight.data_location = 1
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (changed_state(lambda s: s.pop("conv1.conv2d.weight")), "conv1.conv2d.weight is missing"),
        (changed_state(lambda s: s.update(extra=torch.ones(1))), "'extra' is no parameter"),
        (changed_state(lambda s: s.update({"in1.weight": torch.ones(5)})), "in1.weight has shape"),
        (
            changed_state(lambda s: s.update({"in1.weight": torch.ones(4, dtype=torch.int64)})),
            "in1.weight is of type torch.int64",
        ),
        (
            changed_state(lambda s: s.update({"in1.bias": torch.full((4,), torch.nan)})),
            "in1.bias holds values that are not finite",
        ),
        (changed_state(lambda s: s.update(epoch=3)), "'epoch' is a int"),
        (
            changed_state(lambda s: s.update({"in1.bias": torch.ones(1).expand(1 << 40)})),
            "in1.bias has shape|more values than it has bytes",
        ),
        (raw(b""), "neither a state dict"),
        (raw(b"GIF89a"), "neither a state dict"),
        (raw(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."), "names 'os system'"),
        (raw(pickle.dumps({"a": 1}, protocol=2)), "not a state dict of PyTorch"),
        (raw(b"PK\x03\x04rest"), "not a state dict of PyTorch"),
        (raw(b"\x08\x04nonsense"), "not an ONNX file|no graph"),
        (changed_graph(lambda g: _rename(g, "Relu", "Sigmoid")), "a Relu is due, not 'Sigmoid'"),
        (changed_graph(lambda g: _rename(g, "Add", "Mul")), "a Add is due"),
        (changed_graph(lambda g: _set_attribute(g, "Conv", "strides", [3, 3])), "another stride"),
        (changed_graph(lambda g: _set_attribute(g, "Pad", "mode", b"edge")), "no reflection"),
        (changed_graph(lambda g: _set_attribute(g, "Pad", "pads", [0] * 8)), "half of its kernel"),
        (
            changed_graph(lambda g: _set_attribute(g, "Upsample", "mode", b"linear")),
            "nearest neighbour",
        ),
        (
            changed_graph(lambda g: _set_attribute(g, "InstanceNormalization", "epsilon", 0.1)),
            "instance norm is not",
        ),
        (changed_graph(lambda g: g.initializer.pop(0)), "more than one input|are not in the file"),
        (changed_graph(_elsewhere), "of another type, or elsewhere"),
        (changed_graph(lambda g: g.ClearField("node")), "no graph"),
        (
            changed_graph(lambda g: _set_attribute(g, "Gather", "axis", [0]) or _rename(
                g, "Floor", "Exp"), dynamic=True),
            "'Exp' is not followed",
        ),
    ],
)  # fmt: skip
def test_other_files_are_refused_with_the_reason(
    tmp_path: Path, write: Writer, message: str
) -> None:
    file = write(tmp_path / "file", plain_network())
    with pytest.raises((UnsupportedPackError, DamagedPackError), match=message):
        import_pack(request(file), tmp_path / "out.pastiche")
    assert not (tmp_path / "out.pastiche").exists()


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    for name, head in (("a.pth", b"PK\x03\x04"), ("b.onnx", b"\x08\x04")):
        file = tmp_path / name
        with file.open("wb") as opened:
            opened.write(head)
            opened.truncate(LARGEST_FILE + 1)
        with pytest.raises(PackError, match="are allowed"):
            read_network(file)
    packed = tmp_path / "c.pth"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/data/0", bytes(LARGEST_FILE + 1))
    with pytest.raises(PackError, match="unpacks to more than"):
        read_network(packed)


def test_without_the_onnx_package_it_says_what_to_install(tmp_path: Path) -> None:
    file = _onnx()(tmp_path / "mosaic", plain_network())
    program = (
        "import sys; sys.modules['onnx'] = None\n"
        "from pathlib import Path\n"
        "from pastiche_daemon.importing import read_network\n"
        f"try: read_network(Path({str(file)!r}))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "UnsupportedPackError" in done.stdout
    assert "pip install 'pastiche[onnx]'" in done.stdout
