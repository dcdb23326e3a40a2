"""Weights from files and from a server, checked before they are put in their place."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torchvision.models import googlenet

from pastiche_daemon.encoder_adding import (
    EncoderSource,
    FetchError,
    add_encoder,
    fetch_encoder,
    source_of,
)
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.encoders import (
    EncoderFileError,
    UnknownEncoderError,
    load_encoder,
    load_network,
)
from pastiche_daemon.photographs import PictureError, load_picture, picture_tensor
from tests.support.tiny_training import write_encoder, write_photographs


@pytest.fixture
def store(tmp_path: Path) -> EncoderStore:
    return EncoderStore(tmp_path / "none", tmp_path / "added")


@pytest.fixture
def vgg11(tmp_path: Path) -> Path:
    """torchvision's state dict of the first three convolutions, and a classifier's key."""
    shapes = {"features.0": (64, 3), "features.3": (128, 64), "features.6": (256, 128)}
    generator = torch.Generator().manual_seed(0)
    state = {"classifier.0.weight": torch.zeros(2)}
    for key, shape in shapes.items():
        state[f"{key}.weight"] = torch.randn(*shape, 3, 3, generator=generator) * 0.03
        state[f"{key}.bias"] = torch.zeros(shape[0])
    path = tmp_path / "served" / "vgg11.pth"
    path.parent.mkdir()
    torch.save(state, path)
    return path


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def server(vgg11: Path) -> Iterator[str]:
    handler = partial(Handler, directory=str(vgg11.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def same_features(name: str, first: Path, second: Path, layer: str) -> bool:
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    features = [load_encoder(name, path).encoder(image, [layer])[layer] for path in (first, second)]
    return torch.equal(*features)


def test_a_state_dict_becomes_a_file_of_convolutions(store, vgg11):
    added = add_encoder(store, "vgg11", vgg11)
    assert added == store.find("vgg11").path
    assert store.find("vgg11").spec.convolutions == ("conv1_1", "conv2_1", "conv3_1")
    assert same_features("vgg11", vgg11, added, "relu3_1")
    assert b"classifier" not in added.read_bytes()


def test_what_the_weights_take_is_kept(store, vgg11):
    added = add_encoder(store, "vgg11", vgg11, preprocessing="caffe")
    assert load_encoder("vgg11", added).encoder.spec.preprocessing == "caffe"


def test_weights_that_take_blue_first_are_turned_around(store, vgg11, tmp_path):
    """Caffe's order, in which pytorch-vgg and neural-style-pt have them."""
    plain = add_encoder(store, "vgg11", vgg11, preprocessing="caffe").rename(
        tmp_path / "rgb.safetensors"
    )
    state = torch.load(vgg11, weights_only=True)
    state["features.0.weight"] = state["features.0.weight"].flip(1)
    turned = tmp_path / "bgr.pth"
    torch.save(state, turned)
    added = add_encoder(store, "vgg11", turned, preprocessing="caffe", bgr=True)
    assert same_features("vgg11", plain, added, "relu3_1")
    wrong = add_encoder(store, "vgg11", turned, preprocessing="caffe")
    assert not same_features("vgg11", plain, wrong, "relu3_1")


def test_a_learned_input_is_kept(store, tmp_path):
    path = write_encoder(tmp_path / "quarter.safetensors")
    added = add_encoder(store, "vgg19-quarter", path)
    assert same_features("vgg19-quarter", path, added, "relu5_1")


def test_weights_are_scaled_to_mean_activations(store, vgg11, tmp_path, monkeypatch):
    monkeypatch.setattr("pastiche_daemon.encoder_adding._SCALING_STEPS", 2)
    photographs = write_photographs(tmp_path / "photos")
    added = add_encoder(store, "vgg11", vgg11, photographs=photographs)
    pictures = [picture_tensor(load_picture(path)) for path in sorted(photographs.iterdir())]

    def mean_activation(path: Path) -> float:
        encoder = load_encoder("vgg11", path).encoder
        return encoder(torch.cat(pictures), ["relu3_1"])["relu3_1"].mean().item()

    assert mean_activation(vgg11) < 0.3
    # Not 1, because the crops of the scaling are enlarged, and thus smoother.
    assert 0.5 < mean_activation(added) < 2.5
    with pytest.raises(PictureError):
        add_encoder(store, "vgg11", vgg11, photographs=tmp_path / "nothing")


