"""install.py as users run it: the program, a home folder, and a real daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pastiche_client import Client
from pastiche_client.errors import DaemonNotRunningError
from pastiche_client.paths import DataPaths
from tests.contract.daemons import end_daemons
from tests.support.bundles import needs_wheels
from tests.support.homes import LINUX, tree

ROOT = Path(__file__).parents[2]

pytestmark = [
    needs_wheels,
    pytest.mark.skipif(sys.platform != "linux", reason="uses a home folder as Linux has it"),
]


def _run(home: Path, *arguments: str) -> tuple[int, str]:
    hidden = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "GIMP3_DIRECTORY", "PASTICHE_HOME")
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, str(ROOT / "install.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=home.parent,
        env={**environ, "HOME": str(home), "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_install_doctor_uninstall(tmp_path: Path) -> None:
    home = LINUX.make(tmp_path, "Zoë's home, 2nd").home
    # In the folder where the command is run, such a folder must not be taken for a package.
    (tmp_path / "pastiche").mkdir()
    before = tree(home)
    paths = DataPaths(home / ".local" / "share" / "pastiche")
    try:
        code, said = _run(home, "install", "--environment", sys.prefix)
        assert code == 0, said
        for name in (*LINUX.gimp, *LINUX.krita):
            assert (home / name).is_dir()
        code, said = _run(home, "doctor")
        assert code == 0, said
        assert "Everything works." in said
        # Every plug-in, with the packages that it carries.
        assert said.count("its client talks to daemon") == 3
        (home / LINUX.gimp[0] / "pastiche.py").chmod(0o644)
        code, said = _run(home, "doctor")
        assert code == 1
        assert "1 thing is broken." in said
        with Client.connect(paths, start=False) as client:
            assert client.health()
        code, said = _run(home, "uninstall")
        assert code == 0, said
        with pytest.raises(DaemonNotRunningError), Client.connect(paths, start=False):
            pass
    finally:
        end_daemons(paths)
    assert tree(home) == before


def test_a_home_without_editors_is_told(tmp_path: Path) -> None:
    code, said = _run(tmp_path, "install", "--environment", sys.prefix, "--editor", "gimp")
    if code == 0:
        pytest.skip("GIMP 3 is installed on this system")
    assert code == 1
    assert "Error: No GIMP 3 was found" in said
    assert not list(tmp_path.iterdir())
