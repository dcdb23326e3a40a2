"""What the installer has put where: all that uninstalling goes by."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from installer.editors import Packaging, Place
from installer.errors import InstallError
from installer.kritarc import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEMA = 1


@dataclass
class PlacedPlugin:
    """A plug-in in an editor's folder. It is noted before anything is written.

    Attributes:
        place: where.
        version: Pastiche's; empty until all is in place.
        made_folders: folders that were made for it, outermost first.
        kritarc: what was done to Krita's settings.
    """

    place: Place
    version: str = ""
    made_folders: list[Path] = field(default_factory=list[Path])
    kritarc: Change | None = None


@dataclass
class Manifest:
    """An installation.

    Attributes:
        version: Pastiche's.
        environment: the environment's folder, or None where there is none.
        environment_made: whether the installer made it, and so removes it.
        made_folders: folders that were made outside the editors' folders, outermost first.
        files: other files that were written.
        units: systemd units that were enabled.
        plugins: the plug-ins.
    """

    version: str = ""
    environment: Path | None = None
    environment_made: bool = False
    made_folders: list[Path] = field(default_factory=list[Path])
    files: list[Path] = field(default_factory=list[Path])
    units: list[str] = field(default_factory=list[str])
    plugins: list[PlacedPlugin] = field(default_factory=list[PlacedPlugin])

    def plugin(self, place: Place) -> PlacedPlugin:
        """The entry of a place; a new one where there is none."""
        for plugin in self.plugins:
            if plugin.place.plugin_folder == place.plugin_folder:
                plugin.place = place
                return plugin
        plugin = PlacedPlugin(place)
        self.plugins.append(plugin)
        return plugin


def manifest_path(data_folder: Path) -> Path:
    return data_folder / "install.json"


def load_manifest(data_folder: Path) -> Manifest | None:
    """The manifest of an installation; None where nothing is installed.

    Raises:
        InstallError: it cannot be read.
    """
    path = manifest_path(data_folder)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InstallError(
            f"{path} cannot be read ({error}). It says what is installed. Move it away and run\n"
            "`install.py install`, which finds what is there and writes it anew."
        ) from error
    try:
        if content["schema"] != _SCHEMA:
            raise InstallError(
                f"{path} was written by another version of Pastiche. Use its install.py."
            )
        return Manifest(
            version=content["version"],
            environment=Path(content["environment"]) if content["environment"] else None,
            environment_made=content["environment_made"],
            made_folders=_paths(content["made_folders"]),
            files=_paths(content["files"]),
            units=content["units"],
            plugins=[_plugin(value) for value in content["plugins"]],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InstallError(
            f"{path} is damaged ({error!r}). Move it away and run `install.py install`."
        ) from error


def save_manifest(data_folder: Path, manifest: Manifest) -> None:
    """Write it whole or not at all.

    Raises:
        InstallError: it cannot be written.
    """
    path = manifest_path(data_folder)
    text = json.dumps({"schema": _SCHEMA, **asdict(manifest)}, indent=2, default=str) + "\n"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InstallError(f"{path} cannot be written: {error}") from error


def _plugin(value: dict[str, Any]) -> PlacedPlugin:
    place = value["place"]
    return PlacedPlugin(
        place=Place(
            editor=place["editor"],
            label=place["label"],
            packaging=Packaging(place["packaging"]),
            folder=Path(place["folder"]),
            config=Path(place["config"]) if place["config"] else None,
            data_folder=Path(place["data_folder"]) if place["data_folder"] else None,
        ),
        version=value["version"],
        made_folders=_paths(value["made_folders"]),
        kritarc=Change(**value["kritarc"]) if value["kritarc"] else None,
    )


def _paths(values: Iterable[str]) -> list[Path]:
    return [Path(value) for value in values]
