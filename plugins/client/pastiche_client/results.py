"""What the daemon tells, as plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pastiche.v1 import (
        daemon_pb2,
        dream_pb2,
        encoders_pb2,
        optimization_pb2,
        packs_pb2,
        stylization_pb2,
        upscaling_pb2,
    )
    from pastiche_client.layer import Layer


class Stage(IntEnum):
    """What a running call does. The values are those of the API."""

    UNSPECIFIED = 0
    LOADING = 1
    PREVIEW = 2
    STYLIZING = 3


@dataclass(frozen=True)
class Queued:
    """The call waits; `position` calls run before it."""

    position: int


@dataclass(frozen=True)
class Progress:
    """`fraction` of the work is done, 0..1, never decreasing."""

    fraction: float
    stage: Stage


@dataclass(frozen=True)
class Preview:
    """A quick picture of the result, smaller than the layer."""

    layer: Layer


Event: TypeAlias = Queued | Progress | Preview


@dataclass(frozen=True)
class Summary:
    """How a layer was stylized. `notes` are sentences for the user."""

    request_id: str
    pack: str
    pack_version: str
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: stylization_pb2.StylizeImageSummary) -> Summary:
        return Summary(
            request_id=message.request_id,
            pack=message.pack,
            pack_version=message.pack_version,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class StylizeResult:
    """The pastiche: a layer of the request's size, format, sample type and offset."""

    layer: Layer
    summary: Summary
    daemon_version: str = ""


@dataclass(frozen=True)
class WeightedLosses:
    """The terms of an objective with their weights; `total` is their sum."""

    total: float
    content: float
    style: float
    tv: float

    @staticmethod
    def of(message: optimization_pb2.WeightedLosses) -> WeightedLosses:
        return WeightedLosses(message.total, message.content, message.style, message.tv)


@dataclass(frozen=True)
class OptimizeProgress:
    """`step` of at most `steps` is done, on `scale` of `scales`; both are 0 before the first.

    `losses` are those of the last step; those of different scales cannot be compared. `seconds`
    are since the first step began.
    """

    step: int
    steps: int
    scale: int
    scales: int
    losses: WeightedLosses | None
    seconds: float

    @staticmethod
    def of(message: optimization_pb2.OptimizeProgress) -> OptimizeProgress:
        return OptimizeProgress(
            step=message.step,
            steps=message.steps,
            scale=message.scale,
            scales=message.scales,
            losses=WeightedLosses.of(message.losses) if message.HasField("losses") else None,
            seconds=message.seconds,
        )


OptimizeEvent: TypeAlias = Queued | OptimizeProgress | Preview


class StopReason(IntEnum):
    """Why an optimization ended. The values are those of the API."""

    UNSPECIFIED = 0
    STEPS = 1
    TIME = 2
    CONVERGED = 3
    ASKED = 4


