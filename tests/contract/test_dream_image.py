"""DreamImage: what layers see in a picture."""

from __future__ import annotations

import math
import queue
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pastiche.v1 import dream_pb2, dream_pb2_grpc, optimization_pb2
from pastiche_client.cancel import CancelToken, StopToken
from pastiche_client.client import Client
from pastiche_client.dream_call import DreamRequest
from pastiche_client.dream_options import DreamOptions
from pastiche_client.errors import CallCancelledError, InvalidRequestError, RefusedError
from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.optimize_options import OptimizeOptions, StyleLayer
from pastiche_client.results import DreamProgress, DreamResult, Preview
from pastiche_daemon import dream as library
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.inception import InceptionEncoder, inception_specs
from tests.contract.drivers import Refused, refusals
from tests.contract.test_stylize_image import random_layer, row_padding, samples_of
from tests.support.daemon_process import WAIT_SECONDS, DaemonProcess, wait_until

OPTIONS = DreamOptions(
    encoder="vgg19-quarter", layers={"relu3_1": 1.0}, octaves=2, steps=2, precision="float32"
)
ENDLESS = replace(OPTIONS, octaves=1, steps=10_000)
Request = dream_pb2.DreamImageRequest
Header = dream_pb2.DreamImageHeader


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with Client(daemon.paths, start=False) as client:
        yield client


@pytest.fixture
def stub(daemon: DaemonProcess) -> Iterator[Callable[[list[Request]], list[Any]]]:
    """Sends exactly these messages through grpcio."""
    with grpc.insecure_channel(daemon.address) as channel:
        method: Any = dream_pb2_grpc.DreamServiceStub(channel).DreamImage
        metadata = (("authorization", f"Bearer {daemon.info.token}"),)

        def send(messages: list[Request]) -> list[Any]:
            with refusals():
                return list(method(iter(messages), metadata=metadata, timeout=WAIT_SECONDS))

        yield send


