"""Jobs whose runtime fails come back with a result and a note, made elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pastiche.v1 import layer_pb2
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobContext
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.nn import runtime
from pastiche_daemon.nn.runtime import Runtime
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.services.stylize_request import StyleMix, StylizeRequest
from pastiche_daemon.services.stylize_work import StylizeWork
from pastiche_daemon.wire import LayerLimits, LayerUpload, parse_layer_header
from tests.support.tiny_pack import write_tiny_pack

# Torch's device without memory: networks run there, and reading what they give fails in earnest.
BROKEN = Runtime(torch.device("meta"), "bfloat16", "it is broken")
WORKING = Runtime(torch.device("cpu"), "float32", "it works")
SIDE = 40
PIXELS = bytes(range(240)) * (SIDE * SIDE * 3 // 240)


def stylized(folder: Path, limit: int | None = None) -> tuple[bytes, tuple[str, ...]]:
    """What the job makes of `PIXELS`, within `limit` bytes, and its notes."""
    header = layer_pb2.LayerHeader(
        width=SIDE,
        height=SIDE,
        format=layer_pb2.PIXEL_FORMAT_RGB,
        sample_type=layer_pb2.SAMPLE_TYPE_U8,
    )
    layout = parse_layer_header(header, LayerLimits())
    request = StylizeRequest(
        layout, (("tiny/one", 1.0),), 1.0, preserve_colors=False, stroke_size=1.0, preview_size=0
    )
    mix = StyleMix(read_pack(write_tiny_pack(folder / "tiny.pastiche")), (1.0, 0.0))
    upload = LayerUpload(layout)
    upload.layer.extend(PIXELS)
    work = StylizeWork(Engine(), MemoryBudget(limit=limit), request, mix, upload)
    notes = work(JobContext(lambda: None, lambda: None))
    return bytes(upload.layer.read(0, len(PIXELS))), notes


@pytest.mark.parametrize("limit", [None, 2**20], ids=["whole", "strips"])
def test_a_layer_is_stylized_elsewhere_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr(runtime, "choose_runtimes", lambda *_: (WORKING,))
    wanted, notes = stylized(tmp_path, limit)
    assert notes == ()
    assert wanted != PIXELS
    monkeypatch.setattr(runtime, "choose_runtimes", lambda *_: (BROKEN, WORKING))
    found, notes = stylized(tmp_path, limit)
    assert found == wanted
    assert ["did the work instead" in note for note in notes] == [True]
