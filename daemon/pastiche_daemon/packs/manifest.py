"""The manifest of a style pack, ``pack.toml``: what the pack is, says and consists of.

Packs come from strangers: every text is bounded and free of control characters, every number has
a range, and unknown fields are errors. Nothing about the network is guessed from its weights.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Annotated, Any, Literal, TypeAlias, cast

import tomli_w
from packaging.version import Version
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pastiche_daemon import __version__
from pastiche_daemon.nn import upscaler_switches
from pastiche_daemon.nn.loss_switches import (
    ContentNormalization,
    Distance,
    StatisticKind,
    StatisticNormalization,
)
from pastiche_daemon.nn.transformer_switches import Norm, Output, Padding, Upsampling, ValueRange
from pastiche_daemon.packs.errors import DamagedPackError, UnsupportedPackError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA_VERSION = 1
MANIFEST_NAME = "pack.toml"
WEIGHTS_NAME = "weights.safetensors"
LARGEST_STYLE_COUNT = 128

# https://semver.org, with numbers short enough for everybody's integers
_NUMBER = r"(?:0|[1-9]\d{0,8})"
_RELEASE = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
_SEMVER = (
    rf"^{_RELEASE}"
    r"(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
)
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_SHA256 = r"^[0-9a-f]{64}$"
# A dotted key takes time and memory with the square of its parts to parse. Keys are what is left
# once strings and comments are taken out; an unclosed string reaches to the end.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\\?\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_LONG_KEY = re.compile(r"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){8}")
_LARGEST_INTEGER = 2**63 - 1  # TOML's


def _no_controls(text: str, allowed: str) -> str:
    for character in text:
        # Cc and Cf: what moves cursors, hides text or reverses its direction on a terminal.
        if character not in allowed and unicodedata.category(character) in {"Cc", "Cf", "Cs"}:
            raise ValueError(f"must not contain the control character {character!a}")
    return text


def _line(text: str) -> str:
    return _no_controls(text, "")


def _paragraph(text: str) -> str:
    return _no_controls(text, "\n\t")


Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
SemVer = Annotated[str, StringConstraints(pattern=_SEMVER, max_length=64)]
Release = Annotated[str, StringConstraints(pattern=rf"^{_RELEASE}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_line)]
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_line)]
Paragraph = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_paragraph)]
Command = Annotated[str, StringConstraints(max_length=16_000), AfterValidator(_paragraph)]
License = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+:() -]{1,200}$")]
Sha256 = Annotated[str, StringConstraints(pattern=_SHA256)]
PreviewPath = Annotated[
    str, StringConstraints(pattern=rf"^previews/{_SEGMENT}\.(?:png|jpg|webp)$", max_length=120)
]
FilePath = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(?:{_SEGMENT}\.safetensors|previews/{_SEGMENT}\.(?:png|jpg|webp))$",
        max_length=120,
    ),
]
WeightsPath = Annotated[
    str, StringConstraints(pattern=rf"^{_SEGMENT}\.safetensors$", max_length=120)
]
Count = Annotated[int, Field(ge=0, le=_LARGEST_INTEGER)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Width = Annotated[int, Field(ge=1, le=512)]
LayerWeights = Annotated[dict[Name, Finite], Field(max_length=64)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TransformerArchitecture(_Model):
    """Hyperparameters of a `nn.transformer.TransformerNetwork`, which explains them.

    ``channels`` are the widths at full, half and quarter resolution, each 1..512. The styles are
    counted elsewhere; more than one needs ``norm`` conditional_instance.
    """

    kind: Literal["transformer"] = "transformer"
    channels: Annotated[tuple[Width, Width, Width], Field(strict=False)]
    residual_blocks: Annotated[int, Field(ge=0, le=32)]
    end_kernel: Annotated[int, Field(ge=1, le=31)]
    upsampling: Upsampling
    norm: Norm
    padding: Padding
    output: Output

    @model_validator(mode="after")
    def _check_kernel(self) -> TransformerArchitecture:
        if self.end_kernel % 2 == 0:
            raise ValueError(f"end_kernel must be odd, not {self.end_kernel}")
        return self


class UpscalerArchitecture(_Model):
    """Hyperparameters of a `nn.upscaler.UpscalerNetwork`, which explains them.

    ``channels`` are the widths at the low resolution and after each of the log2(``factor``)
    doublings, each 1..512.
    """

    kind: Literal["upscaler"] = "upscaler"
    factor: upscaler_switches.Factor
    channels: Annotated[tuple[Width, ...], Field(strict=False, min_length=2, max_length=4)]
    residual_blocks: Annotated[int, Field(ge=0, le=32)]
    end_kernel: Annotated[int, Field(ge=1, le=31)]
    upsampling: upscaler_switches.Upsampling
    norm: upscaler_switches.Norm
    padding: upscaler_switches.Padding
    output: upscaler_switches.Output

    @model_validator(mode="after")
    def _check_sizes(self) -> UpscalerArchitecture:
        if self.end_kernel % 2 == 0:
            raise ValueError(f"end_kernel must be odd, not {self.end_kernel}")
        widths = self.factor.bit_length()
        if len(self.channels) != widths:
            raise ValueError(
                f"channels must be {widths} widths for the factor {self.factor}, "
                f"not {len(self.channels)}"
            )
        return self


class SliderRange(_Model):
    """What a slider offers: ``minimum <= default <= maximum``, and a range that is not empty."""

    minimum: Finite
    maximum: Finite
    default: Finite

    @model_validator(mode="after")
    def _check_order(self) -> SliderRange:
        if not (self.minimum <= self.default <= self.maximum and self.minimum < self.maximum):
            raise ValueError(
                "must have minimum <= default <= maximum and minimum < maximum, not "
                f"{self.minimum}, {self.default}, {self.maximum}"
            )
        return self


class StyleEntry(_Model):
    """One style. Its place in the list is its row in the network's scales and shifts.

    An empty ``license`` or ``attribution`` means the pack's.
    """

    id: Id
    display_name: Name
    artist: Line = ""
    license: License | Literal[""] = ""
    attribution: Paragraph = ""
    preview: PreviewPath | None = None


class FileEntry(_Model):
    """The SHA-256 of a file of the pack, in lower-case hex, and its size in bytes."""

    sha256: Sha256
    size: Count


class TrainingLosses(_Model):
    """Which of the literature's losses a training took; `nn.objective` explains them.

    ``like`` is the name of the preset that it began with, if any.
    """

    content_distance: Distance
    content_normalization: ContentNormalization
    style_statistic: StatisticKind
    style_distance: Distance
    style_normalization: StatisticNormalization
    like: Line = ""


class TrainingProvenance(_Model):
    """How the network was made: enough to make it again.

    ``content_layers`` and ``style_layers`` hold each layer's weight (``content_layers`` those of
    the feature loss of a pack that upscales), ``weights`` those of the loss terms,
    ``style_sha256`` the hash of each style's picture. ``photographs`` is how many there were,
    ``crop_size`` is in pixels, ``seconds`` the time spent in steps, ``date`` is ISO 8601.
    """

    command: Command
    dataset: Paragraph = ""
    photographs: Count
    encoder: Name
    encoder_sha256: Sha256
    encoder_origin: Paragraph = ""
    seed: Count
    steps: Count
    batch_size: Count
    crop_size: Count
    learning_rate: NotNegative
    content_layers: LayerWeights
    style_layers: LayerWeights
    weights: LayerWeights
    losses: TrainingLosses | None = None
    style_sha256: Annotated[dict[Id, Sha256], Field(max_length=LARGEST_STYLE_COUNT)] = {}
    commit: Name
    pastiche_version: Name
    torch_version: Name
    torchvision_version: Name
    seconds: NotNegative
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    precision: Name
    notes: Annotated[list[Paragraph], Field(max_length=64)] = []


class Signature(_Model):
    """An Ed25519 signature in base64, of what `signing` says. Trust is decided elsewhere."""

    algorithm: Literal["ed25519"] = "ed25519"
    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    value: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class PackManifest(_Model):
    """What every pack says of itself.

    ``files`` has every file of the pack but the manifest; `archive.write_pack` fills it in.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Id
    version: SemVer
    display_name: Name
    description: Paragraph = ""
    least_daemon_version: Release
    license: License
    attribution: Paragraph = ""
    training: TrainingProvenance
    weights: WeightsPath = WEIGHTS_NAME
    files: Annotated[dict[FilePath, FileEntry], Field(max_length=LARGEST_STYLE_COUNT + 1)] = {}
    signature: Signature | None = None


