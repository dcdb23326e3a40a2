from __future__ import annotations

import string
import sys
from collections.abc import Callable
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pastiche_daemon.packs.errors import DamagedPackError, UnsupportedPackError
from pastiche_daemon.packs.manifest import (
    FileEntry,
    Manifest,
    Signature,
    SliderRange,
    StyleEntry,
    TrainingProvenance,
    TransformerArchitecture,
    dump_manifest,
    parse_manifest,
)
from tests.support.tiny_pack import tiny_manifest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_CHARACTERS = st.characters(exclude_categories=("Cc", "Cf", "Cs"))
_LINES = st.text(_CHARACTERS, max_size=40)
_NAMES = st.text(_CHARACTERS, min_size=1, max_size=40)
_PARAGRAPHS = st.text(st.one_of(_CHARACTERS, st.sampled_from("\n\t")), max_size=80)
_IDS = st.from_regex(r"\A[a-z][a-z0-9_-]{0,62}\Z")
_HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
_COUNTS = st.integers(0, 2**63 - 1)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_POSITIVE = st.floats(0, allow_nan=False, allow_infinity=False)
_BASE64 = string.ascii_letters + string.digits + "+/"
_LAYERS = st.dictionaries(_NAMES, _NUMBERS, max_size=4)


@st.composite
def _sliders(draw: st.DrawFn, low: float, high: float) -> SliderRange:
    values = st.floats(low, high)
    minimum, default, maximum = sorted(draw(st.tuples(values, values, values)))
    if minimum == maximum:
        minimum, maximum = low, high
    return SliderRange(minimum=minimum, default=default, maximum=maximum)


_ARCHITECTURES = st.builds(
    TransformerArchitecture,
    channels=st.tuples(*[st.integers(1, 512)] * 3),
    residual_blocks=st.integers(0, 32),
    end_kernel=st.integers(0, 15).map(lambda half: 2 * half + 1),
    upsampling=st.sampled_from(["transposed", "nearest", "bilinear"]),
    norm=st.just("conditional_instance"),
    padding=st.sampled_from(["zero", "reflect"]),
    output=st.sampled_from(["tanh", "sigmoid", "linear"]),
)
_STYLES = st.builds(
    StyleEntry,
    id=_IDS,
    display_name=_NAMES,
    artist=_LINES,
    license=st.sampled_from(["", "CC-BY-4.0", "LicenseRef-PublicDomain"]),
    attribution=_PARAGRAPHS,
    preview=st.none() | st.sampled_from(["previews/a.png", "previews/B_2.jpg", "previews/c.webp"]),
)
_PROVENANCES = st.builds(
    TrainingProvenance,
    command=_PARAGRAPHS,
    dataset=_PARAGRAPHS,
    photographs=_COUNTS,
    encoder=_NAMES,
    encoder_sha256=_HASHES,
    encoder_origin=_PARAGRAPHS,
    seed=_COUNTS,
    steps=_COUNTS,
    batch_size=_COUNTS,
    crop_size=_COUNTS,
    learning_rate=_POSITIVE,
    content_layers=_LAYERS,
    style_layers=_LAYERS,
    weights=_LAYERS,
    style_sha256=st.dictionaries(_IDS, _HASHES, max_size=3),
    commit=_NAMES,
    pastiche_version=_NAMES,
    torch_version=_NAMES,
    torchvision_version=_NAMES,
    seconds=_POSITIVE,
    date=st.dates().map(lambda date: date.isoformat()),
    precision=_NAMES,
    notes=st.lists(_PARAGRAPHS, max_size=3),
)
_MANIFESTS = st.builds(
    Manifest,
    schema_version=st.just(1),
    id=_IDS,
    version=st.sampled_from(["0.0.1", "1.20.3", "2.0.0-rc.1", "1.0.0-x-y.2+build.7"]),
    display_name=_NAMES,
    description=_PARAGRAPHS,
    least_daemon_version=st.sampled_from(["0.0.0", "0.0.9", "0.1.0"]),
    architecture=_ARCHITECTURES,
    value_range=st.sampled_from(["0..1", "0..255"]),
    gram_normalization=st.sampled_from(["none", "hw", "chw"]),
    styles=st.lists(_STYLES, min_size=1, max_size=4, unique_by=lambda style: style.id),
    native_stroke_size=st.integers(16, 16_384),
    strength=_sliders(0.0, 1.0),
    stroke_size=_sliders(0.25, 4.0),
    license=st.sampled_from(["Apache-2.0", "MIT OR (CC0-1.0 AND BSD-3-Clause)", "GPL-2.0+"]),
    attribution=_PARAGRAPHS,
    training=_PROVENANCES,
    weights=st.sampled_from(["weights.safetensors", "half.safetensors"]),
    files=st.dictionaries(
        st.sampled_from(["weights.safetensors", "previews/a.png", "previews/c.webp"]),
        st.builds(FileEntry, sha256=_HASHES, size=_COUNTS),
    ),
    signature=st.none()
    | st.builds(
        Signature,
        public_key=st.text(_BASE64, min_size=43, max_size=43).map(lambda text: text + "="),
        value=st.text(_BASE64, min_size=86, max_size=86).map(lambda text: text + "=="),
    ),
)


