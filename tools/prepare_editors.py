#!/usr/bin/env python3
"""Make the real editors for the tests: `python3 tools/prepare_editors.py`.

GIMP 3 and Krita 5.2 with all their libraries go into a Debian of their own, 1.5 GB in the folder
PASTICHE_EDITORS or ~/.cache/pastiche/editors; the suite finds them there. That takes about two
minutes, once: a finished folder is used again, an unfinished one is made anew. Needs a Debian or
Ubuntu as root, and changes nothing but that folder, beside installing what drives the editors.
Nothing but the standard library is used.

Exit codes: 0, the editors are ready; 1, making them failed; 3, they cannot be made here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FAILED = 1
NOT_HERE = 3

_SUITE = "trixie"
_PACKAGES = ("gimp", "gir1.2-gimp-3.0", "python3-gi", "krita", "python3-pyqt5")

# The commands that are needed outside, and the packages that have them.
_TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool"}
_MAKING_TOOLS = {"debootstrap": "debootstrap"}

# Raise it when finished folders must be made anew.
_LAYOUT = 1
_STAMP = "pastiche-editors.json"  # written last
_UNFINISHED = "pastiche-editors-unfinished"  # written first, removed last
_NEEDED_BYTES = 3 * 2**30

# Proves that what was installed works, as far as that needs no screen.
_TRIALS = (
    ("gimp-console-3.0", "--version"),
    ("krita_version",),
    ("python3", "-c", "import gi; gi.require_version('Gimp', '3.0'); import gi.repository.Gimp"),
    ("python3", "-c", "import PyQt5.QtWidgets"),
)


class NotHereError(Exception):
    """The editors cannot be made on this machine; the message says why."""


class PrepareError(Exception):
    """Making them failed; the message says what to do."""


def editors_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the editors are or will be."""
    chosen = environ.get("PASTICHE_EDITORS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path.home() / ".cache" / "pastiche" / "editors"


def is_finished(folder: Path) -> bool:
    """Whether the folder holds editors, ready for use."""
    return not (folder / _UNFINISHED).exists() and _read_stamp(folder).get("layout") == _LAYOUT


def _read_stamp(folder: Path) -> dict[str, object]:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def prepare(folder: Path) -> None:
    """Make the editors in this folder unless they are there.

    Raises:
        NotHereError: the machine cannot make them.
        PrepareError: it failed; a later call begins anew.
    """
    _check_machine()
    with _only_one(folder.with_name(folder.name + ".lock")):
        log = folder.with_name(folder.name + ".log")
        finished = is_finished(folder)
        tools = _TOOLS if finished else {**_TOOLS, **_MAKING_TOOLS}
        missing = [package for tool, package in tools.items() if not shutil.which(tool)]
        if missing or not finished:
            with contextlib.suppress(FileNotFoundError):
                log.unlink()
            _install_tools(missing, log)
        if finished:
            _say(f"The editors are ready: {_describe(folder)}")
            return
        _say(f"Making the editors in {folder}; that takes about two minutes.")
        started = time.monotonic()
        _clear(folder)
        _make(folder, log)
        _say(f"Made in {time.monotonic() - started:.0f} seconds: {_describe(folder)}")


def _check_machine() -> None:
    if not sys.platform.startswith("linux") or not shutil.which("apt-get"):
        raise NotHereError("the editors for the tests are Debian's, and this is no Debian")
    if os.geteuid() != 0:
        raise NotHereError("only root can make and use a Debian in a folder")


def _install_tools(missing: Sequence[str], log: Path) -> None:
    # Also for the mirror's name, which apt knows once it has its lists. One of many sources may be
    # out of reach: whether that matters, installing shows.
    with contextlib.suppress(PrepareError):
        _run(["apt-get", "update", "-q"], log)
    if missing:
        _say(f"Installing {', '.join(missing)}.")
        _run(["apt-get", "install", "-yq", "--no-install-recommends", *missing], log)


def _clear(folder: Path) -> None:
    """An empty folder, marked as unfinished. What is not ours is left alone."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    ours = (folder / _UNFINISHED).exists() or "layout" in _read_stamp(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()) or (entries and not ours):
        raise PrepareError(
            f"{folder} holds something else. Move it away, or let PASTICHE_EDITORS name another "
            "folder."
        )
    if entries:
        _say("Removing an unfinished one.")
        _remove(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _UNFINISHED).touch()
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise PrepareError(
            f"{folder} has {free / 2**30:.1f} GiB free, and {_NEEDED_BYTES / 2**30:.0f} are "
            "needed. Make room, or let PASTICHE_EDITORS name another folder."
        )


def _remove(folder: Path) -> None:
    """Remove the folder, but nothing that an interrupted debootstrap left mounted in it."""
    for line in reversed(Path("/proc/self/mounts").read_text("utf-8").splitlines()):
        # Blanks are written as \040.
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split()[1])
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", point], check=False)
    removed = subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False)
    if removed.returncode != 0 or folder.exists():
        raise PrepareError(f"{folder} cannot be removed; is something mounted in it?")


def _make(folder: Path, log: Path) -> None:
    network = _network_environment()
    mirror = _debian_mirror()
    include = ["--include=ca-certificates"] if mirror.startswith("https:") else []
    _run(
        [
            "debootstrap",
            "--variant=minbase",
            *include,
            _SUITE,
            str(folder),
            *filter(None, [mirror]),
        ],
        log,
        network,
    )
    # Nothing that is installed may start a service.
    policy = folder / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    _copy_network_settings(folder)
    chroot = ["chroot", str(folder)]
    _run([*chroot, "apt-get", "update", "-q"], log, network)
    _run(
        [*chroot, "apt-get", "install", "-yq", "--no-install-recommends", *_PACKAGES], log, network
    )
    _run([*chroot, "apt-get", "clean"], log)
    for trial in _TRIALS:
        _run([*chroot, *trial], log, {"QT_QPA_PLATFORM": "offscreen", "HOME": "/root"})
    _write_stamp(folder, log)


def _debian_mirror() -> str:
    """Where this system gets its Debian packages; empty for debootstrap's own choice."""
    target = "$(ORIGIN) $(COMPONENT) $(REPO_URI)"
    listed = _output(["apt-get", "indextargets", "--format", target, "Created-By: Packages"])
    for line in listed.splitlines():
        origin, component, uri = line.split(" ", 2)
        if (origin, component) == ("Debian", "main") and "security" not in uri:
            return uri
    return ""


def _network_environment() -> dict[str, str]:
    """apt's proxy, for debootstrap and for the apt in the folder."""
    names = {"http_proxy": "Acquire::http::Proxy", "https_proxy": "Acquire::https::Proxy"}
    listed = _output(["apt-config", "shell", *(part for name in names.items() for part in name)])
    return dict(re.findall(r"^(\w+)='([^']+)'$", listed, re.MULTILINE))


def _copy_network_settings(folder: Path) -> None:
    """Let the apt in the folder reach what this system's apt reaches."""
    for name in ("hosts", "resolv.conf", "ssl/certs/ca-certificates.crt"):
        source, target = Path("/etc") / name, folder / "etc" / name
        if source.is_file() and target.parent.is_dir():
            shutil.copyfile(source, target)
    dump = _output(["apt-config", "dump"])
    kept = re.findall(r"^Acquire::(?:Check-Valid-Until|Check-Date|Retries) .*$", dump, re.MULTILINE)
    settings = folder / "etc" / "apt" / "apt.conf.d" / "90pastiche"
    settings.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _write_stamp(folder: Path, log: Path) -> None:
    query = ["dpkg-query", "--admindir", str(folder / "var" / "lib" / "dpkg"), "--show"]
    listed = _output([*query, "--showformat", "${Package} ${Version}\n", *_PACKAGES])
    packages = dict(line.split() for line in listed.splitlines())
    if not packages.keys() >= set(_PACKAGES):
        raise PrepareError(f"not all packages were installed; see {log}")
    stamp = {"layout": _LAYOUT, "suite": _SUITE, "packages": packages}
    new = folder / (_STAMP + ".new")
    new.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    new.replace(folder / _STAMP)
    (folder / _UNFINISHED).unlink()


def _describe(folder: Path) -> str:
    packages = _read_stamp(folder).get("packages")
    versions: dict[str, str] = packages if isinstance(packages, dict) else {}
    return f"GIMP {versions.get('gimp', '?')} and Krita {versions.get('krita', '?')} in {folder}"


def _output(command: Sequence[str]) -> str:
    """What a quick command writes; nothing where it fails."""
    done = subprocess.run(
        list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""


def _run(command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
    """Run a command; its output goes to the log. Raises PrepareError with its end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(command)}\n".encode())
        output.flush()
        start = output.tell()
        done = subprocess.run(
            list(command),
            env={
                **{name: value for name, value in os.environ.items() if name != "LC_ALL"},
                "LANG": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode == 0:
        return
    with log.open("rb") as written:
        written.seek(start)
        lines = written.read().decode("utf-8", "replace").strip().splitlines()
    telling = [line for line in lines if line.startswith(("E:", "W: Failure", "dpkg: error"))]
    raise PrepareError(
        f"`{' '.join(command)}` failed with exit code {done.returncode}:\n"
        + "\n".join((telling or lines)[-15:])
        + f"\nThe whole output is in {log}"
    )


@contextlib.contextmanager
def _only_one(file: Path) -> Iterator[None]:
    """Held while the folder is looked at or made; a second process waits."""
    import fcntl  # Linux only, as is all of this

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another process prepares the editors; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Returns the exit code."""
    folder = editors_folder()
    try:
        prepare(folder)
    except NotHereError as error:
        _say(f"No editors for the tests: {error}. Tests that need one are skipped.")
        return NOT_HERE
    except (PrepareError, OSError) as error:
        print(f"\nError: the editors for the tests cannot be made: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