class Manifest(PackManifest):
    """All that a pack of styles says of itself.

    ``value_range`` is that of the pixels that the network takes, and of those that it gives where
    its output is linear. ``native_stroke_size`` is the longer side, in pixels, of the style
    pictures in training.
    """

    architecture: TransformerArchitecture
    value_range: ValueRange
    gram_normalization: Literal["none", "hw", "chw"]
    styles: Annotated[list[StyleEntry], Field(min_length=1, max_length=LARGEST_STYLE_COUNT)]
    native_stroke_size: Annotated[int, Field(ge=16, le=16_384)]
    strength: SliderRange
    stroke_size: SliderRange

    @model_validator(mode="after")
    def _check_consistency(self) -> Manifest:
        seen: set[str] = set()
        for style in self.styles:
            if style.id in seen:
                raise ValueError(f"styles: the id {style.id!r} appears twice; ids must differ")
            seen.add(style.id)
        norm = self.architecture.norm
        if len(self.styles) > 1 and norm != "conditional_instance":
            raise ValueError(f"architecture.norm: {norm} is for one style, not {len(self.styles)}")
        _check_within("strength", self.strength, 0.0, 1.0)
        _check_within("stroke_size", self.stroke_size, 0.25, 4.0)
        return self

    @property
    def content_paths(self) -> frozenset[str]:
        """The files that the manifest makes use of: the weights and the styles' previews."""
        previews = {style.preview for style in self.styles if style.preview is not None}
        return frozenset({self.weights} | previews)


