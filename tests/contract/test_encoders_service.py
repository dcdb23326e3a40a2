"""Encoders over the wire, as the API's stubs and as our client tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from safetensors.torch import load_file, save_file

from pastiche.v1 import encoders_pb2, encoders_pb2_grpc
from pastiche_client.client import Client
from pastiche_client.results import Encoder, EncoderState
from pastiche_daemon.encoder_store import FETCHED_KEY
from tests.contract.conftest import make_home
from tests.contract.drivers import Refused, refusals
from tests.support.daemon_process import WAIT_SECONDS, DaemonProcess, running_daemon
from tests.support.tiny_training import write_encoder


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DaemonProcess]:
    """A daemon with an encoder that was added, and a damaged one."""
    home = make_home(tmp_path_factory.mktemp("encoders-home") / "data", packs)
    (home / "encoders" / "vgg13.safetensors").write_bytes(b"no weights")
    with running_daemon(home) as running:
        yield running


@pytest.fixture(scope="module")
def encoders(daemon: DaemonProcess) -> dict[str, Encoder]:
    with Client(daemon.paths, start=False) as client:
        listed = client.encoders()
    found = {encoder.id: encoder for encoder in listed}
    assert len(found) == len(listed)
    return found


@pytest.fixture
def stub(daemon: DaemonProcess) -> Iterator[encoders_pb2_grpc.EncodersServiceStub]:
    with grpc.insecure_channel(daemon.address) as channel:
        yield encoders_pb2_grpc.EncodersServiceStub(channel)


def call(method, request, daemon: DaemonProcess):
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)
    with refusals():
        return method(request, metadata=metadata, timeout=WAIT_SECONDS)


def test_all_known_encoders_are_listed_the_default_one_first(encoders):
    assert next(iter(encoders)) == "compact"
    assert {"vgg11", "vgg13", "vgg16", "vgg19", "vgg19-quarter"} < set(encoders)
    assert {name for name, found in encoders.items() if found.only_dreams} == {
        "googlenet",
        "inception_v3",
    }
    assert "Mixed_5d" in encoders["inception_v3"].layers
    assert encoders["vgg19"].display_name == "VGG-19"
    assert encoders["vgg19"].name == "encoders/vgg19"


def test_an_added_encoder_has_the_layers_of_its_file(encoders, daemon):
    found = encoders["vgg19-quarter"]
    assert (found.state, found.usable, found.trouble) == (EncoderState.ADDED, True, "")
    assert found.layers[:3] == ("conv1_1", "relu1_1", "conv1_2")
    assert "relu5_1" in found.layers
    assert "relu5_2" not in found.layers
    file = daemon.paths.root / "encoders" / "vgg19-quarter.safetensors"
    assert found.size_bytes == file.stat().st_size


def test_what_cannot_be_used_says_what_to_do(encoders):
    missing = encoders["vgg16"]
    assert (missing.state, missing.usable, missing.size_bytes) == (EncoderState.MISSING, False, 0)
    assert "pastiche encoders fetch vgg16" in missing.trouble
    assert "relu5_3" in missing.layers
    damaged = encoders["vgg13"]
    assert (damaged.state, damaged.usable) == (EncoderState.DAMAGED, False)
    assert "vgg13.safetensors cannot be used" in damaged.trouble


def test_a_fetched_encoder_is_told_from_an_added_one(tmp_path, packs):
    home = make_home(tmp_path / "home", packs)
    file = home / "encoders" / "vgg19-quarter.safetensors"
    save_file(load_file(write_encoder(file)), file, metadata={FETCHED_KEY: "https://example.org"})
    with running_daemon(home) as running, Client(running.paths, start=False) as client:
        states = {encoder.id: encoder.state for encoder in client.encoders()}
    assert states["vgg19-quarter"] is EncoderState.FETCHED


def test_pages_make_the_whole_list(stub, daemon, encoders):
    names, token = [], ""
    while True:
        request = encoders_pb2.ListEncodersRequest(page_size=2, page_token=token)
        answer = call(stub.ListEncoders, request, daemon)
        assert 1 <= len(answer.encoders) <= 2
        names += [encoder.name for encoder in answer.encoders]
        token = answer.next_page_token
        if not token:
            break
    assert names == [encoder.name for encoder in encoders.values()]


def test_one_encoder_is_told_by_its_name(stub, daemon, encoders):
    request = encoders_pb2.GetEncoderRequest(name="encoders/vgg19-quarter")
    assert Encoder.of(call(stub.GetEncoder, request, daemon)) == encoders["vgg19-quarter"]


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("encoders/vgg18", "NOT_FOUND", "ENCODER_UNKNOWN"),
        ("vgg19", "INVALID_ARGUMENT", "INVALID_FIELD"),
        ("encoders/../runtime", "INVALID_ARGUMENT", "INVALID_FIELD"),
        ("", "INVALID_ARGUMENT", "INVALID_FIELD"),
    ],
)
def test_unknown_names_are_refused(stub, daemon, name, code, reason):
    with pytest.raises(Refused) as refused:
        call(stub.GetEncoder, encoders_pb2.GetEncoderRequest(name=name), daemon)
    assert (refused.value.code, refused.value.reason) == (code, reason)
