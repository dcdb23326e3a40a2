"""Import many damaged files in a process of its own, and tell what became of them.

    python -m tests.support.fuzz_imports KIND COUNT FOLDER

Prints JSON: how many files were ``tried``, ``refused`` and ``imported``, everything that was none
of both (``crashed``), every ``event`` of running code, writing elsewhere or using the network, and
how much the process grew, in MiB.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pastiche_daemon.importing import ImportRequest, import_pack
from pastiche_daemon.packs.errors import PackError
from tests.support.fast_neural_style import onnx_model, plain_network, write_state_dict

_TINY = (2, 2, 2)
_WATCHED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.", "socket.", "ctypes.", "pty.")
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def good_file(kind: str, folder: Path) -> bytes:
    """The file that is damaged."""
    network = plain_network(_TINY)
    if kind == "onnx":
        return onnx_model(network, opset=9, dynamic=True).SerializeToString()
    path = write_state_dict(folder / "good", network, stray=True, legacy=kind == "legacy")
    data = path.read_bytes()
    path.unlink()
    return data


def damaged(good: bytes, random_: random.Random) -> bytes:
    """The file with a few damages of one kind; most of them where its structure is told."""
    data = bytearray(good)
    kind = random_.choice(("bytes", "bytes", "near", "cut", "insert", "repeat", "drop", "swap"))
    # Pickles and the first operations stand at the beginning, a zip's directory at the end.
    structured = [*range(min(6000, len(data))), *range(max(0, len(data) - 6000), len(data))]
    at = random_.choice(structured) if random_.random() < 0.9 else random_.randrange(len(data))
    if kind == "bytes":
        for _ in range(random_.randint(1, 8)):
            place = random_.choice(structured)
            data[place] = random_.choice((*_INTERESTING, random_.randrange(256)))
    elif kind == "near":
        for place in range(at, min(len(data), at + random_.randint(1, 16))):
            data[place] = random_.randrange(256)
    elif kind == "cut":
        del data[random_.randrange(1, len(data)) :]
    elif kind == "insert":
        data[at:at] = random_.randbytes(random_.randint(1, 64))
    elif kind == "repeat":
        data[at:at] = data[at : at + random_.randint(1, 400)]
    elif kind == "drop":
        del data[at : at + random_.randint(1, 400)]
    else:
        other = random_.choice(structured)
        data[at], data[other] = data[other], data[at]
    return bytes(data)


def watch(allowed: Path, events: list[str]) -> Callable[[], None]:
    """Note what must not happen from now on, until the returned function is called."""
    state = {"on": True}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not state["on"]:
            return
        if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            path, mode, flags = arguments
            writes = any(letter in str(mode or "") for letter in "wax+") or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if writes and not Path(os.fsdecode(path)).resolve().is_relative_to(allowed):
                events.append(f"wrote {path!r}")
        elif event == "subprocess.Popen" and "describe" in arguments[1]:
            pass  # our own: the commit that the pack tells
        elif event.startswith(_WATCHED):
            events.append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)

    def stop() -> None:
        state["on"] = False

    return stop


def main(kind: str, count: int, folder: Path) -> dict[str, Any]:
    """Damage, import and count."""
    good = good_file(kind, folder)
    source, target = folder / "file", folder / "out.pastiche"
    request = ImportRequest(file=source, name="Fuzz", license="MIT", command="fuzz")
    source.write_bytes(good)
    import_pack(request, target)  # loads what is loaded when it is needed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told: dict[str, Any] = {"tried": 0, "refused": 0, "imported": 0, "crashed": []}
    events: list[str] = []
    stop = watch(folder.resolve(), events)
    for seed in range(count):
        source.write_bytes(damaged(good, random.Random(seed)))
        told["tried"] += 1
        try:
            import_pack(request, target)
            told["imported"] += 1
        except PackError:
            told["refused"] += 1
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            told["crashed"].append(f"seed {seed}: {type(error).__name__}: {error!s:.300}")
    stop()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told["events"] = events
    told["grown_mib"] = (after - before) / 1024
    told["left"] = sorted(path.name for path in folder.iterdir())
    return told


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))  # noqa: T201
