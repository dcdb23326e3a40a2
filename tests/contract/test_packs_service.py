"""Packs over the wire: listing, installing, exporting, removing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from pastiche.v1 import packs_pb2, packs_pb2_grpc
from pastiche_client.layer import Layer, PixelFormat, SampleType
from tests.contract.conftest import make_home
from tests.contract.drivers import DRIVERS, Driver, GrpcioDriver, Refused
from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.forged_pack import forge
from tests.support.tiny_pack import write_tiny_pack

SMALL = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DaemonProcess]:
    """A daemon whose packs may be changed, as long as they are put back."""
    home = make_home(tmp_path_factory.mktemp("packs-home") / "data", packs)
    with running_daemon(home) as running:
        yield running


@pytest.fixture
def new_pack(tmp_path: Path, driver: Driver) -> Iterator[Path]:
    """A pack file that is not installed; it is removed again at the end."""
    yield write_tiny_pack(tmp_path / "new.pastiche", pack_id="new", styles=("fresh",))
    if any(pack.id == "new" for pack in driver.list_packs()):
        driver.delete_pack("new")


def installed_ids(driver: Driver) -> set[str]:
    return {pack.id for pack in driver.list_packs() if not pack.built_in}


def status_code(error: Any) -> grpc.StatusCode:
    return error.code()


def files(driver: Driver) -> list[str]:
    return sorted(path.name for path in driver.daemon.paths.packs.iterdir())


def test_packs_are_listed(driver: Driver) -> None:
    assert installed_ids(driver) == {"tiny", "other", "slow"}
    pack = driver.get_pack("tiny")
    assert pack.name == "packs/tiny"
    assert (pack.version, pack.style_count, pack.architecture) == ("1.0.0", 2, "transformer")
    assert not pack.built_in
    assert pack.size_bytes == (driver.daemon.paths.packs / "tiny-1.0.0.pastiche").stat().st_size
    assert pack.provenance["encoder"] == "none"
    assert (pack.strength.minimum, pack.strength.maximum, pack.strength.default) == (0, 1, 1)
    assert (pack.stroke_size.minimum, pack.stroke_size.maximum) == (0.25, 4)


def test_styles_are_listed_in_the_packs_order(driver: Driver) -> None:
    styles = driver.list_styles("tiny")
    assert [style.name for style in styles] == ["packs/tiny/styles/one", "packs/tiny/styles/two"]
    assert [style.preview for style in styles] == [b"", b""]
    assert styles[0].display_name == "One"
    assert styles[0].license == "CC0-1.0"  # the pack's, as it has none of its own
    everything = driver.list_styles()
    assert {"tiny", "other", "slow"} <= {style.pack_id for style in everything}


def test_styles_have_previews(driver: Driver) -> None:
    for style in driver.list_styles("tiny", with_previews=True):
        assert style.preview.startswith(b"\x89PNG")
        assert style.preview_media_type == "image/png"


def test_every_preview_is_of_a_kind_that_toolkits_read(driver: Driver) -> None:
    # Those of the built-in packs are WebP files.
    kinds = {b"\x89PNG": "image/png", b"\xff\xd8\xff\xe0": "image/jpeg"}
    styles = driver.list_styles(with_previews=True)
    assert {style.preview_media_type for style in styles} == set(kinds.values())
    for style in styles:
        assert kinds[style.preview[:4]] == style.preview_media_type


def test_a_pack_is_installed_used_exported_and_removed(
    driver: Driver, new_pack: Path, tmp_path: Path
) -> None:
    installed = driver.install_pack(new_pack)
    assert (installed.id, installed.built_in) == ("new", False)
    assert "new" in installed_ids(driver)
    assert driver.stylize(SMALL, "new/fresh").layer.data != SMALL.data

    driver.export_pack("new", tmp_path / "exported")
    assert (tmp_path / "exported").read_bytes() == new_pack.read_bytes()

    driver.delete_pack("new")
    assert "new" not in installed_ids(driver)
    with pytest.raises(Refused) as refused:
        driver.stylize(SMALL, "new/fresh")
    assert refused.value.reason == "PACK_NOT_FOUND"


def test_a_version_is_replaced_only_if_asked_for(driver: Driver, new_pack: Path) -> None:
    driver.install_pack(new_pack)
    before = driver.stylize(SMALL, "new/fresh").layer.data
    write_tiny_pack(new_pack, pack_id="new", styles=("fresh",), seed=99)

    with pytest.raises(Refused) as refused:
        driver.install_pack(new_pack)
    assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "PACK_EXISTS")
    assert driver.stylize(SMALL, "new/fresh").layer.data == before

    driver.install_pack(new_pack, replace=True)
    assert driver.stylize(SMALL, "new/fresh").layer.data != before


def test_a_newer_version_is_installed_beside_and_used(driver: Driver, new_pack: Path) -> None:
    driver.install_pack(new_pack)
    before = driver.stylize(SMALL, "new/fresh").layer.data
    write_tiny_pack(new_pack, pack_id="new", styles=("fresh",), seed=99, version="1.1.0")
    assert driver.install_pack(new_pack).version == "1.1.0"
    after = driver.stylize(SMALL, "new/fresh")
    assert after.summary.pack_version == "1.1.0"
    assert after.layer.data != before

    pinned = driver.stylize(SMALL, "new@1.0.0/fresh")
    assert (pinned.summary.pack, pinned.summary.pack_version) == ("packs/new", "1.0.0")
    assert pinned.layer.data == before
    assert driver.get_pack("new").versions == ("1.1.0", "1.0.0")
    old = driver.get_pack("new@1.0.0")
    assert (old.name, old.id, old.current) == ("packs/new@1.0.0", "new", False)
    styles = driver.list_styles("new@1.0.0")
    assert [style.name for style in styles] == ["packs/new@1.0.0/styles/fresh"]

    with pytest.raises(
        Refused, match=r"there are, from the newest on: 1\.1\.0, 1\.0\.0"
    ) as refused:
        driver.stylize(SMALL, "new@3.0.0/fresh")
    assert (refused.value.code, refused.value.reason) == ("NOT_FOUND", "PACK_VERSION_NOT_FOUND")
    with pytest.raises(Refused, match="only styles of one version can be mixed"):
        driver.stylize(SMALL, {"new@1.0.0/fresh": 1.0, "new/fresh": 1.0})

    driver.delete_pack("new@1.1.0")
    assert driver.stylize(SMALL, "new/fresh").summary.pack_version == "1.0.0"


def test_a_pack_of_the_same_version_replaces_the_loaded_network(
    driver: Driver, new_pack: Path
) -> None:
    driver.install_pack(new_pack)
    before = driver.stylize(SMALL, "new/fresh").layer.data
    write_tiny_pack(new_pack, pack_id="new", styles=("fresh",), seed=5)
    driver.install_pack(new_pack, replace=True)
    assert driver.stylize(SMALL, "new/fresh").layer.data != before


def truncate(data: bytes) -> bytes:
    return data[:-100]


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [truncate, flip, lambda _: b"no zip at all"])
def test_a_damaged_pack_leaves_nothing_behind(
    driver: Driver, new_pack: Path, damage: Callable[[bytes], bytes]
) -> None:
    before = files(driver)
    new_pack.write_bytes(damage(new_pack.read_bytes()))
    with pytest.raises(Refused) as refused:
        driver.install_pack(new_pack)
    assert (refused.value.code, refused.value.reason) == ("DATA_LOSS", "PACK_DAMAGED")
    assert files(driver) == before


def test_a_pack_from_the_future_says_so(driver: Driver, new_pack: Path, tmp_path: Path) -> None:
    future = forge(
        tmp_path / "future.pastiche",
        new_pack,
        edit=lambda values: values.update(least_daemon_version="999.0.0"),
    )
    with pytest.raises(Refused, match=r"needs Pastiche 999\.0\.0") as refused:
        driver.install_pack(future)
    assert (refused.value.code, refused.value.reason) == ("FAILED_PRECONDITION", "PACK_UNSUPPORTED")


@pytest.mark.parametrize(
    "call",
    [
        lambda driver, _: driver.get_pack("unknown"),
        lambda driver, _: driver.list_styles("unknown"),
        lambda driver, _: driver.delete_pack("unknown"),
        lambda driver, folder: driver.export_pack("unknown", folder / "file"),
    ],
)
def test_an_unknown_pack_is_not_found(
    driver: Driver, tmp_path: Path, call: Callable[[Driver, Path], object]
) -> None:
    with pytest.raises(Refused, match="tiny") as refused:
        call(driver, tmp_path)
    assert (refused.value.code, refused.value.reason) == ("NOT_FOUND", "PACK_NOT_FOUND")
    assert not (tmp_path / "file").exists()


# What follows is said with grpcio's stubs only: our client offers no way to say it.


@pytest.fixture
def stubs(daemon: DaemonProcess) -> Iterator[GrpcioDriver]:
    stubs = GrpcioDriver(daemon)
    yield stubs
    stubs.close()


def upload(data: bytes, *, size: int | None = None) -> list[packs_pb2.InstallPackRequest]:
    header = packs_pb2.InstallPackHeader(
        size_bytes=len(data) if size is None else size, request_id="install-1"
    )
    middle = max(1, len(data) // 2)
    return [
        packs_pb2.InstallPackRequest(header=header),
        packs_pb2.InstallPackRequest(data=data[:middle]),
        packs_pb2.InstallPackRequest(data=data[middle:]),
    ]


Uploads = list[packs_pb2.InstallPackRequest]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda m: m.clear(), "header"),
        (lambda m: m.pop(0), "header"),
        (lambda m: m.insert(1, m[0]), "header"),
        (lambda m: m.append(m[0]), "header"),
        (lambda m: m.pop(), "data"),
        (lambda m: m.append(m[1]), "data"),
        (lambda m: m.append(packs_pb2.InstallPackRequest(data=b"")), "data"),
        (lambda m: m.insert(1, packs_pb2.InstallPackRequest(data=bytes(2**20 + 1))), "data"),
        (lambda m: m[0].header.ClearField("size_bytes"), "size_bytes"),
        (lambda m: setattr(m[0].header, "size_bytes", -5), "size_bytes"),
        (lambda m: setattr(m[0].header, "request_id", "\x00"), "request_id"),
    ],
)
def test_a_broken_upload_says_which_field_is_wrong(
    stubs: GrpcioDriver, change: Callable[[Uploads], object], field: str
) -> None:
    before = files(stubs)
    messages = upload(b"a pack that nobody looks at")
    change(messages)
    with pytest.raises(Refused) as refused:
        stubs.send_pack(messages)
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", field)
    assert files(stubs) == before


def test_a_pack_that_is_too_large_is_refused_before_it_is_sent(stubs: GrpcioDriver) -> None:
    with pytest.raises(Refused) as refused:
        stubs.send_pack(upload(b"never looked at", size=2**40))
    assert (refused.value.code, refused.value.reason) == ("INVALID_ARGUMENT", "PACK_TOO_LARGE")


def test_a_client_that_vanishes_while_it_sends_a_pack_leaves_nothing(
    daemon: DaemonProcess, stubs: GrpcioDriver
) -> None:
    before = files(stubs)
    channel = grpc.insecure_channel(daemon.address)
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)

    def messages() -> Iterator[packs_pb2.InstallPackRequest]:
        yield from upload(bytes(1000), size=2000)
        while len(files(stubs)) == len(before):
            pass  # the daemon has not begun
        channel.close()

    stub = packs_pb2_grpc.PacksServiceStub(channel)
    with pytest.raises((grpc.RpcError, ValueError)):
        stub.InstallPack(messages(), metadata=metadata)
    while files(stubs) != before:
        pass


def test_installing_is_an_operation_that_can_be_asked_for(
    daemon: DaemonProcess, stubs: GrpcioDriver, tmp_path: Path
) -> None:
    data = write_tiny_pack(tmp_path / "op.pastiche", pack_id="op").read_bytes()
    started = stubs.send_pack(upload(data))
    with grpc.insecure_channel(daemon.address) as channel:
        operations = operations_pb2_grpc.OperationsStub(channel)
        metadata = (("authorization", f"Bearer {daemon.info.token}"),)
        done = operations.WaitOperation(
            operations_pb2.WaitOperationRequest(name=started.name), metadata=metadata
        )
        assert done.done
        details = packs_pb2.InstallPackMetadata()
        assert done.metadata.Unpack(details)
        assert details.request_id == "install-1"
        pack = packs_pb2.Pack()
        assert done.response.Unpack(pack)
        assert pack.name == "packs/op"

        get = operations_pb2.GetOperationRequest(name=started.name)
        assert operations.GetOperation(get, metadata=metadata) == done
        cancel = operations_pb2.CancelOperationRequest(name=started.name)
        operations.CancelOperation(cancel, metadata=metadata)  # it is done: nothing happens
        everything = operations.ListOperations(
            operations_pb2.ListOperationsRequest(), metadata=metadata
        )
        assert done in everything.operations
        operations.DeleteOperation(
            operations_pb2.DeleteOperationRequest(name=started.name), metadata=metadata
        )
        with pytest.raises(grpc.RpcError) as raised:
            operations.GetOperation(get, metadata=metadata)
        assert status_code(raised.value) is grpc.StatusCode.NOT_FOUND
    stubs.delete_pack("op")


def test_lists_come_in_pages(daemon: DaemonProcess) -> None:
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)
    with grpc.insecure_channel(daemon.address) as channel:
        stub = packs_pb2_grpc.PacksServiceStub(channel)
        names: list[str] = []
        token = ""
        while True:
            request = packs_pb2.ListStylesRequest(
                parent="packs/-", page_size=1, page_token=token, with_previews=True
            )
            answer = stub.ListStyles(request, metadata=metadata)
            assert len(answer.styles) == 1
            names += [style.name for style in answer.styles]
            token = answer.next_page_token
            if not token:
                break
        whole = stub.ListStyles(packs_pb2.ListStylesRequest(parent="packs/-"), metadata=metadata)
        assert names == [style.name for style in whole.styles]

        for request in (
            packs_pb2.ListPacksRequest(page_size=-1),
            packs_pb2.ListPacksRequest(page_token="not one of ours"),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                stub.ListPacks(request, metadata=metadata)
            assert status_code(raised.value) is grpc.StatusCode.INVALID_ARGUMENT


def test_a_style_can_be_asked_for(daemon: DaemonProcess) -> None:
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)
    with grpc.insecure_channel(daemon.address) as channel:
        stub = packs_pb2_grpc.PacksServiceStub(channel)
        style = stub.GetStyle(
            packs_pb2.GetStyleRequest(name="packs/tiny/styles/two"), metadata=metadata
        )
        assert style.display_name == "Two"
        assert style.preview.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "name", ["tiny", "packs/", "packs/tiny/styles/one", "", "packs/tiny@", "packs/@1.0.0"]
)
def test_malformed_names_are_refused(daemon: DaemonProcess, name: str) -> None:
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)
    with grpc.insecure_channel(daemon.address) as channel:
        stub = packs_pb2_grpc.PacksServiceStub(channel)
        with pytest.raises(grpc.RpcError, match="must be packs/PACK"):
            stub.GetPack(packs_pb2.GetPackRequest(name=name), metadata=metadata)


@pytest.mark.parametrize("name", list(DRIVERS))
def test_a_damaged_installed_pack_does_not_hide_the_others(own_home: Path, name: str) -> None:
    damaged = own_home / "packs" / "other-1.0.0.pastiche"
    damaged.write_bytes(damaged.read_bytes()[:500])
    with running_daemon(own_home) as own:
        driver = DRIVERS[name](own)
        assert installed_ids(driver) == {"tiny", "slow"}
        with pytest.raises(Refused) as refused:
            driver.stylize(SMALL, "other/three")
        assert (refused.value.code, refused.value.reason) == ("DATA_LOSS", "PACK_DAMAGED")
        driver.delete_pack("other")
        assert not damaged.exists()
        driver.close()
