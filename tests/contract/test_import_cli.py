"""`pastiche packs import` against a real daemon process: a foreign network paints a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pastiche_client.paths import DataPaths
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import pastiche, photo, succeeds
from tests.support.fast_neural_style import onnx_model, plain_network, write_state_dict


@pytest.fixture
def home(own_home: Path) -> Iterator[DataPaths]:
    paths = DataPaths(own_home)
    yield paths
    end_daemons(paths)


@pytest.mark.parametrize("kind", ["pth", "onnx"])
def test_an_imported_network_is_installed_and_paints(
    home: DataPaths, tmp_path: Path, kind: str
) -> None:
    network = plain_network()
    file = tmp_path / f"mosaic.{kind}"
    if kind == "pth":
        write_state_dict(file, network, stray=True, legacy=True)
    else:
        file.write_bytes(onnx_model(network).SerializeToString())
    content = photo(tmp_path / "photo.png", 64, 48)
    arguments = ["packs", "import", file, "--name", "Mosaic", "--license", "BSD-3-Clause"]
    told = pastiche(home, *arguments, "--attribution", "PyTorch's examples.")
    assert told.exit_code == 0, told.output
    assert "PyTorch's examples." in told.stderr
    assert "Installed mosaic 1.0.0" in told.stderr
    assert "mosaic" in succeeds(home, "packs", "list")
    again = pastiche(home, *arguments)
    assert (again.exit_code, "--replace" in again.stderr) == (1, True)
    assert pastiche(home, *arguments, "--replace").exit_code == 0
    out = tmp_path / "out.png"
    succeeds(home, "stylize", content, "--style", "mosaic", "-o", out)
    with Image.open(content) as before, Image.open(out) as after:
        image = torch.from_numpy(np.array(before.convert("RGB"))).permute(2, 0, 1)[None].float()
        got = np.array(after.convert("RGB")).astype(float)
    with torch.no_grad():
        wanted = network(image).clamp(0, 255)[0].permute(1, 2, 0).numpy()
    # The daemon may compute in half precision.
    assert np.sqrt(np.square(got - wanted).mean()) < 4
    assert got.std() > 20


def test_other_files_are_refused_and_leave_nothing(home: DataPaths, tmp_path: Path) -> None:
    file = tmp_path / "mosaic.pth"
    torch.save(plain_network(), file)
    told = pastiche(home, "packs", "import", file, "--name", "Mosaic", "--license", "MIT")
    assert told.exit_code == 1
    assert "a whole pickled model" in told.stderr
    assert "mosaic" not in succeeds(home, "packs", "list")
    missing = pastiche(home, "packs", "import", tmp_path / "no", "--name", "x", "--license", "MIT")
    assert (missing.exit_code, "No such file" in missing.stderr) == (1, True)