def test_fetched_weights_are_checked_and_added(store, vgg11, server):
    seen: list[tuple[int, int | None]] = []
    source = EncoderSource(f"{server}/vgg11.pth", digest(vgg11)[:8])
    added = fetch_encoder(store, "vgg11", source, lambda done, total: seen.append((done, total)))
    size = vgg11.stat().st_size
    assert seen[-1] == (size, size)
    assert same_features("vgg11", vgg11, added, "relu2_1")
    assert [path.name for path in store.added.iterdir()] == ["vgg11.safetensors"]
    assert store.find("vgg11").source == "fetched"
    add_encoder(store, "vgg11", vgg11)
    assert store.find("vgg11").source == "added"


def test_a_wrong_checksum_leaves_nothing_behind(store, server):
    with pytest.raises(FetchError, match="checksum is wrong"):
        fetch_encoder(store, "vgg11", EncoderSource(f"{server}/vgg11.pth", "0" * 8), ignore)
    assert list(store.added.iterdir()) == []


def test_what_cannot_be_fetched_is_told(store, server):
    for url in (f"{server}/nothing.pth", "http://127.0.0.1:9/vgg11.pth"):
        with pytest.raises(FetchError, match=r"cannot be fetched .*encoders add vgg11 FILE"):
            fetch_encoder(store, "vgg11", EncoderSource(url, "0" * 8), ignore)
    with pytest.raises(FetchError, match="no address"):
        fetch_encoder(store, "vgg11", EncoderSource("file:///etc/passwd", "0" * 8), ignore)
    assert list(store.added.iterdir()) == []


def test_a_bad_file_replaces_nothing(store, vgg11, tmp_path):
    before = add_encoder(store, "vgg11", vgg11).read_bytes()
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"no weights")
    with pytest.raises(EncoderFileError, match=r"bad\.pth"):
        add_encoder(store, "vgg11", bad)
    assert store.find("vgg11").path.read_bytes() == before


def test_an_inception_network_is_kept_without_its_classifiers(store, tmp_path):
    torch.manual_seed(0)
    model = googlenet(weights=None, aux_logits=True, init_weights=False)
    file = tmp_path / "googlenet.pth"
    torch.save(model.state_dict(), file)
    added = add_encoder(store, "googlenet", file)
    found = store.find_network("googlenet")
    assert (found.path, found.source, found.layers[-1]) == (added, "added", "inception5b")
    assert b"fc.weight" not in added.read_bytes()
    image = torch.rand(1, 3, 40, 40)
    first, second = (
        load_network("googlenet", path).encoder(image, ["inception4c"])["inception4c"]
        for path in (file, added)
    )
    assert torch.equal(first, second)
    with pytest.raises(EncoderFileError, match="an input and a scale of its own"):
        add_encoder(store, "googlenet", file, preprocessing="caffe")
    with pytest.raises(UnknownEncoderError, match="googlenet is only for dreams; choose one of"):
        store.find("googlenet")
    with pytest.raises(EncoderFileError, match=r"Conv2d_1a_3x3\.conv\.weight is missing"):
        add_encoder(store, "inception_v3", file)


def test_torchvisions_weights_name_their_digest():
    for name in ("vgg11", "vgg13", "vgg16", "vgg19", "googlenet"):
        source = source_of(name)
        assert source.url.endswith(f"{name}-{source.sha256}.pth")
    assert source_of("inception_v3").url.endswith("inception_v3_google-0cc3c7bd.pth")
    with pytest.raises(FetchError, match="torchvision has no weights of 'compact'"):
        source_of("compact")


def ignore(done: int, total: int | None) -> None:
    pass