def smooth(width: int = 96, height: int = 80, seed: int = 0) -> Layer:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 6, generator=generator)
    grown = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    pixels = (grown[0].permute(1, 2, 0).clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    return layer_from_array(pixels)


def colors(layer: Layer) -> np.ndarray[Any, Any]:
    return layer_to_array(layer)[..., :3].astype(int)


def test_the_result_is_that_of_the_library(client: Client, daemon: DaemonProcess) -> None:
    content, guide = (
        torch.from_numpy(layer_to_array(layer)).permute(2, 0, 1).float() / 255
        for layer in (smooth(), smooth(40, 48, seed=3))
    )
    file = daemon.paths.root / "encoders" / "vgg19-quarter.safetensors"
    encoder = load_encoder("vgg19-quarter", file).encoder
    for chosen, led in ((None, None), (smooth(40, 48, seed=3), library.Guide(guide))):
        wanted = library.dream(
            encoder,
            content,
            library.DreamOptions({"relu3_1": 1.0}, octaves=2, steps=2, seed=5),
            lambda _: True,
            led,
        )
        answer = client.dream(smooth(), replace(OPTIONS, seed=5), guide=chosen)
        expected = wanted.color.permute(1, 2, 0).numpy() * 255
        assert np.abs(colors(answer.layer) - expected).mean() < 0.5
        assert answer.summary.activation == pytest.approx(wanted.activation, rel=0.01)


@pytest.mark.parametrize(
    ("pixel_format", "sample_type"),
    [
        (PixelFormat.RGBA, SampleType.U8),
        (PixelFormat.BGRA, SampleType.U16),
        (PixelFormat.GREYA, SampleType.F32),
        (PixelFormat.GREY, SampleType.U16),
    ],
)
def test_every_format_comes_back_as_it_went(
    client: Client, pixel_format: PixelFormat, sample_type: SampleType
) -> None:
    sent = random_layer(37, 33, pixel_format, sample_type, padding=5, masked=True)
    guide = random_layer(20, 18, pixel_format, sample_type, padding=3, masked=True)
    got = client.dream(sent, OPTIONS, guide=guide).layer
    for name in ("width", "height", "format", "sample_type", "row_stride", "offset"):
        assert getattr(got, name) == getattr(sent, name)
    assert row_padding(got) == row_padding(sent)
    before, after = samples_of(sent), samples_of(got)
    kept = np.frombuffer(sent.mask or b"", "u1").reshape(33, 37) == 0
    if pixel_format.has_alpha:
        assert np.array_equal(after[..., -1], before[..., -1])
        kept |= before[..., -1] == 0
    assert 0 < kept.sum() < kept.size
    assert np.array_equal(after[kept], before[kept])
    assert (after[~kept] != before[~kept]).mean() > 0.3
    assert np.isfinite(after).all()


def test_it_tells_how_it_goes(client: Client, daemon: DaemonProcess) -> None:
    events: list[Any] = []
    answer = client.dream(smooth(), OPTIONS, request_id="my dream", on_event=events.append)
    steps = [e for e in events if isinstance(e, DreamProgress) and e.step]
    assert [e.step for e in steps] == sorted(e.step for e in steps)
    assert {(e.steps, e.octaves) for e in steps} == {(4, 2)}
    assert all(e.activation > 0 for e in steps)
    summary = answer.summary
    assert (summary.steps, summary.octaves, summary.stopped) == (4, 2, False)
    assert (summary.width, summary.height) == (96, 80)
    assert (summary.encoder, summary.layers) == ("vgg19-quarter", {"relu3_1": 1.0})
    assert re.fullmatch("[0-9a-f]{64}", summary.encoder_sha256)
    assert (summary.request_id, summary.notes) == ("my dream", ())
    assert re.search(r"dreamed over 96 x 80 .*'my dream'", daemon.log)


def test_layers_have_a_default(client: Client) -> None:
    answer = client.dream(smooth(), replace(OPTIONS, layers={}))
    assert answer.summary.layers == {"relu5_1": 1.0}
    assert (colors(answer.layer) != colors(smooth())).any()


@pytest.fixture
def inception(daemon: DaemonProcess) -> Iterator[None]:
    """Random weights of Inception v3, added to the daemon's encoders."""
    torch.manual_seed(0)
    network = InceptionEncoder(inception_specs()["inception_v3"])
    path = daemon.paths.root / "encoders" / "inception_v3.safetensors"
    save_file(network.stages.state_dict(), path)
    yield
    path.unlink()


@pytest.mark.usefixtures("inception")
def test_inception_networks_dream(client: Client) -> None:
    options = replace(OPTIONS, encoder="inception_v3", layers={})
    summary = client.dream(smooth(120, 100), options).summary
    assert summary.layers == {"Mixed_6a": 1.0, "Mixed_6c": 1.0}
    assert (summary.encoder, summary.steps, summary.octaves) == ("inception_v3", 4, 2)
    assert client.dream(smooth(), replace(options, precision="bfloat16")).summary.steps
    chosen = client.dream(smooth(), replace(options, layers={"Mixed_5d": 1.0}))
    assert (colors(chosen.layer) != colors(smooth())).any()
    with pytest.raises(InvalidRequestError, match=r"too small for Mixed_7c .* need 75") as refused:
        client.dream(smooth(96, 70), replace(options, layers={"Mixed_7c": 1.0}))
    assert refused.value.field == "layers"
    with pytest.raises(InvalidRequestError, match="inception_v3 has its own; leave it"):
        client.dream(smooth(), replace(options, pooling="average"))
    with pytest.raises(InvalidRequestError, match="inception_v3 is only for dreams"):
        client.optimize(smooth(), [StyleLayer(smooth())], OptimizeOptions(encoder="inception_v3"))


def test_half_precision_comes_near(client: Client) -> None:
    exact, half = (
        client.dream(smooth(), replace(OPTIONS, precision=precision)).summary.activation
        for precision in ("float32", "bfloat16")
    )
    assert half == pytest.approx(exact, rel=0.1)
    assert half != exact


def test_a_larger_layer_is_dreamed_smaller_and_keeps_its_sharpness(client: Client) -> None:
    # A pattern that is lost at half of the size.
    pixels = np.tile(np.array([[90, 160], [160, 90]], np.uint8), (60, 80))
    sent = layer_from_array(np.repeat(pixels[..., None], 3, axis=2))
    answer = client.dream(sent, replace(OPTIONS, size=80, octaves=1))
    assert (answer.summary.width, answer.summary.height) == (80, 60)
    assert "what changed was scaled up to 160 x 120" in answer.summary.notes[0]
    kept = colors(answer.layer)[..., 0] - colors(sent)[..., 0]
    assert np.abs(np.diff(kept, axis=1)).mean() < 0.3 * np.abs(np.diff(pixels.astype(int))).mean()
    assert np.abs(kept).mean() > 0.5
    whole = client.dream(sent, replace(OPTIONS, size=0, octaves=1))
    assert (whole.summary.width, whole.summary.notes) == (160, ())


def test_octaves_that_are_left_out_are_told(client: Client) -> None:
    answer = client.dream(smooth(), replace(OPTIONS, octaves=9))
    assert answer.summary.octaves < 9
    assert re.search(r"^\d of 9 octaves were dreamed", answer.summary.notes[0])


def test_strength_zero_returns_the_layer_and_says_so(client: Client) -> None:
    sent = random_layer(40, 40, PixelFormat.BGRA, SampleType.F32, padding=3)
    answer = client.dream(sent, replace(OPTIONS, strength=0.0))
    assert answer.layer.data == sent.data
    assert answer.summary.steps == 0
    assert "nothing was dreamed" in answer.summary.notes[0]


def test_strength_mixes(client: Client) -> None:
    full, half = (
        colors(client.dream(smooth(), replace(OPTIONS, strength=strength)).layer)
        for strength in (1.0, 0.5)
    )
    assert np.abs(half - (full + colors(smooth())) / 2).max() <= 1


def test_the_same_seed_gives_the_same_picture_and_another_another(client: Client) -> None:
    first, again, other = (
        bytes(client.dream(smooth(), replace(OPTIONS, seed=seed)).layer.data) for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_tiles_are_dreamed(client: Client) -> None:
    tiled = client.dream(smooth(200, 160), replace(OPTIONS, tile=128))
    whole = client.dream(smooth(200, 160), OPTIONS)
    assert (colors(tiled.layer) != colors(whole.layer)).any()
    assert np.abs(colors(tiled.layer) - colors(whole.layer)).mean() < 4


def test_previews_come_in_between(client: Client) -> None:
    sent = random_layer(80, 60)
    events: list[Any] = []
    options = replace(OPTIONS, steps=60, preview_size=20, preview_seconds=0.1)
    client.dream(sent, options, on_event=events.append)
    previews = [event.layer for event in events if isinstance(event, Preview)]
    assert previews
    assert (previews[-1].width, previews[-1].height) == (20, 15)
    assert (previews[-1].format, previews[-1].offset) == (sent.format, sent.offset)
    assert len(set(bytes(previews[-1].data))) > 10


def started(client: Client, **tokens: Any) -> Any:
    """An endless dream that has begun."""
    events: queue.Queue[Any] = queue.Queue()
    future = client.submit_dream(smooth(), ENDLESS, on_event=events.put, **tokens)
    while not getattr(events.get(timeout=WAIT_SECONDS), "step", 0):
        pass
    return future


def test_stop_and_keep(client: Client) -> None:
    stop = StopToken()
    future = started(client, stop=stop)
    stop.stop()
    answer: DreamResult = future.result(WAIT_SECONDS)
    assert answer.summary.stopped
    assert 0 < answer.summary.steps < 10_000
    assert (colors(answer.layer) != colors(smooth())).any()


def test_a_cancelled_call_gives_the_device_back(client: Client, daemon: DaemonProcess) -> None:
    started(client).cancel()
    wait_until(lambda: client.info().running == 0, "that the device is free")
    token = CancelToken()
    token.cancel()
    with pytest.raises(CallCancelledError):
        client.dream(smooth(), ENDLESS, cancel=token)


def test_a_stylization_runs_in_the_middle_of_a_dream(client: Client) -> None:
    stop = StopToken()
    future = started(client, stop=stop)
    layer = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))
    assert client.stylize(layer, "tiny/one").layer.data != layer.data
    assert not future.done()
    stop.stop()
    assert future.result(WAIT_SECONDS).summary.stopped