class UpscalerManifest(PackManifest):
    """All that a pack says of itself that makes layers larger. It has no styles."""

    architecture: UpscalerArchitecture

    @property
    def styles(self) -> list[StyleEntry]:
        """None: such a pack never appears among styles."""
        return []

    @property
    def content_paths(self) -> frozenset[str]:
        """The files that the manifest makes use of: the weights."""
        return frozenset({self.weights})


AnyManifest: TypeAlias = Manifest | UpscalerManifest
_KINDS: dict[str, type[AnyManifest]] = {
    "transformer": Manifest,
    "upscaler": UpscalerManifest,
}


def _check_within(field: str, slider: SliderRange, low: float, high: float) -> None:
    if slider.minimum < low or slider.maximum > high:
        raise ValueError(
            f"{field}: must lie in {low:g}..{high:g}, not {slider.minimum:g}..{slider.maximum:g}"
        )


def parse_manifest(text: bytes) -> AnyManifest:
    """Read a manifest from TOML in UTF-8.

    Raises `UnsupportedPackError` for a schema, daemon version, architecture or convention that is
    not known here, `DamagedPackError` for everything else that is wrong, naming the fields.
    """
    return manifest_of(manifest_values(text))


def manifest_values(text: bytes) -> dict[str, Any]:
    """The values of a manifest's TOML, not checked yet. Raises `DamagedPackError`."""
    try:
        decoded = text.decode("utf-8")
        if _LONG_KEY.search(_STRING_OR_COMMENT.sub("s", decoded)):
            raise DamagedPackError(f"{MANIFEST_NAME} has a key of too many parts")
        return tomllib.loads(decoded)
    except UnicodeDecodeError as error:
        raise DamagedPackError(f"{MANIFEST_NAME} is not UTF-8 text: {error.reason}") from error
    except RecursionError as error:
        raise DamagedPackError(f"{MANIFEST_NAME} is nested too deeply") from error
    except ValueError as error:
        raise DamagedPackError(f"{MANIFEST_NAME} is not TOML: {error!s:.200}") from error


