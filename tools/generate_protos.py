"""Generate the Python code of the API beside its .proto files: `python tools/generate_protos.py`.

Messages and their type stubs come from protoc, `*_pb2_grpc.py` from grpcio for the daemon, and
`*_grpc.py` from grpclib for the pure-Python client.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import sysconfig
from pathlib import Path

import google.longrunning
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent.parent / "protos"
_SERVICE = re.compile(r"^service ", re.MULTILINE)


def generate(output: Path) -> list[Path]:
    """Write the code of all .proto files below `output`, and return the files.

    Raises:
        RuntimeError: a plugin is missing or protoc refuses a file; it says why on stderr.
    """
    sources = sorted(PROTOS.glob("pastiche/v1/*.proto"))
    with_services = [file for file in sources if _SERVICE.search(file.read_text("utf-8"))]
    _protoc(sources, [f"--python_out={output}", f"--pyi_out={output}"])
    _protoc(
        with_services,
        [
            f"--grpc_python_out={output}",
            f"--plugin=protoc-gen-grpclib_python={_grpclib_plugin()}",
            f"--grpclib_python_out={output}",
        ],
    )
    return sorted(
        file
        for file in (output / "pastiche" / "v1").iterdir()
        if file.name.endswith(("_pb2.py", "_pb2.pyi", "_grpc.py"))
    )


def _protoc(sources: list[Path], options: list[str]) -> None:
    # googleapis-common-protos carries the .proto files of google.longrunning beside their code,
    # grpcio-tools those of google.protobuf.
    google_protos = Path(next(iter(google.longrunning.__path__))).parent.parent
    builtin_protos = Path(protoc.__file__).parent / "_proto"
    includes = [f"-I{folder}" for folder in (PROTOS, google_protos, builtin_protos)]
    names = [str(file) for file in sources]
    if protoc.main(["protoc", *includes, *options, *names]) != 0:
        raise RuntimeError("protoc failed; its message is above")


def _grpclib_plugin() -> str:
    name = "protoc-gen-grpclib_python"
    plugin = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if plugin is None:
        raise RuntimeError(f"{name} is missing; install this project with its dev extra")
    return plugin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=PROTOS, help="default: beside the sources")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for file in generate(output):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