def test_a_picture_without_a_response_is_told(client: Client) -> None:
    # Random weights without biases do not respond to what their input maps to 0.
    black = layer_from_array(np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(InvalidRequestError, match="do not respond to this picture") as refused:
        client.dream(black, OPTIONS)
    assert (refused.value.reason, refused.value.field) == ("NO_GRADIENT", "layers")


def test_an_encoder_that_is_not_there_is_named_with_what_to_do(client: Client) -> None:
    with pytest.raises(RefusedError, match="pastiche encoders fetch googlenet") as refused:
        client.dream(smooth(), replace(OPTIONS, encoder="googlenet", layers={}))
    assert refused.value.reason == "ENCODER_MISSING"


def test_names_in_the_options_are_checked_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(ValueError, match="choose one of mean, rms, none"):
        client.dream(smooth(), replace(OPTIONS, normalization="median"))  # pyright: ignore[reportArgumentType]


def messages(guide: Layer | None = None) -> list[Request]:
    request = DreamRequest(smooth(40, 36), OPTIONS, guide)
    return [request.header(), *request.messages()]


def setting(path: str, value: object) -> Callable[[Header], object]:
    def change(header: Header) -> None:
        *parents, name = path.split(".")
        message: Any = header
        for parent in parents:
            message = message[int(parent)] if parent.isdigit() else getattr(message, parent)
        setattr(message, name, value)

    return change


def layers(*names: str) -> Callable[[Header], object]:
    return lambda header: [header.layers.add(layer=name) for name in names]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (lambda h: h.ClearField("layer"), "layer", "is missing"),
        (setting("layer.width", 31), "layer", "both sides must have at least 32"),
        (setting("layer.width", 2**31), "layer.width", "must be 1 to"),
        (setting("layer.format", 0), "layer.format", "must be GREY"),
        (setting("guide.width", 15), "guide", "at least 16 on both sides"),
        (setting("guide.sample_type", 9), "guide.sample_type", "must be U8"),
        (setting("encoder.name", "vgg18"), "encoder.name", "googlenet, inception_v3"),
        (setting("encoder.precision", 9), "encoder.precision", "no meaning"),
        (layers("relu9_1"), "layers[1].layer", "has no layer 'relu9_1'; it has conv1_1, relu1_1"),
        (layers("relu3_1"), "layers[1].layer", "given twice"),
        (layers(*map(str, range(64))), "layers", "at most 64"),
        (setting("layers.0.weight", -1.0), "layers[0].weight", "must be a number"),
        (setting("layers.0.weight", math.nan), "layers[0].weight", "must be a number"),
        (setting("layers.0.weight", 0.0), "layers", "all 0"),
        (setting("octaves", 0), "octaves", "must be 1 to 16"),
        (setting("octaves", 17), "octaves", "must be 1 to 16"),
        (setting("octave_scale", 1.0), "octave_scale", "from 1.01 to 4"),
        (setting("steps", 0), "steps", "must be 1 to 10000"),
        (setting("step_size", 0.0), "step_size", "must be a number"),
        (setting("step_size", math.inf), "step_size", "must be a number"),
        (setting("normalization", 9), "normalization", "no meaning"),
        (setting("smoothing.kind", 9), "smoothing.kind", "no meaning"),
        (setting("smoothing.sigma", -1.0), "smoothing.sigma", "from 0.01 to 64"),
        (setting("smoothing.levels", 13), "smoothing.levels", "must be 1 to 12"),
        (setting("jitter", 513), "jitter", "must be 0 to 512"),
        (setting("tile", 127), "tile", "must be 128 to 4096"),
        (setting("size", 31), "size", "0 or at least 32"),
        (setting("strength", 1.1), "strength", "from 0 to 1"),
        (setting("previews.size", 1025), "previews.size", "must be 0 to 1024"),
        (setting("previews.interval_seconds", 0.0), "previews.interval_seconds", "from 0.1"),
        (setting("request_id", "a\nb"), "request_id", "printable"),
    ],
)
def test_requests_that_make_no_sense_are_refused(stub, change, field, message) -> None:
    sent = messages(smooth(20, 16))
    change(sent[0].header)
    with pytest.raises(Refused) as refused:
        stub(sent)
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", field)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ([], "header"),
        (messages()[1:], "header"),
        ([messages()[0], messages()[0]], "chunk"),
        ([*messages(), messages()[1]], "chunk"),
        (messages()[:1], "chunk.data"),
        ([*messages(), messages()[0]], "header"),
        ([messages()[0], Request(stop=optimization_pb2.StopAndKeep())], "chunk"),
    ],
)
def test_messages_out_of_order_are_refused(stub, sent, field) -> None:
    if len(sent) > 2:  # it must not be over before the last message comes
        sent = [Request.FromString(message.SerializeToString()) for message in sent]
        sent[0].header.steps = 10_000
    with pytest.raises(Refused) as refused:
        stub(sent)
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", field)


def test_the_stubs_of_grpcio_get_the_same(stub, client: Client) -> None:
    answers = stub(messages())
    kinds = [answer.WhichOneof("event") for answer in answers]
    assert set(kinds[:-3]) <= {"queued", "progress"}
    assert kinds[-3:] == ["layer", "chunk", "summary"]
    assert answers[-2].chunk.data == bytes(client.dream(smooth(40, 36), OPTIONS).layer.data)
