"""The pure-Python wheels that every plug-in carries with it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What pip is asked for. The newest of these that has a wheel for every platform is taken.
REQUIREMENTS = (
    "googleapis-common-protos>=1.76,<2",
    "grpclib>=0.4.9,<0.5",
    "h2>=4.1,<5",
    "hpack>=4.1,<5",
    "hyperframe>=6.1,<7",
    "multidict>=6,<8",
    "protobuf>=7.35.1,<8",
    "typing_extensions>=4.12,<5",  # multidict and h2 need it before Python 3.11
)

_SUFFIX = "-py3-none-any.whl"
_LISTING = "wheels.json"


class WheelError(Exception):
    """The wheels cannot be had or used; the message says why and what to do."""


@dataclass(frozen=True)
class Wheel:
    """A wheel file, `name` in the spelling of its file name."""

    path: Path
    name: str
    version: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def fetched_wheels(folder: Path) -> list[Wheel]:
    """The wheels in a folder, one for every requirement.

    Raises:
        WheelError: one is missing, damaged or there twice.
    """
    wanted = {_normalized(_project(requirement)) for requirement in REQUIREMENTS}
    found: dict[str, Wheel] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        name, _, version = path.name.removesuffix(_SUFFIX).partition("-")
        if _normalized(name) not in wanted:
            continue
        if _normalized(name) in found:
            raise WheelError(
                f"{folder} has two wheels of {name}: delete the folder, then try again"
            )
        if not zipfile.is_zipfile(path):
            raise WheelError(f"{path} is damaged: delete it, then try again")
        found[_normalized(name)] = Wheel(path, name, version)
    missing = sorted(wanted - found.keys())
    if missing:
        raise WheelError(f"{folder} has no wheel of {', '.join(missing)}")
    return [found[name] for name in sorted(found)]


def fetch_wheels(folder: Path, python: str = sys.executable) -> list[Wheel]:
    """The wheels, downloaded by pip unless an earlier call did so.

    Args:
        folder: where they are kept; made if it does not exist.
        python: an interpreter that has pip.

    Raises:
        WheelError: pip failed; the message has the end of its output.
    """
    listing = folder / _LISTING
    if _read_listing(listing) == list(REQUIREMENTS):
        try:
            return fetched_wheels(folder)
        except WheelError:
            pass  # fetched anew below
    folder.mkdir(parents=True, exist_ok=True)
    listing.unlink(missing_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    _download(folder, python)
    wheels = fetched_wheels(folder)
    listing.write_text(json.dumps(list(REQUIREMENTS)) + "\n", encoding="utf-8")
    return wheels


def _download(folder: Path, python: str) -> None:
    # The oldest Python that is supported: its wheels run on all later ones.
    command: Sequence[str] = (
        *(python, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"),
        *("--quiet", "--progress-bar", "off", "--no-deps", "--dest", str(folder)),
        *("--platform", "any", "--python-version", "3.10", "--implementation", "py"),
        *("--abi", "none", "--only-binary=:all:", *REQUIREMENTS),
    )
    try:
        result = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise WheelError(f"{python} cannot be started: {error}") from error
    if result.returncode != 0:
        output = (result.stderr or result.stdout).decode("utf-8", "replace").strip()
        raise WheelError(
            f"pip could not get the packages that the plug-ins carry:\n{output[-2000:]}\n"
            "Is there a connection to the internet? Then try again."
        )


def _read_listing(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _project(requirement: str) -> str:
    return re.split(r"[<>=!~ ]", requirement, maxsplit=1)[0]


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
