"""``pastiche bench editors`` without an editor: its table, its bars and its refusals."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pastiche_daemon.bench.editor_run import CLIENT_ALONE, EditorRun
from pastiche_daemon.bench.editors import editors_report
from pastiche_daemon.cli.bench import bench
from tools.bench_editors.measured import DaemonLog


def runs(
    place: str, *, added: float, frozen: float | None = None, preview: float | None = None
) -> list[EditorRun]:
    """Three rounds; the network takes 8 s, decoding and encoding 0.25 s."""
    return [
        *(EditorRun(place, 0.0, added, 0.25, frozen) for _ in range(3)),
        EditorRun(place, 1.0, 8 + added, 8.25, frozen, preview_seconds=preview),
        EditorRun(place, 1.0, 8 + added - 0.125, 8.25, 0 if frozen else None),
        EditorRun(place, 1.0, 9 + added, 9.25, frozen),
    ]


def test_what_is_added_is_all_but_the_network():
    report = editors_report(
        [*runs(CLIENT_ALONE, added=0.5), *runs("Krita", added=0.75, frozen=0.2, preview=0.25)]
    )
    assert [dict(zip(report.columns, row, strict=True)) for row in report.rows] == [
        {
            "where": CLIENT_ALONE,
            "total s": 8.5,
            "network s": 8.0,
            "added s": 0.5,
            "strength 0 s": 0.5,
            "freeze s": "-",
            "dialog freeze s": "-",
            "preview s": "-",
        },
        {
            "where": "Krita",
            "total s": 8.75,
            "network s": 8.0,
            "added s": 0.75,
            "strength 0 s": 0.75,
            "freeze s": 0.2,
            "dialog freeze s": "-",
            "preview s": 0.25,
        },
    ]
    assert [bar.name for bar in report.bars] == [
        "Krita: added",
        "Krita: longest freeze",
        "Krita: preview",
    ]
    assert report.met


@pytest.mark.parametrize(
    ("added", "frozen", "preview", "missed"),
    [
        (1.25, 0.1, 0.4, "GIMP, dialog: added"),
        (0.5, 0.4, 0.4, "GIMP, dialog: longest freeze"),
        (0.5, 0.1, 0.6, "GIMP, dialog: preview"),
    ],
)
def test_the_bars_can_be_missed(added: float, frozen: float, preview: float, missed: str):
    report = editors_report(runs("GIMP, dialog", added=added, frozen=frozen, preview=preview))
    assert [bar.name for bar in report.bars if not bar.met] == [missed]
    assert not report.met


def test_a_missing_editor_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PASTICHE_EDITORS", str(tmp_path / "none"))
    (tmp_path / "bin").mkdir()
    for name in ("Xvfb", "xdotool"):
        program = tmp_path / "bin" / name
        program.touch()
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + os.environ["PATH"])
    done = CliRunner().invoke(bench, ["editors", "--editor", "krita"])
    assert done.exit_code == 1
    assert "there is no Krita" in done.output
    assert "tools/prepare_editors.py" in done.output


def test_the_daemons_log_tells_how_long_a_layer_took(tmp_path: Path):
    def done(size: str, seconds: str) -> str:
        return (
            f"INFO stylized {size} with masters 1.0 in {seconds} s after 0.00 s in the queue (x)\n"
        )

    file = tmp_path / "daemon.log"
    file.write_text(done("3840 x 2160", "9.00"))
    log = DaemonLog(file)
    with file.open("a") as more:
        more.write(done("384 x 216", "0.10") + done("3840 x 2160", "8.25"))
    assert log.take() == [8.25]
    with pytest.raises(RuntimeError, match="0 layers instead of 1"):
        log.take()
