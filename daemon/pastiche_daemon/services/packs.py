"""PacksService."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from pastiche.v1 import packs_pb2
from pastiche_daemon.packs.errors import PackTooLargeError
from pastiche_daemon.packs.manifest import UpscalerManifest
from pastiche_daemon.packs.previews import plain_preview
from pastiche_daemon.packs.store import Place
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.operation_registry import OperationRegistry
from pastiche_daemon.services.pack_names import PackRef, pack_ref
from pastiche_daemon.services.paging import page
from pastiche_daemon.wire import CHUNK_BYTES, InvalidFieldError

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack
    from pastiche_daemon.packs.manifest import SliderRange, StyleEntry
    from pastiche_daemon.packs.store import IncomingPack, PackStore, StoredPack

_ALL_PACKS = "packs/-"


@dataclass(frozen=True)
class PacksService:
    """Lists, installs, pins and removes packs. The store reads files, in threads."""

    store: PackStore
    operations: OperationRegistry
    max_pack_bytes: int

    @answers
    async def ListPacks(  # noqa: N802
        self, request: packs_pb2.ListPacksRequest, _: Call
    ) -> packs_pb2.ListPacksResponse:
        packs, token = page(
            await asyncio.to_thread(self._all_packs),
            lambda pack: pack.name,
            request.page_size,
            request.page_token,
            size_of=lambda pack: pack.ByteSize(),
        )
        return packs_pb2.ListPacksResponse(packs=packs, next_page_token=token)

    @answers
    async def GetPack(self, request: packs_pb2.GetPackRequest, _: Call) -> packs_pb2.Pack:  # noqa: N802
        ref = pack_ref("name", request.name)
        return await asyncio.to_thread(
            lambda: _pack_message(self.store.find(ref.id, ref.version), ref)
        )

    @answers
    async def ListPackVersions(  # noqa: N802
        self, request: packs_pb2.ListPackVersionsRequest, _: Call
    ) -> packs_pb2.ListPackVersionsResponse:
        pack_id = _plain_id("name", request.name)
        found = await asyncio.to_thread(self.store.versions, pack_id)
        chosen, token = page(
            [(place, _version_message(entry)) for place, entry in enumerate(found)],
            lambda numbered: f"{numbered[0]:06d}",
            request.page_size,
            request.page_token,
            size_of=lambda numbered: numbered[1].ByteSize(),
        )
        return packs_pb2.ListPackVersionsResponse(
            packs=[message for _, message in chosen], next_page_token=token
        )

    @answers
    async def PinPack(self, request: packs_pb2.PinPackRequest, _: Call) -> packs_pb2.Pack:  # noqa: N802
        ref = pack_ref("name", request.name)
        version = ref.version
        if version is None:
            raise InvalidFieldError(
                "name", f"must be packs/PACK@VERSION, not {request.name[:100]!r}"
            )
        return _pack_message(await asyncio.to_thread(self.store.pin, ref.id, version))

    @answers
    async def UnpinPack(self, request: packs_pb2.UnpinPackRequest, _: Call) -> packs_pb2.Pack:  # noqa: N802
        pack_id = _plain_id("name", request.name)
        return _pack_message(await asyncio.to_thread(self.store.unpin, pack_id))

    @answers
    async def RollbackPack(  # noqa: N802
        self, request: packs_pb2.RollbackPackRequest, _: Call
    ) -> packs_pb2.Pack:
        pack_id = _plain_id("name", request.name)
        return _pack_message(await asyncio.to_thread(self.store.roll_back, pack_id))

    @answers
    async def ListStyles(  # noqa: N802
        self, request: packs_pb2.ListStylesRequest, _: Call
    ) -> packs_pb2.ListStylesResponse:
        def answer() -> packs_pb2.ListStylesResponse:
            styles = [
                _LazyStyle(pack, version, style, place, request.with_previews)
                for pack, version in self._packs_of(request.parent)
                for place, style in enumerate(pack.manifest.styles)
            ]
            chosen, token = page(
                styles,
                lambda style: style.key,
                request.page_size,
                request.page_token,
                size_of=lambda style: style.message().ByteSize(),
            )
            return packs_pb2.ListStylesResponse(
                styles=[style.message() for style in chosen], next_page_token=token
            )

        return await asyncio.to_thread(answer)

    @answers
    async def GetStyle(self, request: packs_pb2.GetStyleRequest, _: Call) -> packs_pb2.Style:  # noqa: N802
        def answer() -> packs_pb2.Style:
            found = self.store.find_style(request.name)
            named = found.pack.manifest.version if "@" in request.name else None
            return _style_message(found.pack, named, found.entry, with_preview=True)

        return await asyncio.to_thread(answer)

    @answers
    async def InstallPack(self, _: object, call: Call) -> operations_pb2.Operation:  # noqa: N802
        header = await self._install_header(call)
        with ExitStack() as stack:
            incoming = stack.enter_context(self.store.incoming())
            received = 0
            while (message := await call.receive()) is not None:
                received += _check_data(message, received, header.size_bytes)
                await asyncio.to_thread(incoming.write, message.data)
            if received < header.size_bytes:
                raise InvalidFieldError(
                    "data",
                    f"the request ended after {received} of the {header.size_bytes} bytes that "
                    "the header announced",
                )
            return self.operations.start(
                self._install(stack.pop_all(), incoming, header),
                metadata=packs_pb2.InstallPackMetadata(request_id=call.request_id),
                request_id=call.request_id,
            )

    @answers
    async def ExportPack(self, request: packs_pb2.ExportPackRequest, call: Call) -> None:  # noqa: N802
        ref = pack_ref("name", request.name)
        pack = await asyncio.to_thread(self.store.get, ref.id, ref.version)
        with ExitStack() as stack:
            file = await asyncio.to_thread(stack.enter_context, pack.open())
            while data := await asyncio.to_thread(file.read, CHUNK_BYTES):
                await call.send(packs_pb2.ExportPackResponse(data=data))

    @answers
    async def DeletePack(self, request: packs_pb2.DeletePackRequest, _: Call) -> Empty:  # noqa: N802
        ref = pack_ref("name", request.name)
        await asyncio.to_thread(self.store.remove, ref.id, ref.version)
        return Empty()

    def _all_packs(self) -> list[packs_pb2.Pack]:
        return [_pack_message(found) for found in self.store.entries()]

    def _packs_of(self, parent: str) -> Sequence[tuple[Pack, str | None]]:
        """Packs with the version that their names say, if they do."""
        if parent == _ALL_PACKS:
            return [(pack, None) for pack in self.store.list()]
        ref = pack_ref("parent", parent)
        return [(self.store.get(ref.id, ref.version), ref.version)]

    async def _install_header(self, call: Call) -> packs_pb2.InstallPackHeader:
        message = await call.receive()
        if message is None or message.WhichOneof("payload") != "header":
            raise InvalidFieldError("header", "is missing; it has to be the first message")
        header: packs_pb2.InstallPackHeader = message.header
        call.identify(header.request_id)
        if header.size_bytes < 1:
            raise InvalidFieldError("size_bytes", f"must be at least 1, not {header.size_bytes}")
        if header.size_bytes > self.max_pack_bytes:
            raise PackTooLargeError(
                f"size_bytes: the file has {header.size_bytes} bytes; packs may have "
                f"{self.max_pack_bytes} at most"
            )
        return header

    async def _install(
        self, stack: ExitStack, incoming: IncomingPack, header: packs_pb2.InstallPackHeader
    ) -> Message:
        def install() -> Message:
            with stack:
                if header.validate_only:
                    return _pack_message(incoming.check(replace=header.replace))
                manifest = incoming.install(replace=header.replace).manifest
                return _pack_message(self.store.find(manifest.id, manifest.version))

        return await asyncio.to_thread(install)


class _LazyStyle:
    """A style whose preview is read from its pack only if the page reaches it."""

    def __init__(
        self,
        pack: Pack,
        version: str | None,
        style: StyleEntry,
        place: int,
        with_preview: bool,
    ) -> None:
        self._pack = pack
        self._version = version
        self._style = style
        self._with_preview = with_preview
        self._message: packs_pb2.Style | None = None
        # By pack, and within it in the pack's own order.
        self.key = f"{pack.manifest.id}/{place:06d}"

    def message(self) -> packs_pb2.Style:
        if self._message is None:
            self._message = _style_message(
                self._pack, self._version, self._style, with_preview=self._with_preview
            )
        return self._message


def _version_message(found: StoredPack) -> packs_pb2.Pack:
    return _pack_message(found, PackRef(found.pack.manifest.id, found.version))


def _pack_message(found: StoredPack, named: PackRef | None = None) -> packs_pb2.Pack:
    """The pack, by the name that it was asked for with."""
    manifest, origin = found.pack.manifest, found.origin
    message = packs_pb2.Pack(
        name=(named or PackRef(manifest.id)).name,
        display_name=manifest.display_name,
        version=manifest.version,
        description=manifest.description,
        architecture=manifest.architecture.kind,
        style_count=len(manifest.styles),
        license=manifest.license,
        attribution=manifest.attribution,
        built_in=found.place is Place.BUILT_IN,
        size_bytes=found.pack.size_bytes,
        provenance_json=manifest.training.model_dump_json(),
        trusted=origin.trusted,
        shared_folder=str(found.pack.path.parent) if found.place is Place.SHARED else "",
        versions=found.versions,
        current=found.current,
        pinned=found.pinned,
    )
    if manifest.signature is not None:
        message.signature.public_key = manifest.signature.public_key
        message.signature.key_name = origin.name
    if isinstance(manifest, UpscalerManifest):
        message.factor = manifest.architecture.factor
    else:
        message.strength.CopyFrom(_range_message(manifest.strength))
        message.stroke_size.CopyFrom(_range_message(manifest.stroke_size))
    return message


def _style_message(
    pack: Pack, version: str | None, style: StyleEntry, *, with_preview: bool
) -> packs_pb2.Style:
    """The style; of a version of its pack that was asked for, or of the current one if None."""
    message = packs_pb2.Style(
        name=f"{PackRef(pack.manifest.id, version).name}/styles/{style.id}",
        display_name=style.display_name,
        artist=style.artist,
        license=style.license or pack.manifest.license,
    )
    if with_preview and (preview := plain_preview(pack, style.id)) is not None:
        message.preview, message.preview_media_type = preview
    return message


def _range_message(slider: SliderRange) -> packs_pb2.SliderRange:
    return packs_pb2.SliderRange(
        minimum=slider.minimum, maximum=slider.maximum, default_value=slider.default
    )


def _check_data(message: packs_pb2.InstallPackRequest, received: int, announced: int) -> int:
    """The length of a piece that may come next."""
    if message.WhichOneof("payload") != "data":
        raise InvalidFieldError("header", "may be sent only once, as the first message")
    size = len(message.data)
    if not 1 <= size <= CHUNK_BYTES:
        raise InvalidFieldError("data", f"must have 1 to {CHUNK_BYTES} bytes, not {size}")
    if received + size > announced:
        raise InvalidFieldError(
            "data", f"{received + size} bytes came; the header announced {announced}"
        )
    return size


def _plain_id(field: str, name: str) -> str:
    ref = pack_ref(field, name)
    if ref.version is not None:
        raise InvalidFieldError(field, f"must be packs/PACK without a version, not {name[:100]!r}")
    return ref.id
