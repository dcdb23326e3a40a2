"""Which folders of packs are shared, and whether only packs of trusted keys may be used."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pastiche_daemon.packs.listfile import FileProblemError, ListFile
from pastiche_daemon.settings import Settings

FOLDERS_VARIABLE = "PASTICHE_PACKS_FOLDERS"
"""Environment: shared folders, separated as those of PATH."""
TRUSTED_ONLY_VARIABLE = "PASTICHE_TRUSTED_PACKS_ONLY"
"""Environment: the policy, unless it is empty, 0, no, off or false."""
_OFF = frozenset({"", "0", "no", "off", "false"})


@dataclass(frozen=True)
class PackPolicy:
    """What counts now. ``problem`` says why the settings file cannot be read, if it cannot."""

    shared_folders: tuple[Path, ...] = ()
    trusted_only: bool = False
    problem: str | None = None


class PolicySource:
    """Puts the policy together from the start's options, the environment and the settings file.

    The file is read again whenever it changed. Each of the three may add folders and restrict what
    is trusted, none takes back what another one says. A settings file that cannot be read is taken
    to restrict it: nobody turns the policy off by damaging a file.
    """

    def __init__(
        self,
        settings_file: Path,
        folders: Sequence[Path] = (),
        *,
        trusted_only: bool = False,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        named = environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
        self._folders = (*folders, *(Path(name).expanduser() for name in named if name))
        self._trusted_only = (
            trusted_only or environ.get(TRUSTED_ONLY_VARIABLE, "").strip().lower() not in _OFF
        )
        self.file = ListFile(settings_file, Settings)

    def __call__(self) -> PackPolicy:
        try:
            settings, problem = self.file.read(), None
        except FileProblemError as error:
            settings, problem = Settings(trusted_packs_only=True), str(error)
        folders = (*self._folders, *(Path(name) for name in settings.packs_folders))
        return PackPolicy(
            tuple(dict.fromkeys(folder.absolute() for folder in folders)),
            self._trusted_only or settings.trusted_packs_only,
            problem,
        )
