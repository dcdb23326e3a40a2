"""Checks of everything that a stylized layer depends on, in the order in which it depends on it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from pastiche_client.daemon_command import daemon_command
from pastiche_client.errors import DaemonError, DaemonNotRunningError
from pastiche_client.runtime_file import RuntimeFileError, read_runtime_file
from pastiche_daemon import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pastiche_client.client import Client
    from pastiche_client.paths import DataPaths

_OLDEST_PYTHON = (3, 10)
_LEAST_FREE_BYTES = 200 * 2**20
_LOG_TAIL_BYTES = 256 * 1024
_REINSTALL = "Run install.py again, or `python -m pip install --force-reinstall pastiche`."


class State(Enum):
    GOOD = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it if it is not good."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def good(name: str, detail: str) -> Finding:
    return Finding(name, State.GOOD, detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, State.WARNING, detail, remedy)


def broken(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, State.BROKEN, detail, remedy)


def diagnose(paths: DataPaths, *, start: bool) -> Iterator[Finding]:
    """Run all checks. With `start`, a daemon is started where none runs."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python,
        check_packages,
        check_torch,
        lambda: check_runtime(paths),
        check_pictures,
        lambda: check_data_folder(paths),
        lambda: check_command(paths),
        lambda: check_packs(paths),
        lambda: check_runtime_file(paths),
    )
    for check in checks:
        yield check()
    yield from check_daemon(paths, start=start)
    yield check_log(paths)


def check_python() -> Finding:
    detail = f"{platform.python_version()} in {sys.prefix}"
    if sys.version_info < _OLDEST_PYTHON:
        return broken("Python", detail, "Install Python 3.10 or newer and run install.py with it.")
    return good("Python", detail)


def check_packages(distribution: str = "pastiche") -> Finding:
    """Whether every dependency that the package declares is installed in a version that fits."""
    try:
        declared = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return warning(
            "Packages",
            "Pastiche runs from its source folder without being installed",
            "Run install.py, or `python -m pip install -e .` in the source folder.",
        )
    wrong: list[str] = []
    needed = [Requirement(text) for text in declared]
    needed = [need for need in needed if need.marker is None or need.marker.evaluate()]
    for need in needed:
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(version, prereleases=True):
            wrong.append(f"{need.name} is {version}, needed is {need.specifier}")
    if wrong:
        return broken("Packages", "; ".join(wrong), _REINSTALL)
    return good("Packages", f"Pastiche {__version__}, {len(needed)} dependencies")


def check_torch() -> Finding:
    """Whether torch loads and computes."""
    try:
        import torch

        ones = torch.ones(1, 1, 8, 8)
        correct = bool((torch.nn.functional.conv2d(ones, torch.ones(1, 1, 3, 3)) == 9).all())
    except (ImportError, OSError, RuntimeError) as error:
        return broken("Torch", f"{type(error).__name__}: {error}", _REINSTALL)
    if not correct:
        return broken("Torch", f"{torch.__version__} computes wrongly", _REINSTALL)
    return good("Torch", torch.__version__)


def check_runtime(paths: DataPaths) -> Finding:
    """What the daemon will run networks on, and why; whether a network runs there."""
    from pastiche_daemon.settings import runtime_settings

    name = "Runtime"
    settings = runtime_settings(paths.settings_file)
    try:
        from pastiche_daemon.nn.runtime import choose_runtimes, warm_up
    except (ImportError, OSError) as error:
        return broken(name, f"{type(error).__name__}: {error}", _REINSTALL)
    failed: list[str] = []
    for runtime in choose_runtimes(settings.device, settings.precision):
        try:
            warm_up(runtime)
        except RuntimeError as error:
            failed.append(f"{runtime.name} fails ({error!s:.200})")
            continue
        detail = f"{runtime.name}: {runtime.reason}"
        if failed:
            remedy = "Its driver may not fit this torch; `pastiche settings` can choose another."
            return warning(name, f"{detail}; {'; '.join(failed)}", remedy)
        if settings.problem:
            return warning(name, f"{detail}; {settings.problem}", "Correct that setting.")
        if settings.device not in ("auto", runtime.device.type):
            return warning(name, detail, "`pastiche settings --device auto` takes what is there.")
        return good(name, detail)
    return broken(name, "; ".join(failed), _REINSTALL)


def check_pictures() -> Finding:
    """Whether libvips, which reads and writes picture files, loads."""
    try:
        import pyvips  # pyright: ignore[reportMissingTypeStubs]

        version = ".".join(str(pyvips.version(part)) for part in range(3))
    except (ImportError, OSError, AttributeError) as error:
        return broken("Picture files", f"{type(error).__name__}: {error}", _REINSTALL)
    return good("Picture files", f"libvips {version}")


def check_data_folder(paths: DataPaths) -> Finding:
    name = "Data folder"
    remedy = f"Make {paths.root} writable for you, or set PASTICHE_HOME to another folder."
    try:
        for folder in (paths.root, paths.packs, paths.runtime_file.parent, paths.log_file.parent):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
        free = shutil.disk_usage(paths.root).free
    except OSError as error:
        return broken(name, str(error), remedy)
    if free < _LEAST_FREE_BYTES:
        return warning(
            name, f"{paths.root} has only {free // 2**20} MiB left", "Make room on that disk."
        )
    return good(name, str(paths.root))


