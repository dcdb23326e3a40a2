"""What studios need of packs, over the wire: pins, dry runs, signatures, shared folders."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pastiche_client.client import Client
from pastiche_client.errors import AlreadyExistsError, DaemonError, NotFoundError, RefusedError
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_daemon.packs.signing import public_text, sign_pack
from pastiche_daemon.packs.trust import TrustStore
from tests.contract.conftest import make_home
from tests.support.daemon_process import DaemonProcess, running_daemon, wait_until
from tests.support.forged_pack import forge
from tests.support.tiny_pack import write_tiny_pack

SMALL = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("share")


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, packs: Path, share: Path
) -> Iterator[DaemonProcess]:
    home = make_home(tmp_path_factory.mktemp("studio") / "data", packs)
    with running_daemon(home, arguments=["--packs-folder", str(share)]) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with Client(daemon.paths, start=False) as client:
        yield client


def ids(client: Client) -> set[str]:
    return {pack.id for pack in client.list_packs() if not pack.built_in}


def stylize_until_it_fails(client: Client, style: str) -> None:
    while True:  # a shared folder is looked at every few seconds
        client.stylize(SMALL, style)


def test_pinning_and_rolling_back(client: Client, tmp_path: Path) -> None:
    for seed, version in enumerate(("1.0.0", "1.1.0", "2.0.0")):
        file = write_tiny_pack(tmp_path / "a.pastiche", pack_id="v", version=version, seed=seed)
        client.install_pack(file)
    listed = client.list_pack_versions("v")
    assert [pack.name for pack in listed] == [f"packs/v@{v}" for v in ("2.0.0", "1.1.0", "1.0.0")]
    assert [pack.current for pack in listed] == [True, False, False]

    back = client.roll_back_pack("v")
    assert (back.name, back.version, back.pinned) == ("packs/v", "1.1.0", True)
    assert client.stylize(SMALL, "v/one").summary.pack_version == "1.1.0"
    assert client.pin_pack("v", "1.0.0").version == "1.0.0"
    assert client.stylize(SMALL, "v/one").summary.pack_version == "1.0.0"
    with pytest.raises(RefusedError) as refused:
        client.delete_pack("v@1.0.0")
    assert refused.value.reason == "PACK_PINNED"
    with pytest.raises(RefusedError) as refused:
        client.roll_back_pack("v")
    assert refused.value.reason == "PACK_NO_OLDER_VERSION"
    with pytest.raises(NotFoundError) as missing:
        client.pin_pack("v", "9.0.0")
    assert missing.value.reason == "PACK_VERSION_NOT_FOUND"
    latest = client.unpin_pack("v")
    assert (latest.version, latest.pinned) == ("2.0.0", False)
    client.delete_pack("v")
    assert "v" not in ids(client)


def test_a_dry_run_shows_what_would_be_installed_and_installs_nothing(
    client: Client, tmp_path: Path
) -> None:
    file = write_tiny_pack(tmp_path / "dry.pastiche", pack_id="dry", attribution="By somebody.")
    sign_pack(file, file, KEY)
    before = sorted(path.name for path in client.paths.packs.iterdir())
    pack = client.install_pack(file, validate_only=True)
    assert (pack.id, pack.license, pack.attribution) == ("dry", "CC0-1.0", "By somebody.")
    assert pack.signature is not None
    assert (pack.signature.public_key, pack.signature.key_name) == (public_text(KEY), "")
    assert (pack.trusted, pack.current, pack.versions) == (False, True, ("1.0.0",))
    assert sorted(path.name for path in client.paths.packs.iterdir()) == before
    assert "dry" not in ids(client)

    client.install_pack(file)
    with pytest.raises(AlreadyExistsError):
        client.install_pack(file, validate_only=True)
    assert client.install_pack(file, validate_only=True, replace=True).id == "dry"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DaemonError) as refused:
        client.install_pack(file, validate_only=True)
    assert refused.value.reason == "PACK_DAMAGED"
    client.delete_pack("dry")


def test_a_broken_signature_is_refused(client: Client, tmp_path: Path) -> None:
    file = write_tiny_pack(tmp_path / "a.pastiche", pack_id="forged")
    sign_pack(file, file, KEY)
    forged = forge(tmp_path / "b.pastiche", file, edit=lambda values: values.update(license="MIT"))
    with pytest.raises(DaemonError, match="was changed after it was signed") as refused:
        client.install_pack(forged)
    assert (refused.value.code, refused.value.reason) == ("DATA_LOSS", "PACK_SIGNATURE_INVALID")


def test_packs_of_a_shared_folder_come_and_go(client: Client, share: Path, tmp_path: Path) -> None:
    assert "shared" not in ids(client)
    file = write_tiny_pack(share / "x.pastiche", pack_id="shared")
    wait_until(lambda: "shared" in ids(client))
    pack = client.get_pack("shared")
    assert (pack.shared_folder, pack.built_in) == (str(share), False)
    assert client.stylize(SMALL, "shared/one").summary.pack == "packs/shared"
    with pytest.raises(RefusedError, match="changes nothing") as refused:
        client.delete_pack("shared")
    assert refused.value.reason == "PACK_SHARED"
    client.export_pack("shared", tmp_path / "exported")
    assert (tmp_path / "exported").read_bytes() == file.read_bytes()

    pulled = share.with_name("pulled")
    share.rename(pulled)
    try:
        with pytest.raises(NotFoundError) as gone:
            stylize_until_it_fails(client, "shared/one")
        assert gone.value.reason in {"PACK_GONE", "PACK_NOT_FOUND"}
        wait_until(lambda: "shared" not in ids(client))
        with pytest.raises(NotFoundError, match="is not there; connect it"):
            client.stylize(SMALL, "shared/one")
        assert client.stylize(SMALL, "tiny/one")
    finally:
        pulled.rename(share)
    wait_until(lambda: "shared" in ids(client))
    file.unlink()


def test_daemons_that_install_into_one_folder_at_once(
    tmp_path: Path, packs: Path, own_home: Path
) -> None:
    """Two daemons whose data folders have the same folder of packs; a third one watches it."""
    common = own_home / "packs"
    second = tmp_path / "second"
    second.mkdir()
    (second / "packs").symlink_to(common, target_is_directory=True)
    third = tmp_path / "third"
    files = [
        write_tiny_pack(tmp_path / f"{major}.pastiche", pack_id="many", version=f"{major}.0.0")
        for major in range(1, 7)
    ]
    with ExitStack() as stack:
        for home in (own_home, second):
            stack.enter_context(running_daemon(home))
        stack.enter_context(running_daemon(third, arguments=["--packs-folder", str(common)]))
        clients = [
            stack.enter_context(Client(DataPaths(home), start=False))
            for home in (own_home, own_home, second, second)
        ]

        def install(client: Client) -> list[str]:
            outcomes: list[str] = []
            for file in files:
                try:
                    client.install_pack(file)
                except AlreadyExistsError:
                    outcomes.append("there")
                else:
                    outcomes.append("installed")
            return outcomes

        with ThreadPoolExecutor(len(clients)) as pool:
            outcomes = list(pool.map(install, clients))
        assert sum(outcome.count("installed") for outcome in outcomes) == len(files)
        wanted = [f"{major}.0.0" for major in range(6, 0, -1)]
        assert all(list(client.get_pack("many").versions) == wanted for client in clients)
        watching = stack.enter_context(Client(DataPaths(third), start=False))

        def seen() -> bool:
            found = {pack.id: pack for pack in watching.list_packs()}
            return "many" in found and list(found["many"].versions) == wanted

        wait_until(seen)
        assert watching.stylize(SMALL, "many@3.0.0/one").summary.pack_version == "3.0.0"
        clients[2].delete_pack("many")
        assert "many" not in ids(clients[0])
        wait_until(lambda: "many" not in ids(watching))


def test_trusted_packs_only_by_the_settings(own_home: Path, tmp_path: Path) -> None:
    """Settings and trust count while the daemon runs, without a restart."""
    paths = DataPaths(own_home)
    with running_daemon(own_home), Client(paths, start=False) as client:
        assert ids(client) == {"tiny", "other", "slow"}
        paths.settings_file.write_text("trusted_packs_only = true\n")
        assert ids(client) == set()
        with pytest.raises(RefusedError, match="is not signed") as refused:
            client.stylize(SMALL, "tiny/one")
        assert (refused.value.code, refused.value.reason) == ("PERMISSION_DENIED", "PACK_UNTRUSTED")

        file = write_tiny_pack(tmp_path / "a.pastiche", pack_id="signed")
        sign_pack(file, file, KEY)
        for validate_only in (True, False):
            with pytest.raises(RefusedError, match="which is not trusted") as refused:
                client.install_pack(file, validate_only=validate_only)
            assert refused.value.reason == "PACK_UNTRUSTED"
        TrustStore(paths.trusted_keys_file).add(public_text(KEY), "Studio Nord")
        pack = client.install_pack(file)
        assert pack.signature is not None
        assert (pack.trusted, pack.signature.key_name) == (True, "Studio Nord")
        assert client.stylize(SMALL, "signed/one").summary.pack == "packs/signed"
        assert ids(client) == {"signed"}
        assert all(pack.trusted for pack in client.list_packs())  # the built-in ones, too


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["--trusted-packs-only"], {}), ([], {"PASTICHE_TRUSTED_PACKS_ONLY": "1"})],
)
def test_trusted_packs_only_by_the_start(
    own_home: Path, arguments: list[str], environ: dict[str, str]
) -> None:
    with (
        running_daemon(own_home, arguments=arguments, environ=environ),
        Client(DataPaths(own_home), start=False) as client,
    ):
        assert ids(client) == set()
        assert any(pack.built_in for pack in client.list_packs())
