"""UpscaleImage: layers in, larger layers out; and `pastiche upscale`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch

from pastiche.v1 import layer_pb2, upscaling_pb2, upscaling_pb2_grpc
from pastiche_client.cancel import CancelToken
from pastiche_client.client import Client
from pastiche_client.errors import (
    CallCancelledError,
    InvalidRequestError,
    NotFoundError,
)
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import UpscaleEvent, UpscaleProgress, UpscaleStage
from pastiche_daemon.nn.runtime import default_device, prepare_for_inference
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_upscaler
from pastiche_daemon.stylize import LayerTensors
from pastiche_daemon.upscale import upscale, whole
from tests.contract.drivers import Refused, refusals
from tests.contract.test_cli import pastiche, pixels_of
from tests.contract.test_stylize_image import COLORS, random_layer, samples_of
from tests.support.daemon_process import WAIT_SECONDS, DaemonProcess, running_daemon
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_upscaler import tiny_architecture, write_tiny_upscaler

FORMATS = list(itertools.product(PixelFormat, SampleType))
Request = upscaling_pb2.UpscaleImageRequest


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny (styles), tiny2 (x2), other2 (x2), slow8 (x8)."""
    folder = tmp_path_factory.mktemp("home") / "packs"
    folder.mkdir()
    write_tiny_pack(folder / "tiny-1.0.0.pastiche")
    write_tiny_upscaler(folder / "tiny2-1.0.0.pastiche")
    write_tiny_upscaler(folder / "zweifach-1.0.0.pastiche", pack_id="zweifach", seed=5)
    slow = tiny_architecture(8, channels=(96, 64, 32, 16), residual_blocks=32)
    write_tiny_upscaler(folder / "slow8-1.0.0.pastiche", pack_id="slow8", architecture=slow)
    return folder


@pytest.fixture(scope="module")
def daemon(packs: Path) -> Iterator[DaemonProcess]:
    with running_daemon(packs.parent, arguments=["--idle-exit", "0"]) as running:
        yield running
        assert "Traceback" not in running.log
        assert " ERROR " not in running.log


@pytest.fixture(scope="module")
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with Client.connect(daemon.paths, start=False) as client:
        yield client


