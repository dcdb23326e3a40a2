"""OptimizeImage requests that make no sense are refused with words, and leave nothing behind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import psutil
import pytest

from pastiche.v1 import layer_pb2, optimization_pb2
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.optimize_header import optimize_header
from pastiche_client.optimize_options import Minimizer, OptimizeOptions, StyleLayer
from tests.contract.drivers import Driver, Refused
from tests.contract.optimize_drivers import GrpcioDriver, optimize_messages
from tests.support.daemon_process import DaemonProcess, wait_until

Request = optimization_pb2.OptimizeImageRequest
Header = optimization_pb2.OptimizeImageHeader
Messages = list[Request]
Change = Callable[[Header], object]
Start, Statistic = optimization_pb2.StartPicture, optimization_pb2.StyleStatistic

OPTIONS = OptimizeOptions(encoder="vgg19-quarter", minimizer=Minimizer(steps=1), scales=1)
CONTENT = Layer(40, 36, PixelFormat.RGBA, SampleType.U8, bytes(40 * 36 * 4), mask=b"\xff" * 1440)
STYLE = StyleLayer(
    Layer(20, 16, PixelFormat.RGB, SampleType.U8, bytes(range(240)) * 4), region=b"\xff" * 1440
)


@pytest.fixture
def stub(daemon: DaemonProcess) -> Iterator[GrpcioDriver]:
    driver = GrpcioDriver(daemon)
    yield driver
    driver.close()


def request() -> Messages:
    header = optimize_header(CONTENT, [STYLE], OPTIONS, "")
    return list(optimize_messages(header, CONTENT, [STYLE], OPTIONS))


def setting(path: str, value: object) -> Change:
    """Set a field by its path, such as `styles.0.layer.width`."""

    def change(header: Header) -> None:
        *parents, name = path.split(".")
        message: object = header
        for parent in parents:
            message = message[int(parent)] if parent.isdigit() else getattr(message, parent)  # type: ignore[index]
        setattr(message, name, value)

    return change


def layer(path: str, name: str, weight: float | None = None) -> Change:
    def change(header: Header) -> None:
        entry = getattr(header.terms, path).add(layer=name)
        if weight is not None:
            entry.weight = weight

    return change


def both(*changes: Change) -> Change:
    return lambda header: [change(header) for change in changes]


def texture(header: Header) -> None:
    header.texture.CopyFrom(
        layer_pb2.LayerHeader(
            width=40,
            height=36,
            format=layer_pb2.PIXEL_FORMAT_RGB,
            sample_type=layer_pb2.SAMPLE_TYPE_U8,
        )
    )


def pack(*styles: str) -> Change:
    def change(header: Header) -> None:
        header.start.kind = Start.KIND_PACK
        for style in styles:
            header.start.styles.add(style=style)

    return change


STATISTIC = "terms.statistic"
HEADERS: list[tuple[str, Change, str]] = [
    ("no target", lambda h: h.ClearField("content"), "content"),
    ("no width", setting("content.width", 0), "content.width"),
    ("a layer too small", setting("content.width", 31), "content"),
    ("a layer too large", setting("content.width", 2**31), "content.width"),
    ("no format", setting("content.format", 0), "content.format"),
    ("a short stride", setting("content.row_stride", 7), "content.row_stride"),
    ("a texture too small", both(texture, setting("texture.height", 8)), "texture"),
    ("a texture with a mask", both(texture, setting("texture.has_mask", 1)), "texture.has_mask"),
    (
        "a texture with padding",
        both(texture, setting("texture.row_stride", 121)),
        "texture.row_stride",
    ),
    (
        "a texture like its content",
        both(texture, setting("terms.content_weight", 1.0)),
        "terms.content_weight",
    ),
    ("a texture of half strength", both(texture, setting("strength", 0.5)), "strength"),
    ("a texture with colours of its own", both(texture, setting("colors", 2)), "colors"),
    ("a texture from its content", both(texture, setting("start.kind", 1)), "start.kind"),
    ("no style", lambda h: h.ClearField("styles"), "styles"),
    ("a style without a layer", lambda h: h.styles.add(), "styles[1].layer"),
    (
        "a style of a pixel",
        both(setting("styles.0.layer.width", 1), setting("styles.0.layer.height", 1)),
        "styles[0].layer",
    ),
    ("a style of no format", setting("styles.0.layer.format", 9), "styles[0].layer.format"),
    ("a negative share", setting("styles.0.weight", -1.0), "styles[0].weight"),
    ("a NaN share", setting("styles.0.weight", math.nan), "styles[0].weight"),
    ("no share at all", setting("styles.0.weight", 0.0), "styles"),
    ("too many styles", lambda h: [h.styles.add() for _ in range(16)], "styles"),
    ("a region of another size", setting("styles.0.region.width", 39), "styles[0].region"),
    ("a negative weight", setting("terms.style_weight", -1e-9), "terms.style_weight"),
    ("a NaN weight", setting("terms.content_weight", math.nan), "terms.content_weight"),
    ("an infinite weight", setting("terms.tv_weight", math.inf), "terms.tv_weight"),
    ("a negative exponent", setting("terms.tv_exponent", -1.0), "terms.tv_exponent"),
    (
        "no weight at all",
        both(
            setting("terms.style_weight", 0.0),
            setting("terms.content_weight", 0.0),
            setting("terms.tv_weight", 0.0),
        ),
        "terms",
    ),
    ("an unknown style layer", layer("style_layers", "conv9_1"), "terms.style_layers[0].layer"),
    ("an unknown content layer", layer("content_layers", "relu4"), "terms.content_layers[0].layer"),
    (
        "a layer that the file lacks",
        layer("content_layers", "relu5_2"),
        "terms.content_layers[0].layer",
    ),
    (
        "a layer twice",
        both(layer("style_layers", "conv1_1"), layer("style_layers", "conv1_1")),
        "terms.style_layers[1].layer",
    ),
    (
        "a layer's negative weight",
        layer("style_layers", "conv1_1", -1.0),
        "terms.style_layers[0].weight",
    ),
    ("only layers without weight", layer("style_layers", "conv1_1", 0.0), "terms.style_layers"),
    ("an unknown statistic", setting(f"{STATISTIC}.kind", 99), f"{STATISTIC}.kind"),
    ("no features", setting(f"{STATISTIC}.features", 0), f"{STATISTIC}.features"),
    ("a kernel without width", setting(f"{STATISTIC}.bandwidth", 0.0), f"{STATISTIC}.bandwidth"),
    ("a NaN constant", setting(f"{STATISTIC}.constant", math.nan), f"{STATISTIC}.constant"),
    (
        "Wasserstein in L1",
        both(
            setting(f"{STATISTIC}.kind", Statistic.KIND_WASSERSTEIN),
            setting(f"{STATISTIC}.distance", optimization_pb2.DISTANCE_L1),
        ),
        f"{STATISTIC}.distance",
    ),
    ("an unknown encoder", setting("encoder.name", "vgg99"), "encoder.name"),
    ("a path for an encoder", setting("encoder.name", "../vgg19-quarter"), "encoder.name"),
    ("an unknown pooling", setting("encoder.pooling", 7), "encoder.pooling"),
    ("an unknown precision", setting("encoder.precision", 7), "encoder.precision"),
    ("an unknown algorithm", setting("minimizer.algorithm", 7), "minimizer.algorithm"),
    ("no steps", setting("minimizer.steps", 0), "minimizer.steps"),
    ("a rate of zero", setting("minimizer.learning_rate", 0.0), "minimizer.learning_rate"),
    ("momentum of one", setting("minimizer.momentum", 1.0), "minimizer.momentum"),
    ("negative time", setting("minimizer.max_seconds", -1.0), "minimizer.max_seconds"),
    ("NaN tolerance", setting("minimizer.tolerance", math.nan), "minimizer.tolerance"),
    ("a size too small", setting("size", 31), "size"),
    ("no scales", setting("scales", 0), "scales"),
    ("too many scales", setting("scales", 9), "scales"),
    ("a tiny style", setting("style_scale", 0.01), "style_scale"),
    ("unknown colours", setting("colors", 9), "colors"),
    ("too much strength", setting("strength", 1.5), "strength"),
    ("large previews", setting("previews.size", 1025), "previews.size"),
    ("incessant previews", setting("previews.interval_seconds", 0.0), "previews.interval_seconds"),
    ("an unknown start", setting("start.kind", 42), "start.kind"),
    ("a start without its layer", setting("start.kind", Start.KIND_LAYER), "start.layer"),
    ("a layer that is not the start", setting("start.layer.width", 5), "start.layer"),
    ("a start without its styles", setting("start.kind", Start.KIND_PACK), "start.styles"),
    (
        "a start of two packs",
        pack("packs/tiny/styles/one", "packs/other/styles/three"),
        "start.styles[1].style",
    ),
    ("a request id of lines", setting("request_id", "a\nb"), "request_id"),
]


@pytest.mark.parametrize(
    ("change", "field"), [pytest.param(change, field, id=name) for name, change, field in HEADERS]
)
def test_says_which_field_is_wrong(stub: GrpcioDriver, change: Change, field: str) -> None:
    messages = request()
    change(messages[0].header)
    with pytest.raises(Refused) as refused:
        stub.send_raw(messages)
    assert refused.value.code == "INVALID_ARGUMENT", refused.value
    assert refused.value.field == field, refused.value
    assert refused.value.message.startswith(f"{field}: ")


def test_lists_the_layers_and_encoders_that_there_are(stub: GrpcioDriver) -> None:
    messages = request()
    layer("style_layers", "conv9_1")(messages[0].header)
    with pytest.raises(Refused, match=r"it has conv1_1, relu1_1, .*relu5_1, pool5$") as refused:
        stub.send_raw(messages)
    assert refused.value.reason == "LAYER_UNKNOWN"
    messages = request()
    messages[0].header.encoder.name = "vgg18"
    with pytest.raises(Refused, match=r"choose one of vgg11, .*compact$") as refused:
        stub.send_raw(messages)
    assert refused.value.reason == "ENCODER_UNKNOWN"


def test_a_pack_to_start_from_must_be_there(stub: GrpcioDriver) -> None:
    messages = request()
    pack("packs/tiny/styles/unknown")(messages[0].header)
    with pytest.raises(Refused) as refused:
        stub.send_raw(messages)
    assert (refused.value.code, refused.value.reason) == ("NOT_FOUND", "STYLE_NOT_FOUND")


def stop() -> Request:
    return Request(stop=optimization_pb2.StopAndKeep())


# The content, its mask, the style, its region.
CHUNKS: list[tuple[str, Callable[[Messages], object], str]] = [
    ("nothing at all", lambda m: m.clear(), "header"),
    ("no header", lambda m: m.pop(0), "header"),
    ("header twice", lambda m: m.insert(1, m[0]), "chunk"),
    ("no chunks", lambda m: m.__delitem__(slice(1, None)), "chunk.data"),
    ("the mask missing", lambda m: m.pop(2), "chunk.plane"),
    ("the style missing", lambda m: m.pop(3), "chunk.plane"),
    ("the region missing", lambda m: m.pop(4), "chunk.data"),
    ("a region of other bytes", lambda m: setattr(m[4].chunk, "data", b"x"), "chunk.data"),
    ("a region too long", lambda m: setattr(m[4].chunk, "data", bytes(1441)), "chunk.data"),
    ("the style first", lambda m: m.insert(1, m.pop(3)), "chunk.offset"),
    ("a stop in between", lambda m: m.insert(3, stop()), "chunk"),
]
LATE: list[tuple[str, Callable[[Messages], object], str]] = [
    ("a chunk too many", lambda m: m.append(m[4]), "chunk"),
    ("the header again", lambda m: m.append(m[0]), "header"),
    ("an empty message", lambda m: m.append(Request()), "header"),
]


@pytest.mark.parametrize(
    ("change", "field"),
    [pytest.param(change, field, id=name) for name, change, field in CHUNKS + LATE],
)
def test_says_what_does_not_fit(
    stub: GrpcioDriver, change: Callable[[Messages], object], field: str
) -> None:
    messages = request()
    messages[0].header.minimizer.steps = 100_000
    messages[0].header.minimizer.algorithm = optimization_pb2.Minimizer.ALGORITHM_ADAM
    change(messages)
    with pytest.raises(Refused) as refused:
        stub.send_raw(messages)
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", field), refused.value


def test_a_style_that_cannot_be_seen_is_refused(stub: GrpcioDriver) -> None:
    style = StyleLayer(Layer(16, 16, PixelFormat.RGBA, SampleType.U8, bytes(1024)))
    header = optimize_header(CONTENT, [style], OPTIONS, "")
    with pytest.raises(Refused, match="fully transparent") as refused:
        stub.send_raw(optimize_messages(header, CONTENT, [style], OPTIONS))
    assert refused.value.field == "styles[0].layer"


def test_a_huge_layer_is_refused_before_anything_is_allocated(
    stub: GrpcioDriver,
) -> None:
    process = psutil.Process(stub.daemon.info.pid)
    messages = request()
    messages[0].header.content.width = messages[0].header.content.height = 2**14
    messages[0].header.size = 0
    messages[0].header.styles[0].ClearField("region")
    before = process.memory_info().vms
    with pytest.raises(Refused) as refused:
        stub.send_raw(messages)
    assert (refused.value.code, refused.value.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")
    assert refused.value.retry_after is not None
    assert process.memory_info().vms - before < 2**28


def test_nothing_is_left_behind(stub: GrpcioDriver, driver: Driver) -> None:
    for _, change, _ in CHUNKS:
        messages = request()
        change(messages)
        with pytest.raises(Refused):
            stub.send_raw(messages)
    wait_until(lambda: driver.queue_counts() == (0, 0), "that no place in the queue is held")
    assert stub.send_raw([*request(), stop()])[-1].HasField("summary")
