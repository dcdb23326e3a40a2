"""Videos to numbered frames and back, by the ffmpeg that is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pastiche_daemon.packs.files import part_file

# What a container is written with; sound is taken over as it is where the container holds it.
_CODECS: dict[str, tuple[str, ...]] = {
    ".mp4": ("-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p"),
    ".m4v": ("-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p"),
    ".mov": ("-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p"),
    ".mkv": ("-c:v", "libx264", "-crf", "17", "-pix_fmt", "yuv420p"),
    ".webm": ("-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-pix_fmt", "yuv420p"),
}
FRAME = "%06d.png"
_COMPLETE = "complete"


class VideoError(Exception):
    """A video cannot be read or written; the message says why and what to do."""


@dataclass(frozen=True)
class Video:
    """A video file. `rate` is in frames a second."""

    path: Path
    rate: Fraction


def is_video_name(path: Path) -> bool:
    """Whether the name ends like that of a video that can be read and written."""
    return path.suffix.lower() in _CODECS


def open_video(path: Path) -> Video:
    """Look at a video.

    Raises:
        VideoError: it cannot be read, or ffmpeg is not installed.
    """
    told = _run(
        [
            *(_tool("ffprobe"), "-v", "error", "-select_streams", "v:0"),
            *("-show_entries", "stream=avg_frame_rate", "-of", "json", _plain(path)),
        ],
        path,
    )
    try:
        streams: list[dict[str, Any]] = json.loads(told)["streams"]
        rate = Fraction(str(streams[0]["avg_frame_rate"]))
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise VideoError(f"{path}: holds no moving pictures") from error
    if rate <= 0:
        raise VideoError(f"{path}: does not say how many frames a second it has")
    return Video(path, rate)


def extract_frames(video: Video, folder: Path) -> Path:
    """All frames as PNG files in `folder`, made once; returns their pattern.

    Raises:
        VideoError: it cannot be read, or the frames cannot be written.
    """
    complete = folder / _COMPLETE
    stamp = _stamp(video.path)
    if not (complete.is_file() and complete.read_text(encoding="utf-8") == stamp):
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        except OSError as error:
            raise VideoError(f"{folder}: {error.strerror or error}") from error
        _run(
            [
                *(_tool("ffmpeg"), "-v", "error", "-nostdin", "-i", _plain(video.path)),
                # One rate throughout, so that frames and sound still go together.
                *("-map", "0:v:0", "-vf", f"fps={video.rate}", str(folder / FRAME)),
            ],
            video.path,
        )
        complete.write_text(stamp, encoding="utf-8")
    return folder / FRAME


def write_video(frames: Path, video: Video, target: Path) -> None:
    """Numbered frames with the sound of `video`; the file is there whole or not at all.

    Raises:
        VideoError: it cannot be written.
    """
    with part_file(target) as part:
        part.file.close()
        encoding = _CODECS[target.suffix.lower()]
        _run(
            [
                *(_tool("ffmpeg"), "-v", "error", "-nostdin", "-y"),
                *("-framerate", str(video.rate), "-i", str(frames), "-i", _plain(video.path)),
                *("-map", "0:v", "-map", "1:a?", "-c:a", "copy", *encoding),
                # These codecs want even sides.
                *("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-f", _container(target)),
                _plain(part.path),
            ],
            target,
        )
        part.move_to(target)


def _container(target: Path) -> str:
    suffix = target.suffix.lower().lstrip(".")
    return {"mkv": "matroska", "m4v": "mp4"}.get(suffix, suffix)


def _stamp(path: Path) -> str:
    found = path.stat()
    return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"


def _plain(path: Path) -> str:
    """Not to be taken for a protocol or an option."""
    return f"file:{path}"


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise VideoError(
            f"{name} is not installed, and videos need it: install ffmpeg "
            "(https://ffmpeg.org), or give numbered frames such as frame_%04d.png"
        )
    return found


def _run(command: list[str], path: Path) -> str:
    done = subprocess.run(  # noqa: S603 - no shell, and names cannot be options
        command, capture_output=True, check=False, text=True, errors="replace"
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{command[0]} failed"]
        raise VideoError(f"{path}: {lines[-1]}")
    return done.stdout