def check_command(paths: DataPaths) -> Finding:
    """Whether the command that starts the daemon exists."""
    name = "Start command"
    try:
        command = daemon_command(paths).arguments
    except DaemonError as error:
        return broken(name, str(error), "Run install.py again.")
    if shutil.which(command[0]) is None:
        return broken(
            name,
            f"{command[0]} does not exist",
            f"Run install.py again, or correct PASTICHE_DAEMON or {paths.command_file}.",
        )
    return good(name, " ".join(command))


def check_packs(paths: DataPaths) -> Finding:
    """Whether the packs are whole. Damaged ones break only the styles in them."""
    from pastiche_daemon.packs.errors import (
        BadSignatureError,
        DamagedPackError,
        PackTooLargeError,
        StorageError,
        UnsupportedPackError,
    )
    from pastiche_daemon.packs.store import PackStore

    name = "Style packs"
    store = PackStore.of(paths)
    try:
        packs, problems = store.list(), store.problems()
    except StorageError as error:
        return broken(name, str(error), f"Make {paths.packs} readable for you.")
    unusable = (BadSignatureError, DamagedPackError, PackTooLargeError, UnsupportedPackError)
    damaged = [problem for problem in problems if isinstance(problem.error, unusable)]
    if damaged:
        detail = "; ".join(str(problem.error) for problem in damaged)
        files = ", ".join(str(problem.path) for problem in damaged)
        return broken(name, detail, f"Delete {files} and install the pack again.")
    if problems:
        detail = "; ".join(str(problem.error) for problem in problems)
        return warning(name, detail, "`pastiche packs list` shows what is used.")
    if not packs:
        return broken(name, "there is none", "`pastiche packs install FILE.pastiche` adds one.")
    styles = sum(len(pack.manifest.styles) for pack in packs)
    ids = ", ".join(pack.manifest.id for pack in packs)
    return good(name, f"{ids}: {styles} styles")


def check_runtime_file(paths: DataPaths) -> Finding:
    name = "Runtime file"
    file = paths.runtime_file
    try:
        info = read_runtime_file(file)
    except RuntimeFileError as error:
        return warning(name, str(error), "The next start of the daemon writes it anew.")
    if info is None:
        return good(name, "none, as no daemon runs")
    if sys.platform != "win32" and file.stat().st_mode & 0o077:
        return broken(
            name,
            f"other users can read the token in {file}",
            "Run `pastiche stop`; the next start writes it anew.",
        )
    return good(name, f"{file}: process {info.pid}, port {info.port}")


def check_daemon(paths: DataPaths, *, start: bool) -> Iterator[Finding]:
    """Whether a daemon answers, serves, fits this command, and stylizes a layer."""
    from pastiche_client.client import Client

    name = "Daemon"
    with Client(paths, start=start) as client:
        try:
            info = client.info()
            serves = client.health()
        except DaemonNotRunningError as error:
            yield warning(name, str(error), "Nothing to do: it is started when it is needed.")
            return
        except DaemonError as error:
            yield broken(name, str(error), f"Read {paths.log_file} and {paths.start_log_file}.")
            return
        detail = f"{info.version}, process {info.pid}"
        if not serves:
            yield broken(name, f"{detail}: its health is bad", "Run `pastiche stop`.")
            return
        if info.version != __version__:
            yield warning(
                name,
                f"{info.version} runs, and this command is {__version__}",
                "Run `pastiche stop`; the next start is of the same version.",
            )
        else:
            yield good(name, detail)
        yield check_stylizing(client, paths)
        yield check_device(client, paths)


def check_stylizing(client: Client, paths: DataPaths) -> Finding:
    """Whether a small layer comes back from the daemon."""
    from pastiche_client.layer import Layer, PixelFormat, SampleType

    name = "Stylizing"
    side = 32
    layer = Layer(side, side, PixelFormat.RGB, SampleType.U8, bytes(range(256)) * 12)
    try:
        styles = client.list_styles()
        if not styles:
            return broken(name, "the daemon has no style", "Install a pack; see above.")
        style = f"{styles[0].pack_id}/{styles[0].id}"
        summary = client.stylize(layer, style, timeout=120).summary
    except DaemonError as error:
        return broken(name, str(error), f"Read {paths.log_file}.")
    return good(
        name, f"a {side} x {side} layer in {style}, {summary.compute_seconds * 1000:.0f} ms"
    )


def check_device(client: Client, paths: DataPaths) -> Finding:
    """What the daemon's networks run on now; another one than at its start where that failed."""
    name = "Daemon's device"
    try:
        info = client.info()
    except DaemonError as error:
        return broken(name, str(error), f"Read {paths.log_file}.")
    if not info.device:
        return broken(name, "torch is not loaded", f"Read {paths.log_file}.")
    return good(name, f"{info.device}: {info.device_reason}")


def check_log(paths: DataPaths) -> Finding:
    """Whether the log can be read, and the last error in it."""
    name = "Log"
    file = paths.log_file
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _LOG_TAIL_BYTES))
            lines = log.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return good(name, f"{file} does not exist yet")
    except OSError as error:
        return broken(name, str(error), f"Make {file} readable and writable for you.")
    errors = [line for line in lines if " ERROR " in line or " CRITICAL " in line]
    if errors:
        return warning(name, f"last error: {errors[-1][:300]}", f"Read {file}.")
    return good(name, str(file))