def _values() -> dict[str, Any]:
    return tomllib.loads(dump_manifest(tiny_manifest()).decode())


def _parse(values: dict[str, Any]) -> Manifest:
    manifest = parse_manifest(tomli_w.dumps(values).encode())
    assert isinstance(manifest, Manifest)
    return manifest


def _edited(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    values = _values()
    edit(values)
    return values


@settings(max_examples=150)
@given(_MANIFESTS)
def test_a_manifest_survives_being_written_and_read(manifest: Manifest) -> None:
    assert parse_manifest(dump_manifest(manifest)) == manifest


def test_the_same_manifest_is_always_the_same_bytes() -> None:
    assert dump_manifest(tiny_manifest()) == dump_manifest(tiny_manifest())


def test_a_manifest_cannot_be_changed() -> None:
    manifest = tiny_manifest()
    with pytest.raises(ValidationError, match="frozen"):
        manifest.id = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_the_files_in_use_are_the_weights_and_the_previews() -> None:
    manifest = tiny_manifest()
    assert manifest.content_paths == {
        "weights.safetensors",
        "previews/one.png",
        "previews/two.png",
    }


@pytest.mark.parametrize("field", [name for name in _values() if name != "files"])
def test_a_missing_field_is_named(field: str) -> None:
    optional = {"schema_version", "description", "attribution", "weights"}
    values = _edited(lambda v: v.pop(field))
    if field in optional:
        _parse(values)
    else:
        with pytest.raises(DamagedPackError, match=f"{field}: Field required"):
            _parse(values)


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def edit(values: Any) -> None:
        for part in path[:-1]:
            values = values[part]
        values[path[-1]] = to

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("schema_version", to="1"), "schema_version: "),
        (_set("schema_version", to=True), "schema_version: "),
        (_set("surprise", to=1), "surprise: Extra inputs"),
        (_set("training", "surprise", to=1), "training.surprise: Extra inputs"),
        (_set("id", to="Tiny"), "id: .*'Tiny'"),
        (_set("id", to="../tiny"), "id: "),
        (_set("id", to="tiny\n"), "id: "),
        (_set("id", to="a" * 64), "id: "),
        (_set("id", to=7), "id: .*valid string"),
        (_set("version", to="1.0"), "version: "),
        (_set("version", to="1.0.0/../.."), "version: "),
        (_set("version", to="01.0.0"), "version: "),
        (_set("version", to="1.0.0\n"), "version: "),
        (_set("least_daemon_version", to="new"), "least_daemon_version: "),
        (_set("display_name", to=""), "display_name: "),
        (_set("display_name", to="x" * 121), "display_name: "),
        (_set("display_name", to="\x1b[2Jgone"), "display_name: .*control character"),
        (_set("display_name", to="ab\u202edc"), "display_name: .*control character"),
        (_set("display_name", to="two\nlines"), "display_name: .*control character"),
        (_set("description", to="x" * 4001), "description: "),
        (_set("description", to="\x07"), "description: .*control character"),
        (_set("license", to=""), "license: "),
        (_set("license", to="<script>"), "license: "),
        (_set("native_stroke_size", to=15), "native_stroke_size: "),
        (_set("native_stroke_size", to=1e3), "native_stroke_size: "),
        (_set("strength", "default", to=1.5), "strength: .*minimum <= default"),
        (_set("strength", "default", to=float("nan")), "strength.default: "),
        (_set("strength", "maximum", to=2.0), "strength: must lie in 0..1"),
        (_set("stroke_size", "minimum", to=0.1), "stroke_size: must lie in 0.25..4"),
        (
            _set("stroke_size", to={"minimum": 1.0, "maximum": 1.0, "default": 1.0}),
            "stroke_size: .*minimum < maximum",
        ),
        (_set("styles", to=[]), "styles: "),
        (_set("styles", 1, "id", to="one"), "styles: .*'one' appears twice"),
        (_set("styles", 1, "id", to="Two"), "styles.1.id: "),
        (_set("styles", 1, "preview", to="../two.png"), "styles.1.preview: "),
        (_set("styles", 1, "preview", to="previews/two.svg"), "styles.1.preview: "),
        (_set("styles", 1, "preview", to="weights.safetensors"), "styles.1.preview: "),
        (_set("weights", to="weights.pt"), "weights: "),
        (_set("weights", to="/weights.safetensors"), "weights: "),
        (_set("files", to={"x.py": {"sha256": "0" * 64, "size": 1}}), "files.x.py"),
        (_set("files", to={"a.safetensors": {"sha256": "0" * 63, "size": 1}}), "sha256: "),
        (_set("files", to={"a.safetensors": {"sha256": "F" * 64, "size": 1}}), "sha256: "),
        (_set("files", to={"a.safetensors": {"sha256": "0" * 64, "size": -1}}), "size: "),
        (_set("training", "seed", to=-1), "training.seed: "),
        (_set("training", "learning_rate", to=float("inf")), "training.learning_rate: "),
        (_set("training", "date", to="yesterday"), "training.date: "),
        (_set("training", "weights", to={"style": "1"}), "training.weights.style: "),
        (_set("architecture", "channels", to=[4, 8]), "architecture.channels"),
        (_set("architecture", "channels", to=[4, 8, "8"]), "architecture.channels.2: "),
        (_set("architecture", "channels", to=[4, 8, 0]), "architecture.channels.2: "),
        (_set("architecture", "channels", to=[4, 8, 513]), "architecture.channels.2: "),
        (_set("architecture", "channels", to=[2**62] * 3), "architecture.channels.0: "),
        (_set("architecture", "residual_blocks", to=33), "architecture.residual_blocks: "),
        (_set("architecture", "residual_blocks", to=-1), "architecture.residual_blocks: "),
        (_set("architecture", "end_kernel", to=8), "architecture: end_kernel must be odd"),
        (_set("architecture", "end_kernel", to=33), "architecture.end_kernel: "),
        (_set("signature", to={"algorithm": "ed25519", "public_key": "x"}), "signature.public_key"),
    ],
)
def test_a_bad_value_is_named(edit: Callable[[dict[str, Any]], None], message: str) -> None:
    with pytest.raises(DamagedPackError, match=message):
        _parse(_edited(edit))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("schema_version", to=2), "schema_version: .*schema 1, not 2; update"),
        (_set("schema_version", to=10**400), "schema_version: .*128 bits"),
        (_set("least_daemon_version", to="0.1.1"), r"least_daemon_version: .*0\.1\.1 or later"),
        (_set("least_daemon_version", to="999.0.0"), "least_daemon_version: .*999"),
        (_set("architecture", "kind", to="diffusion"), "architecture.kind: .*'diffusion'"),
        (_set("architecture", "norm", to="group"), "architecture.norm: .*'group'"),
        (_set("architecture", "upsampling", to="cubic"), "architecture.upsampling: "),
        (_set("architecture", "padding", to="circular"), "architecture.padding: "),
        (_set("architecture", "output", to="relu"), "architecture.output: "),
        (_set("value_range", to="-1..1"), "value_range: "),
        (_set("gram_normalization", to="batch"), "gram_normalization: "),
    ],
)
def test_what_only_a_later_daemon_knows_is_unsupported(
    edit: Callable[[dict[str, Any]], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pastiche_daemon.packs.manifest.__version__", "0.1.0")
    with pytest.raises(UnsupportedPackError, match=message):
        _parse(_edited(edit))


def test_a_later_schema_is_unsupported_whatever_fields_it_has() -> None:
    with pytest.raises(UnsupportedPackError, match="schema_version"):
        parse_manifest(b"schema_version = 7\n[whatever]\nit = 'is'\n")


def test_many_problems_make_a_short_message() -> None:
    with pytest.raises(DamagedPackError, match="and 200 more") as caught:
        _parse(_edited(lambda v: v.update({f"k{i:03}" + "x" * 5000: "y" * 9 for i in range(205)})))
    assert len(str(caught.value)) < 2500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Field required"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\x80\x04\x95", "not UTF-8"),
        (b"id = ", "not TOML"),
        (b"id = 1\nid = 2\n", "not TOML"),
        (b"id = " + b"[" * 50_000, "nested too deeply|not TOML"),
        (b"id = " + b"{a=" * 20_000, "nested too deeply|not TOML"),
        (b"id = " + b"9" * 100_000, "not TOML|valid string"),
        (b"id = 0x" + b"f" * 100_000, "id: "),
        (b"id = 1e999999", "id: "),
        (b"schema_version = 0x" + b"f" * 100_000, "128 bits|64 bits"),
    ],
)
def test_what_is_not_a_manifest_is_refused(text: bytes, message: str) -> None:
    with pytest.raises((DamagedPackError, UnsupportedPackError), match=message):
        parse_manifest(text)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 60_000 + "a = 1",
        "[" + "a . " * 30_000 + "a]",
        "x = {" + "a." * 60_000 + "a = 1}",
        "x = '''\n" + "'''\n" + "'a'.\"b\"." * 10_000 + "c = 1",
        'x = """\\""" # """\n' + "y = 1 # '''\n" + "a.b\t." * 20_000 + "c = 1",
    ],
)
def test_keys_of_many_parts_are_refused_before_they_are_parsed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("it was parsed"))
    with pytest.raises(DamagedPackError, match="key of too many parts"):
        parse_manifest(text.encode())


def test_dots_in_texts_and_comments_are_no_keys() -> None:
    dots = "a.b.c.d.e.f.g.h.i.j.k.l"
    text = dump_manifest(tiny_manifest(description=f'{dots}\n"""{dots}')).decode()
    text = f"# {dots}\n{text}".replace("'", "'")
    text = text.replace("attribution = ", f"attribution = '''\n{dots}\n''' # {dots}\n#", 1)
    manifest = parse_manifest(text.encode())
    assert manifest.description == f'{dots}\n"""{dots}'
    assert manifest.attribution == f"{dots}\n"
