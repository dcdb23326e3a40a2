"""EncodersService."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from pastiche.v1 import encoders_pb2
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.services.paging import page
from pastiche_daemon.wire import InvalidFieldError

_Encoder = encoders_pb2.Encoder
_NAME = re.compile(r"encoders/([^/]+)")
_STATES = {
    "built-in": _Encoder.STATE_BUILT_IN,
    "added": _Encoder.STATE_ADDED,
    "fetched": _Encoder.STATE_FETCHED,
}


@dataclass(frozen=True)
class EncodersService:
    """Lists encoders. The store's work is done in threads: it reads files and loads torch."""

    store: EncoderStore

    @answers
    async def ListEncoders(  # noqa: N802
        self, request: encoders_pb2.ListEncodersRequest, _: Call
    ) -> encoders_pb2.ListEncodersResponse:
        def answer() -> encoders_pb2.ListEncodersResponse:
            places = {name: f"{place:04d}" for place, name in enumerate(self.store.names())}
            names, token = page(places, places.__getitem__, request.page_size, request.page_token)
            return encoders_pb2.ListEncodersResponse(
                encoders=[self._message(name) for name in names], next_page_token=token
            )

        return await asyncio.to_thread(answer)

    @answers
    async def GetEncoder(  # noqa: N802
        self, request: encoders_pb2.GetEncoderRequest, _: Call
    ) -> encoders_pb2.Encoder:
        match = _NAME.fullmatch(request.name)
        if match is None:
            raise InvalidFieldError("name", f"must be encoders/ENCODER, not {request.name[:100]!r}")
        return await asyncio.to_thread(self._message, match[1])

    def _message(self, name: str) -> encoders_pb2.Encoder:
        from pastiche_daemon.encoders import EncoderFileError, MissingEncoderError

        message = _Encoder(
            name=f"encoders/{name}",
            display_name=self.store.label(name),
            layers=self.store.layers(name),
            only_dreams=self.store.only_dreams(name),
        )
        try:
            found = self.store.find_network(name)
            message.size_bytes = found.path.stat().st_size
        except MissingEncoderError as error:
            message.state, message.trouble = _Encoder.STATE_MISSING, str(error)
        except (EncoderFileError, OSError) as error:
            message.state, message.trouble = _Encoder.STATE_DAMAGED, str(error)
        else:
            message.state = _STATES[found.source]
            message.layers[:] = found.layers
        return message
