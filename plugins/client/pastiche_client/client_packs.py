"""What a client does with the packs and the encoders of the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client import packs_calls
from pastiche_client.client_calls import ClientCalls
from pastiche_client.results import Encoder, Pack, Style
from pastiche_client.style_names import pack_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _ignore_progress(_: float) -> None:
    pass


class PackCalls(ClientCalls):
    """List, install, choose, export and remove."""

    def encoders(self) -> list[Encoder]:
        """All encoders that the daemon knows, usable or not, in the order to offer them."""
        from pastiche_client import encoders_calls

        return self._call(encoders_calls.list_encoders)

    def upscaling_packs(self) -> list[Pack]:
        """The packs that `upscale` can use, by factor; built-in ones before installed ones."""
        packs = [pack for pack in self.list_packs() if pack.factor]
        return sorted(packs, key=lambda pack: (pack.factor, not pack.built_in, pack.id))

    def list_packs(self) -> list[Pack]:
        """All packs, built in and installed."""
        return self._call(packs_calls.list_packs)

    def get_pack(self, pack: str) -> Pack:
        """The pack of an id or name, or `id@version`. Raises NotFoundError."""
        name = pack_name(pack)
        return self._call(lambda connection: packs_calls.get_pack(connection, name))

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]:
        """The styles of a pack, or of all."""
        parent = pack_name(pack)
        return self._call(
            lambda connection: packs_calls.list_styles(
                connection, parent, with_previews=with_previews
            )
        )

    def list_pack_versions(self, pack: str) -> list[Pack]:
        """All versions of a pack that can be used, the newest first. Raises NotFoundError."""
        name = pack_name(pack)
        return self._call(lambda connection: packs_calls.list_versions(connection, name))

    def pin_pack(self, pack: str, version: str) -> Pack:
        """Keep a pack's plain name at one version. Raises NotFoundError, which lists them."""
        name = f"{pack_name(pack)}@{version}"
        return self._call(lambda connection: packs_calls.pin_pack(connection, name))

    def unpin_pack(self, pack: str) -> Pack:
        """Let a pack's plain name mean its newest version again; returns that."""
        name = pack_name(pack)
        return self._call(lambda connection: packs_calls.unpin_pack(connection, name))

    def roll_back_pack(self, pack: str) -> Pack:
        """Pin the version before the current one. Raises RefusedError where there is none."""
        name = pack_name(pack)
        return self._call(lambda connection: packs_calls.roll_back_pack(connection, name))

    def install_pack(
        self,
        file: Path,
        *,
        replace: bool = False,
        validate_only: bool = False,
        on_progress: Callable[[float], None] | None = None,
    ) -> Pack:
        """Install a pack file beside other versions of it.

        Args:
            file: the pack.
            replace: replace the same version, if it is installed.
            validate_only: install nothing; the answer tells what would be installed, with its
                license, attribution and signature, to show before.
            on_progress: gets the share that was sent, 0..1.

        Raises:
            AlreadyExistsError: this version is installed, and `replace` is false.
            DamagedDataError, InvalidRequestError: it is no usable pack.
            RefusedError: only packs of trusted keys may be installed, and this is none.
            OSError: the file cannot be read.
        """
        return self._call(
            lambda connection: packs_calls.install_pack(
                connection,
                file,
                replace=replace,
                validate_only=validate_only,
                on_progress=on_progress or _ignore_progress,
            )
        )

    def export_pack(self, pack: str, file: Path, *, replace: bool = False) -> None:
        """Write a pack to a file. Raises FileExistsError, and other OSErrors of writing it."""
        name = pack_name(pack)
        self._call(
            lambda connection: packs_calls.export_pack(connection, name, file, replace=replace)
        )

    def delete_pack(self, pack: str) -> None:
        """Remove an installed pack, or one version with `id@version`.

        Raises:
            NotFoundError: there is none.
            RefusedError: it is built in, pinned, or in a shared folder.
        """
        name = pack_name(pack)
        self._call(lambda connection: packs_calls.delete_pack(connection, name))
