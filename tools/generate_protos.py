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
import tempfile
from pathlib import Path

import google.longrunning
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent.parent / "protos"
# googleapis-common-protos has .proto files beside its code, grpcio-tools those of protobuf.
_GOOGLE_PROTOS = Path(next(iter(google.longrunning.__path__))).parent.parent
_BUILT_IN_PROTOS = Path(protoc.__file__).parent / "_proto"
_SERVICE = re.compile(r"^service ", re.MULTILINE)


def generate(output: Path) -> list[Path]:
    """Write the code of all .proto files below `output`, and return the files.

    Raises:
        RuntimeError: a plugin is missing or protoc refuses a file; it says why on stderr.
    """
    sources = sorted(PROTOS.glob("pastiche/v1/*.proto"))
    with_services = [file for file in sources if _SERVICE.search(file.read_text("utf-8"))]
    with tempfile.TemporaryDirectory() as folder:
        includes = [PROTOS, _operations_proto(Path(folder)), _GOOGLE_PROTOS, _BUILT_IN_PROTOS]
        _protoc(includes, sources, [f"--python_out={output}", f"--pyi_out={output}"])
        _protoc(
            includes,
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


def _protoc(includes: list[Path], sources: list[Path], options: list[str]) -> None:
    folders = [f"-I{folder}" for folder in includes]
    if protoc.main(["protoc", *folders, *options, *map(str, sources)]) != 0:
        raise RuntimeError("protoc failed; its message is above")


def _operations_proto(folder: Path) -> Path:
    """Put google/longrunning/operations.proto below `folder`, which is returned.

    googleapis-common-protos has it under another name than the one that its code registers.
    """
    target = folder / "google" / "longrunning" / "operations.proto"
    target.parent.mkdir(parents=True)
    shutil.copyfile(_GOOGLE_PROTOS / "google" / "longrunning" / "operations_proto.proto", target)
    return folder


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