@pytest.mark.parametrize(("pixel_format", "sample_type"), FORMATS)
def test_every_format_becomes_what_the_network_makes_of_it(
    client: Client, packs: Path, pixel_format: PixelFormat, sample_type: SampleType
) -> None:
    sent = random_layer(19, 13, pixel_format, sample_type, padding=5)
    result = client.upscale(sent, 2, pack="tiny2")
    got = result.layer
    assert (got.width, got.height, got.row_stride) == (38, 26, 0)
    assert (got.format, got.sample_type, got.offset) == (pixel_format, sample_type, sent.offset)
    assert (result.summary.pack, result.summary.factor) == ("packs/tiny2", 2)

    largest = 1.0 if sample_type is SampleType.F32 else 256**sample_type.size - 1
    samples = samples_of(sent).astype(np.float32) / np.float32(largest)
    colors = [samples[..., place] for place in COLORS[pixel_format]]
    planes = torch.from_numpy(np.stack(colors * (3 // len(colors))))
    alpha = torch.from_numpy(samples[..., -1].copy()) if pixel_format.has_alpha else None
    network = prepare_for_inference(
        load_upscaler(read_pack(packs / "tiny2-1.0.0.pastiche")), default_device()
    )
    color, large_alpha = whole(upscale(network, LayerTensors(planes, alpha), lambda _: None))
    expected = color.numpy()
    if len(colors) == 1:
        expected = np.einsum("c,chw->hw", [0.299, 0.587, 0.114], expected)[None]
    answer = samples_of(got).astype(np.float32) / np.float32(largest)
    for plane, place in zip(expected, COLORS[pixel_format], strict=True):
        assert np.abs(answer[..., place] - plane).max() <= 1 / 255
    if large_alpha is not None:
        assert np.abs(answer[..., -1] - large_alpha.numpy()).max() <= 1 / 255


def test_the_factors_are_those_of_the_packs(client: Client) -> None:
    found = [(pack.id, pack.factor, pack.style_count) for pack in client.upscaling_packs()]
    ours = [entry for entry in found if entry[0] in {"tiny2", "zweifach", "slow8"}]
    assert ours == [("tiny2", 2, 0), ("zweifach", 2, 0), ("slow8", 8, 0)]
    assert client.get_pack("slow8").architecture == "upscaler"
    assert client.get_pack("tiny").factor == 0
    styles = {style.pack_id for style in client.list_styles()}
    assert "tiny" in styles
    assert not styles & {"tiny2", "zweifach", "slow8"}
    assert client.list_styles("tiny2") == []


def test_a_pack_can_be_chosen_by_its_factor_and_by_its_name(client: Client) -> None:
    sent = random_layer(8, 6, PixelFormat.RGB)
    by_factor = client.upscale(sent, 2)
    by_name = client.upscale(sent, pack="zweifach")
    assert by_factor.summary.pack == "packs/tiny2"
    assert by_name.summary.pack == "packs/zweifach"
    assert bytes(by_factor.layer.data) != bytes(by_name.layer.data)


def test_the_built_in_pack_upscales_by_4(client: Client) -> None:
    built_in = [pack for pack in client.upscaling_packs() if pack.built_in]
    assert [(pack.id, pack.factor) for pack in built_in] == [("fourfold", 4)]
    result = client.upscale(random_layer(20, 12, PixelFormat.RGBA), 4)
    assert result.summary.pack == "packs/fourfold"
    assert (result.layer.width, result.layer.height) == (80, 48)


def test_matching_the_histogram_changes_the_colours(client: Client) -> None:
    sent = random_layer(16, 16, PixelFormat.RGB)
    plain, matched = (client.upscale(sent, 2, match_histogram=on) for on in (False, True))
    assert bytes(plain.layer.data) != bytes(matched.layer.data)
    before, after = samples_of(sent), samples_of(matched.layer)
    for channel in range(3):
        wanted = np.percentile(before[..., channel], [10, 50, 90])
        assert np.abs(np.percentile(after[..., channel], [10, 50, 90]) - wanted).max() < 8


def test_unusual_values_are_told_of(client: Client) -> None:
    values = np.array([[[0.5, np.nan, 2.0]] * 4] * 4, "<f4")
    layer = Layer(4, 4, PixelFormat.RGB, SampleType.F32, values.tobytes())
    result = client.upscale(layer, 2)
    assert "clamped" in result.summary.notes[0]
    assert np.isfinite(samples_of(result.layer)).all()


def test_what_there_is_no_pack_for_is_refused_with_the_way_to_one(client: Client) -> None:
    sent = random_layer(8, 6, PixelFormat.RGB)
    with pytest.raises(NotFoundError, match="there is no pack 'missing'"):
        client.upscale(sent, pack="missing")
    with pytest.raises(InvalidRequestError, match="'tiny' is a pack of styles") as style:
        client.upscale(sent, pack="tiny")
    assert style.value.reason == "PACK_OF_OTHER_KIND"
    with pytest.raises(InvalidRequestError, match="'tiny2' upscales by 2, not 8") as factor:
        client.upscale(sent, 8, pack="tiny2")
    assert factor.value.field == "factor"
    with pytest.raises(NotFoundError, match="no style"):
        client.stylize(sent, "tiny2/one")


def test_a_factor_without_a_pack_is_told_with_those_that_there_are(
    tmp_path: Path, packs: Path
) -> None:
    home = tmp_path / "home"
    (home / "packs").mkdir(parents=True)
    name = "tiny2-1.0.0.pastiche"
    (home / "packs" / name).write_bytes((packs / name).read_bytes())
    sent = random_layer(8, 6, PixelFormat.RGB)
    with running_daemon(home) as daemon, Client.connect(daemon.paths, start=False) as client:
        with pytest.raises(NotFoundError, match=r"tiny2 \(x2\)") as missing:
            client.upscale(sent, 8)
        assert missing.value.reason == "NO_PACK_OF_FACTOR"
        assert "pastiche train-upscaler --factor 8" in str(missing.value)


def request() -> list[Request]:
    layer = layer_pb2.LayerHeader(
        width=8,
        height=6,
        format=layer_pb2.PIXEL_FORMAT_RGB,
        sample_type=layer_pb2.SAMPLE_TYPE_U8,
    )
    header = upscaling_pb2.UpscaleImageHeader(layer=layer, factor=2)
    piece = layer_pb2.Chunk(plane=layer_pb2.PLANE_LAYER, offset=0, data=bytes(72))
    rest = layer_pb2.Chunk(plane=layer_pb2.PLANE_LAYER, offset=72, data=bytes(72))
    return [Request(header=header), Request(chunk=piece), Request(chunk=rest)]


def header_with(**fields: object) -> Callable[[list[Request]], object]:
    def change(messages: list[Request]) -> None:
        for name, value in fields.items():
            setattr(messages[0].header, name, value)

    return change


def layer_with(**fields: object) -> Callable[[list[Request]], object]:
    def change(messages: list[Request]) -> None:
        for name, value in fields.items():
            setattr(messages[0].header.layer, name, value)

    return change


def send(daemon: DaemonProcess, messages: list[Request]) -> list[object]:
    with grpc.insecure_channel(daemon.address) as channel, refusals():
        stub = upscaling_pb2_grpc.UpscalingServiceStub(channel)
        metadata = (("authorization", f"Bearer {daemon.info.token}"),)
        return list(stub.UpscaleImage(iter(messages), metadata=metadata, timeout=WAIT_SECONDS))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param(lambda m: m.pop(0), "header", id="no header"),
        pytest.param(lambda m: m.clear(), "header", id="nothing"),
        pytest.param(lambda m: m.append(m[0]), "header", id="header twice"),
        pytest.param(lambda m: m[0].header.ClearField("layer"), "layer", id="no layer"),
        pytest.param(layer_with(width=0), "layer.width", id="no width"),
        pytest.param(layer_with(width=2**32 - 1), "layer.width", id="a width of -1"),
        pytest.param(layer_with(format=77), "layer.format", id="an unknown format"),
        pytest.param(layer_with(sample_type=0), "layer.sample_type", id="no sample type"),
        pytest.param(layer_with(row_stride=7), "layer.row_stride", id="a short stride"),
        pytest.param(layer_with(has_mask=True), "layer.has_mask", id="a mask"),
        pytest.param(layer_with(width=40_000, height=1), "layer", id="too wide a result"),
        pytest.param(layer_with(width=16_000, height=16_000), "layer", id="too many pixels"),
        pytest.param(header_with(factor=3), "factor", id="factor 3"),
        pytest.param(header_with(factor=2**31), "factor", id="factor 2^31"),
        pytest.param(header_with(factor=0), "pack", id="neither pack nor factor"),
        pytest.param(header_with(pack="tiny2"), "pack", id="no resource name"),
        pytest.param(header_with(pack="packs/a/b"), "pack", id="a style's name"),
        pytest.param(header_with(request_id="x" * 129), "request_id", id="a long request id"),
        pytest.param(lambda m: m.pop(), "chunk.data", id="too little"),
        pytest.param(lambda m: m.append(m[2]), "chunk", id="too much"),
        pytest.param(lambda m: m.pop(1), "chunk.offset", id="a gap"),
    ],
)
def test_requests_that_make_no_sense_are_refused(daemon, client, change, field) -> None:
    messages = request()
    change(messages)
    with pytest.raises(Refused) as refused:
        send(daemon, messages)
    assert refused.value.code == "INVALID_ARGUMENT"
    assert refused.value.field == field
    assert send(daemon, request())
    assert client.info().running == 0


def test_a_cancelled_call_gives_the_device_back(client: Client) -> None:
    token = CancelToken()
    fractions: list[float] = []

    def on_event(event: UpscaleEvent) -> None:
        if isinstance(event, UpscaleProgress):
            fractions.append(event.fraction)
            if event.stage is UpscaleStage.UPSCALING and event.fraction > 0.03:
                token.cancel()

    large = random_layer(1200, 900, PixelFormat.RGB)
    with pytest.raises(CallCancelledError):
        client.upscale(large, pack="slow8", on_event=on_event, cancel=token)
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    # It runs only once the device is free again.
    assert client.upscale(random_layer(8, 6, PixelFormat.RGB), 2).layer.width == 16


def test_the_command_line_keeps_16_bits_transparency_and_the_size_on_paper(
    daemon, client, tmp_path
) -> None:
    import pyvips

    unit = np.linspace(0, 65535, 12 * 9 * 4).reshape(9, 12, 4).astype("u2")
    image = pyvips.Image.new_from_memory(unit.tobytes(), 12, 9, 4, "ushort")
    small = tmp_path / "small.png"
    image.copy(interpretation="rgb16", xres=4.0, yres=4.0).pngsave(str(small))
    target = tmp_path / "sub" / "large.png"
    result = pastiche(daemon.paths, "upscale", small, "-o", target, "--factor", "2")
    assert result.exit_code == 0, result.output
    assert re.search(r"large\.png  24 x 18 pixels, x2 with tiny2 1\.0\.0 in .* s", result.stderr)
    large = pyvips.Image.new_from_file(str(target))
    assert (large.width, large.height, large.bands, large.format) == (24, 18, 4, "ushort")
    assert large.xres == pytest.approx(8.0, rel=1e-3)
    layer = Layer(12, 9, PixelFormat.RGBA, SampleType.U16, unit.tobytes())
    assert large.write_to_memory() == bytes(client.upscale(layer, 2).layer.data)
    again = pastiche(daemon.paths, "upscale", small, "-o", target, "--factor", "2")
    assert again.exit_code == 2
    assert "--force" in again.stderr


def test_the_command_line_names_what_is_wrong(daemon, tmp_path) -> None:
    from PIL import Image

    small = tmp_path / "small.png"
    Image.new("RGB", (8, 6), "teal").save(small)
    target = tmp_path / "large.png"
    missing = pastiche(daemon.paths, "upscale", small, "-o", target, "--pack", "missing")
    assert missing.exit_code == 1
    assert "there is no pack 'missing'" in missing.stderr
    unreadable = pastiche(daemon.paths, "upscale", tmp_path / "no.png", "-o", target)
    assert unreadable.exit_code == 1
    assert "no.png" in unreadable.stderr
    assert not target.exists()
    by_name = pastiche(daemon.paths, "upscale", small, "-o", target, "--pack", "zweifach")
    assert by_name.exit_code == 0, by_name.output
    assert pixels_of(target).shape == (12, 16, 3)


def test_what_does_not_fit_into_memory_is_upscaled_through_files(
    tmp_path: Path, packs: Path
) -> None:
    (tmp_path / "packs").mkdir()
    for pack in packs.glob("tiny2-*"):
        (tmp_path / "packs" / pack.name).write_bytes(pack.read_bytes())
    # An eighth of what it may take is less than the answer has.
    sent = random_layer(530, 511, PixelFormat.RGBA, SampleType.F32)
    samples = torch.from_numpy(samples_of(sent).copy())
    layer = LayerTensors(samples[..., :3].permute(2, 0, 1), samples[..., 3])
    network = load_upscaler(read_pack(packs / "tiny2-1.0.0.pastiche")).eval()
    least = ("--memory", "128MiB", "--precision", "float32", "--device", "cpu")
    with (
        running_daemon(tmp_path, arguments=least) as daemon,
        Client.connect(daemon.paths, start=False) as client,
    ):
        for matched in (False, True):
            got = client.upscale(sent, 2, match_histogram=matched).layer
            assert list((tmp_path / "spool").iterdir()) == []
            upscaling = upscale(network, layer, lambda _: None, match_histogram=matched)
            color, alpha = whole(upscaling)
            assert alpha is not None
            expected = torch.cat([color, alpha[None]]).permute(1, 2, 0).numpy()
            assert np.abs(samples_of(got) - expected).max() < 1e-4