@dataclass(frozen=True)
class OptimizeSummary:
    """How a picture was optimized. `notes` are sentences for the user.

    `width` and `height` are those of the optimized picture; with `losses` None and `reason`
    unspecified, nothing had to be optimized.
    """

    request_id: str
    encoder: str
    encoder_sha256: str
    width: int
    height: int
    steps: int
    reason: StopReason
    losses: WeightedLosses | None
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: optimization_pb2.OptimizeImageSummary) -> OptimizeSummary:
        known = message.reason in set(StopReason)
        return OptimizeSummary(
            request_id=message.request_id,
            encoder=message.encoder,
            encoder_sha256=message.encoder_sha256,
            width=message.width,
            height=message.height,
            steps=message.steps,
            reason=StopReason(message.reason) if known else StopReason.UNSPECIFIED,
            losses=WeightedLosses.of(message.losses) if message.HasField("losses") else None,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class OptimizeResult:
    """The picture: a layer of the content's size, format, sample type and offset."""

    layer: Layer
    summary: OptimizeSummary
    daemon_version: str = ""


@dataclass(frozen=True)
class DreamProgress:
    """`step` of `steps` is done, at `octave` of `octaves`; all are 0 before the first.

    `activation` is what grows; those of different octaves cannot be compared. `seconds` are since
    the first step began.
    """

    step: int
    steps: int
    octave: int
    octaves: int
    activation: float
    seconds: float

    @staticmethod
    def of(message: dream_pb2.DreamProgress) -> DreamProgress:
        return DreamProgress(
            step=message.step,
            steps=message.steps,
            octave=message.octave,
            octaves=message.octaves,
            activation=message.activation,
            seconds=message.seconds,
        )


DreamEvent: TypeAlias = Queued | DreamProgress | Preview


@dataclass(frozen=True)
class DreamSummary:
    """How a picture was dreamed over. `notes` are sentences for the user.

    `width` and `height` are those of the dream; 0 where nothing had to be done. `stopped`: it was
    kept as it stood.
    """

    request_id: str
    encoder: str
    encoder_sha256: str
    layers: dict[str, float]
    width: int
    height: int
    steps: int
    octaves: int
    activation: float
    stopped: bool
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: dream_pb2.DreamImageSummary) -> DreamSummary:
        return DreamSummary(
            request_id=message.request_id,
            encoder=message.encoder,
            encoder_sha256=message.encoder_sha256,
            layers={entry.layer: entry.weight for entry in message.layers},
            width=message.width,
            height=message.height,
            steps=message.steps,
            octaves=message.octaves,
            activation=message.activation,
            stopped=message.stopped,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class DreamResult:
    """The dream: a layer of the request's size, format, sample type and offset."""

    layer: Layer
    summary: DreamSummary
    daemon_version: str = ""


class UpscaleStage(IntEnum):
    """What a running upscaling does. The values are those of the API."""

    UNSPECIFIED = 0
    LOADING = 1
    UPSCALING = 2


@dataclass(frozen=True)
class UpscaleProgress:
    """`fraction` of the work is done, 0..1, never decreasing."""

    fraction: float
    stage: UpscaleStage

    @staticmethod
    def of(message: upscaling_pb2.UpscaleProgress) -> UpscaleProgress:
        known = message.stage in set(UpscaleStage)
        stage = UpscaleStage(message.stage) if known else UpscaleStage.UNSPECIFIED
        return UpscaleProgress(message.fraction, stage)


UpscaleEvent: TypeAlias = Queued | UpscaleProgress | Preview


@dataclass(frozen=True)
class UpscaleSummary:
    """How a layer was made `factor` times as wide and high. `notes` are sentences for the user."""

    request_id: str
    pack: str
    pack_version: str
    factor: int
    queued_seconds: float
    compute_seconds: float
    notes: tuple[str, ...]

    @staticmethod
    def of(message: upscaling_pb2.UpscaleImageSummary) -> UpscaleSummary:
        return UpscaleSummary(
            request_id=message.request_id,
            pack=message.pack,
            pack_version=message.pack_version,
            factor=message.factor,
            queued_seconds=message.queued_seconds,
            compute_seconds=message.compute_seconds,
            notes=tuple(message.notes),
        )


@dataclass(frozen=True)
class UpscaleResult:
    """The larger layer, of the request's format, sample type and offset; its rows are packed."""

    layer: Layer
    summary: UpscaleSummary
    daemon_version: str = ""


@dataclass(frozen=True)
class SliderRange:
    minimum: float
    maximum: float
    default: float

    @staticmethod
    def of(message: packs_pb2.SliderRange) -> SliderRange:
        return SliderRange(message.minimum, message.maximum, message.default_value)


@dataclass(frozen=True)
class PackSignature:
    """An Ed25519 public key in base64, and what the user calls it; empty if it is not trusted."""

    public_key: str
    key_name: str


@dataclass(frozen=True)
class Pack:
    """A pack of the daemon. `name` is `packs/{pack}`, or `packs/{pack}@{version}` where a version
    was asked for; `provenance` says how it was made.

    `factor` is that of packs that upscale, which have no styles, and 0 for packs of styles.
    `trusted` packs are built in or signed by a key that the user trusts; `signature` is None where
    nobody signed. `shared_folder` is empty unless it is in one. `versions` are all that there are,
    the newest first; the plain name means the `current` one, which is kept if it is `pinned`.
    """

    name: str
    display_name: str
    version: str
    description: str
    architecture: str
    style_count: int
    license: str
    attribution: str
    built_in: bool
    size_bytes: int
    provenance: dict[str, Any] = field(repr=False)
    strength: SliderRange
    stroke_size: SliderRange
    factor: int = 0
    signature: PackSignature | None = None
    trusted: bool = False
    shared_folder: str = ""
    versions: tuple[str, ...] = ()
    current: bool = True
    pinned: bool = False

    @property
    def id(self) -> str:
        return self.name.removeprefix("packs/").split("@", 1)[0]

    @staticmethod
    def of(message: packs_pb2.Pack) -> Pack:
        return Pack(
            name=message.name,
            display_name=message.display_name,
            version=message.version,
            description=message.description,
            architecture=message.architecture,
            style_count=message.style_count,
            license=message.license,
            attribution=message.attribution,
            built_in=message.built_in,
            size_bytes=message.size_bytes,
            provenance=json.loads(message.provenance_json or "{}"),
            strength=SliderRange.of(message.strength),
            stroke_size=SliderRange.of(message.stroke_size),
            factor=message.factor,
            signature=PackSignature(message.signature.public_key, message.signature.key_name)
            if message.HasField("signature")
            else None,
            trusted=message.trusted,
            shared_folder=message.shared_folder,
            versions=tuple(message.versions),
            current=message.current,
            pinned=message.pinned,
        )


@dataclass(frozen=True)
class Style:
    """A style of a pack. `name` is `packs/{pack}/styles/{style}`; `preview` an encoded picture."""

    name: str
    display_name: str
    artist: str
    license: str
    preview: bytes = field(repr=False)
    preview_media_type: str

    @property
    def id(self) -> str:
        return self.name.rsplit("/", 1)[-1]

    @property
    def pack_id(self) -> str:
        return self.name.removeprefix("packs/").split("/", 1)[0].split("@", 1)[0]

    @staticmethod
    def of(message: packs_pb2.Style) -> Style:
        return Style(
            name=message.name,
            display_name=message.display_name,
            artist=message.artist,
            license=message.license,
            preview=message.preview,
            preview_media_type=message.preview_media_type,
        )


class EncoderState(IntEnum):
    """Whether and whence an encoder is there. The values are those of the API."""

    UNSPECIFIED = 0
    BUILT_IN = 1
    ADDED = 2
    FETCHED = 3
    MISSING = 4
    DAMAGED = 5


@dataclass(frozen=True)
class Encoder:
    """A network that the daemon knows. `name` is `encoders/{encoder}`.

    `layers` are those of its weights, from the input on; where these are missing or damaged, those
    that it would have, and `trouble` is a sentence for the user. `only_dreams`: `Client.dream` can
    use it, `Client.optimize` cannot.
    """

    name: str
    display_name: str
    state: EncoderState
    layers: tuple[str, ...] = field(repr=False)
    size_bytes: int
    trouble: str
    only_dreams: bool = False

    @property
    def id(self) -> str:
        """How requests choose it, such as `vgg19`."""
        return self.name.removeprefix("encoders/")

    @property
    def usable(self) -> bool:
        """Whether it is on the daemon's computer and whole."""
        return self.state in {EncoderState.BUILT_IN, EncoderState.ADDED, EncoderState.FETCHED}

    @staticmethod
    def of(message: encoders_pb2.Encoder) -> Encoder:
        known = message.state in set(EncoderState)
        return Encoder(
            name=message.name,
            display_name=message.display_name,
            state=EncoderState(message.state) if known else EncoderState.UNSPECIFIED,
            layers=tuple(message.layers),
            size_bytes=message.size_bytes,
            trouble=message.trouble,
            only_dreams=message.only_dreams,
        )


@dataclass(frozen=True)
class DaemonInfo:
    """The running daemon. `device` and why it is that are empty until torch is loaded."""

    version: str
    instance_id: str
    pid: int
    start_time: float
    device: str
    device_reason: str
    torch_version: str
    python_version: str
    max_side: int
    max_pixels: int
    max_pack_bytes: int
    waiting: int
    running: int
    data_dir: str
    log_path: str
    idle_exit_seconds: float

    @staticmethod
    def of(message: daemon_pb2.DaemonInfo) -> DaemonInfo:
        return DaemonInfo(
            version=message.version,
            instance_id=message.instance_id,
            pid=message.pid,
            start_time=message.start_time.seconds + message.start_time.nanos / 1e9,
            device=message.device,
            device_reason=message.device_reason,
            torch_version=message.torch_version,
            python_version=message.python_version,
            max_side=message.limits.max_side,
            max_pixels=message.limits.max_pixels,
            max_pack_bytes=message.limits.max_pack_bytes,
            waiting=message.queue.waiting,
            running=message.queue.running,
            data_dir=message.data_dir,
            log_path=message.log_path,
            idle_exit_seconds=message.idle_exit_seconds,
        )
