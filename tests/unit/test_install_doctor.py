"""`install.py doctor` names what is broken and how to mend it; without a daemon of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from installer import doctor, installing
from installer.doctor import Finding, State, diagnose, run_doctor
from installer.installing import InstallOptions, make_bundles, run_install
from installer.system import System
from pastiche_client.paths import DataPaths
from tests.support.bundles import needs_wheels
from tests.support.homes import FLATPAK, LINUX

ROOT = Path(__file__).parents[2]

pytestmark = needs_wheels


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return make_bundles(ROOT, folder, ("gimp", "krita"), sys.executable)


@pytest.fixture
def installed(tmp_path: Path, bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> System:
    """A computer with everything installed, whose daemon is taken to be well."""
    monkeypatch.setattr(installing, "make_bundles", lambda *_: bundles)
    monkeypatch.setattr(doctor, "check_daemon", lambda *_: iter(()))
    well = Finding("connection", State.GOOD, "it is taken to work")
    monkeypatch.setattr(doctor, "check_connection", lambda *_: well)
    monkeypatch.setattr(sys, "platform", sys.platform)
    system = LINUX.make(tmp_path)
    return _install(system)


def _install(system: System) -> System:
    options = InstallOptions(environment=Path(sys.prefix))
    assert run_install(ROOT, system, options, lambda _: None) == 0
    return system


def _not_good(system: System) -> list[Finding]:
    return [finding for finding in diagnose(system) if finding.state is not State.GOOD]


def test_all_is_well_after_an_installation(installed: System) -> None:
    assert _not_good(installed) == []
    said: list[str] = []
    assert run_doctor(installed, said.append) == 0
    assert said[-1].strip() == "Everything works."


def test_without_an_installation_it_says_so(tmp_path: Path) -> None:
    (finding,) = diagnose(LINUX.make(tmp_path))
    assert finding.state is State.BROKEN
    assert "install.py install" in finding.remedy


def _gimp(system: System) -> Path:
    return system.home / LINUX.gimp[0]


def _krita(system: System) -> Path:
    return system.home / LINUX.krita[0]


def _not_executable(system: System) -> None:
    (_gimp(system) / "pastiche.py").chmod(0o644)


def _without_plugin(system: System) -> None:
    shutil.rmtree(_gimp(system))


def _changed(system: System) -> None:
    (_krita(system) / "__init__.py").write_text("mine")


def _foreign(system: System) -> None:
    (_gimp(system) / "bundle.json").unlink()


def _switched_off(system: System) -> None:
    file = system.home / LINUX.kritarc[0]
    file.write_bytes(file.read_bytes().replace(b"pastiche=true", b"pastiche=false"))


def _without_settings(system: System) -> None:
    (system.home / LINUX.kritarc[0]).unlink()


def _without_desktop_file(system: System) -> None:
    _krita(system).with_suffix(".desktop").unlink()


def _without_action(system: System) -> None:
    (_krita(system).parents[1] / "actions" / "pastiche.action").unlink()


def _without_command(system: System) -> None:
    DataPaths(system.data_folder).command_file.unlink()


def _damaged_command(system: System) -> None:
    DataPaths(system.data_folder).command_file.write_text("{half")


def _another_command(system: System) -> None:
    DataPaths(system.data_folder).command_file.write_text('["/usr/bin/other", "serve"]')


def _manifest(system: System, **values: object) -> None:
    file = system.data_folder / "install.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **values}), "utf-8")


def _interrupted(system: System) -> None:
    _manifest(system, version="")


def _another_version(system: System) -> None:
    _manifest(system, version="9.9")


def _without_environment(system: System) -> None:
    _manifest(system, environment=str(system.home / "gone"))


def _broken_environment(system: System) -> None:
    python = system.home / "gone" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("no program")
    _manifest(system, environment=str(system.home / "gone"))


@pytest.mark.parametrize(
    ("damage", "name", "detail", "remedy"),
    [
        (_not_executable, "GIMP 3.0", "not executable", "chmod +x"),
        (_without_plugin, "GIMP 3.0", "does not exist", "install.py install"),
        (_changed, "Krita", "__init__.py", "moves the changed plug-in aside"),
        (_foreign, "GIMP 3.0", "not Pastiche's", "Move it away"),
        (_switched_off, "Krita, switched on", "switched off", "Python Plugin Manager"),
        (_without_settings, "Krita, switched on", "does not exist", "install.py install"),
        (_without_desktop_file, "Krita", "pastiche.desktop is missing", "install.py install"),
        (_without_action, "Krita", "pastiche.action is missing", "install.py install"),
        (_without_command, "Start command", "missing or damaged", "install.py install"),
        (_damaged_command, "Start command", "missing or damaged", "install.py install"),
        (_another_command, "Start command", "/usr/bin/other", "install.py install"),
        (_interrupted, "Installation", "interrupted", "install.py install"),
        (_another_version, "Krita", "9.9", "install.py install"),
        (_without_environment, "Environment", "does not exist", "install.py install"),
        (_broken_environment, "Environment", "does not run", "install.py install"),
    ],
)
def test_what_is_broken_is_named_with_its_remedy(
    installed: System,
    damage: Callable[[System], None],
    name: str,
    detail: str,
    remedy: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(installed)
    broken = [finding for finding in _not_good(installed) if finding.state is State.BROKEN]
    assert any(
        finding.name == name and detail in finding.detail and remedy in finding.remedy
        for finding in broken
    ), broken
    said: list[str] = []
    assert run_doctor(installed, said.append) == 1
    assert said[-1].strip().endswith("broken.")


@pytest.mark.parametrize(
    "damage",
    [
        _not_executable,
        _without_plugin,
        _changed,
        _switched_off,
        _without_settings,
        _without_desktop_file,
        _without_action,
        _without_command,
        _damaged_command,
        _interrupted,
        _another_version,
    ],
)
def test_the_remedy_install_again_mends_it(
    installed: System, damage: Callable[[System], None]
) -> None:
    damage(installed)
    assert _not_good(installed)
    _install(installed)
    assert _not_good(installed) == []


def test_an_editor_without_the_plugin_is_mentioned(installed: System) -> None:
    newer = installed.home / ".config" / "GIMP" / "3.4"
    newer.mkdir()
    (finding,) = _not_good(installed)
    assert finding.state is State.WARNING
    assert finding.name == "GIMP 3.4"
    assert run_doctor(installed, lambda _: None) == 0


@pytest.mark.skipif(os.name == "nt", reason="needs processes as Unix has them")
def test_a_runtime_file_of_a_dead_daemon_is_noticed(installed: System) -> None:
    file = DataPaths(installed.data_folder).runtime_file
    file.parent.mkdir()
    ended = 2**22 - 3  # larger than the ids that systems give
    file.write_text(json.dumps({"pid": ended}))
    (finding,) = _not_good(installed)
    assert finding.state is State.WARNING
    assert str(ended) in finding.detail
    file.write_text(json.dumps({"pid": os.getpid()}))
    assert _not_good(installed) == []
    file.write_text("{half")
    assert [finding.name for finding in _not_good(installed)] == ["Runtime file"]


@pytest.fixture
def flatpak(installed: System, tmp_path: Path) -> System:
    """Krita in a flatpak that sees everything."""
    system = FLATPAK.make(tmp_path / "flatpak")
    for app in ("org.gimp.GIMP", "org.kde.krita"):
        deployed = system.top / "var/lib/flatpak/app" / app / "current" / "active"
        deployed.mkdir(parents=True)
        (deployed / "metadata").write_text("[Context]\nshared=network;\nfilesystems=host;\n")
    return _install(system)


@pytest.mark.parametrize(
    ("override", "detail", "remedy"),
    [
        ("shared=!network", "loopback", "flatpak override --user --share=network org.kde.krita"),
        ("filesystems=!host", "does not see", "flatpak override --user '--filesystem="),
    ],
)
def test_a_flatpak_that_sees_too_little(
    flatpak: System, override: str, detail: str, remedy: str
) -> None:
    assert not [finding for finding in _not_good(flatpak) if finding.state is State.BROKEN]
    file = flatpak.home / ".local/share/flatpak/overrides/org.kde.krita"
    file.parent.mkdir(parents=True)
    file.write_text(f"[Context]\n{override}\n")
    (finding,) = [finding for finding in _not_good(flatpak) if finding.state is State.BROKEN]
    assert finding.name == "Krita (flatpak), sandbox"
    assert detail in finding.detail
    assert remedy in finding.remedy


def test_who_starts_the_daemon_of_a_flatpak_is_said(flatpak: System) -> None:
    (finding, _) = _not_good(flatpak)
    assert finding.state is State.WARNING
    assert "cannot start it" in finding.detail
    assert "pastiche serve" in finding.remedy


def test_another_data_folder_of_this_terminal_is_mentioned(
    installed: System, tmp_path: Path
) -> None:
    environ = {**installed.environ, "PASTICHE_HOME": str(tmp_path / "other")}
    system = System(installed.platform, installed.home, environ, installed.top)
    _install(system)
    (finding,) = _not_good(system)
    assert finding.name == "PASTICHE_HOME"
