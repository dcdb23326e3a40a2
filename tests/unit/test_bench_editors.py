"""``pastiche bench editors`` without an editor: its table, its bars and its refusals."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pastiche_daemon.bench.editor_run import CLIENT_ALONE, EditorRun, PaintingRun
from pastiche_daemon.bench.editors import editors_report
from pastiche_daemon.bench.painting import painting_report
from pastiche_daemon.cli.bench import bench
from tools.bench_editors.measured import DaemonLog, PaintingTimes


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
            "coding s": 0.25,
            "wire s": 0.25,
            "editor s": 0.0,
            "freeze s": "-",
            "dialog freeze s": "-",
            "preview s": "-",
        },
        {
            "where": "Krita",
            "total s": 8.75,
            "network s": 8.0,
            "added s": 0.75,
            "coding s": 0.25,
            "wire s": 0.25,
            "editor s": 0.25,
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
    dialog = runs("GIMP, dialog", added=added, frozen=frozen, preview=preview)
    report = editors_report([*runs(CLIENT_ALONE, added=0.25), *dialog])
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


def ended(place: str, how: str, *seconds: float) -> PaintingRun:
    kept = how == "keep"
    end, freed, step, picture = seconds
    return PaintingRun(place, kept, end, freed, step, picture)


def test_every_way_to_end_a_painting_has_a_line_and_three_bars():
    report = painting_report(
        [
            ended("GIMP", "cancel", 0.25, 0.5, 0.25, 1.0),
            ended("GIMP", "cancel", 0.5, 0.25, 0.5, 0.5),
            ended("GIMP", "cancel", 0.25, 0.25, 1.0, 0.5),
            ended("GIMP", "keep", 0.5, 0.5, 0.25, 1.5),
            ended("Krita", "keep", 0.25, 0.25, 0.25, 2.0),
        ]
    )
    assert report.rows == [
        ("GIMP", "cancel", 0.5, 0.5, 0.5, 1.0),
        ("GIMP", "stop and keep", 0.5, 0.5, 0.25, 1.5),
        ("Krita", "stop and keep", 0.25, 0.25, 0.25, 2.0),
    ]
    assert len(report.bars) == 9
    assert report.met


@pytest.mark.parametrize(
    ("seconds", "freed", "pictures", "missed"),
    [(1.0, 0.5, 2.0, "end"), (0.5, 1.0, 2.0, "idle daemon"), (0.5, 0.5, 2.5, "pictures")],
)
def test_a_painting_that_ends_late_is_told(
    seconds: float, freed: float, pictures: float, missed: str
):
    # A slow step elsewhere is no excuse.
    slow = ended("GIMP", "keep", 3.0, 3.0, 3.0, 0.5)
    report = painting_report([slow, ended("GIMP", "keep", seconds, freed, 0.5, pictures)])
    assert [bar.name for bar in report.bars if not bar.met] == [f"GIMP, stop and keep: {missed}"]


def test_what_is_seen_of_a_painting_tells_its_step_and_its_pictures():
    times = PaintingTimes([(10.0, 1), (10.5, 2), (12.0, 5), (12.25, 6)], [10.25, 12.0])
    assert times.step_seconds == 0.5
    assert times.longest_without_picture(12.5) == 1.75
    assert times.longest_without_picture(15.0) == 3.0
    assert not times.is_enough
    assert PaintingTimes([*times.steps, (20.0, 20)], [1.0, 2.0, 3.0, 4.0]).is_enough


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