def manifest_of(values: dict[str, Any]) -> AnyManifest:
    """The manifest of checked values. Raises as `parse_manifest` does."""
    _check_supported(values)
    try:
        return _KINDS.get(_kind_of(values) or "", Manifest).model_validate(values)
    except ValidationError as error:
        raise _pack_error(error) from error


def dump_manifest(manifest: PackManifest) -> bytes:
    """Write a manifest as TOML; `parse_manifest` gives it back."""
    return tomli_w.dumps(manifest.model_dump(exclude_none=True)).encode()


def _check_supported(values: dict[str, Any]) -> None:
    """Refuse what is from the future before complaining about fields that are unknown today."""
    schema = values.get("schema_version")
    if isinstance(schema, bool):  # which equals 0 or 1
        raise DamagedPackError(f"{MANIFEST_NAME}: schema_version: must be an integer")
    if isinstance(schema, int) and schema != SCHEMA_VERSION:
        raise UnsupportedPackError(
            f"schema_version: this daemon ({__version__}) reads packs of schema {SCHEMA_VERSION}, "
            f"not {_shown(schema)}; update Pastiche"
        )
    least = values.get("least_daemon_version")
    if isinstance(least, str) and re.fullmatch(_RELEASE, least) and _is_newer(least):
        raise UnsupportedPackError(
            f"least_daemon_version: the pack needs Pastiche {least} or later, "
            f"this is {__version__}; update Pastiche"
        )
    kind = _kind_of(values)
    if kind is not None and kind not in _KINDS:
        known = " and ".join(repr(name) for name in _KINDS)
        raise UnsupportedPackError(
            f"architecture.kind: this daemon ({__version__}) runs {known}, "
            f"not {_shown(kind)}; update Pastiche"
        )


def _kind_of(values: dict[str, Any]) -> str | None:
    """The declared kind of network; None where there is no text for it."""
    architecture = values.get("architecture")
    if not isinstance(architecture, dict):
        return None
    kind = cast("dict[str, object]", architecture).get("kind")
    return kind if isinstance(kind, str) else None


def _is_newer(release: str) -> bool:
    return Version(release).release > Version(__version__).release


def _pack_error(error: ValidationError) -> DamagedPackError | UnsupportedPackError:
    """The first problems, each with its field's path; what they quote is kept short."""
    problems = error.errors(include_url=False)
    unsupported = False
    lines: list[str] = []
    for problem in problems:
        path = ".".join(_shown_key(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        given = problem["input"]
        if isinstance(given, (str, int, float)) and problem["type"] != "missing":
            message += f" (not {_shown(given)})"
        lines.append(f"{path}: {message[:300]}" if path else message[:300])
        top = str(problem["loc"][0]) if problem["loc"] else ""
        unsupported |= problem["type"] == "literal_error" and top in {
            "architecture",
            "value_range",
            "gram_normalization",
        }
    shown = "; ".join(lines[:5])
    if len(lines) > 5:
        shown += f"; and {len(lines) - 5} more"
    kind = UnsupportedPackError if unsupported else DamagedPackError
    return kind(f"{MANIFEST_NAME}: {shown}")


def _shown_key(part: str | int) -> str:
    return str(part) if isinstance(part, int) else ascii(part[:60])[1:-1]


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return ascii(value[:60]) + ("..." if len(value) > 60 else "")
    # Python refuses to write out integers of thousands of digits.
    if isinstance(value, int) and value.bit_length() > 128:
        return "an integer of more than 128 bits"
    return str(value)
