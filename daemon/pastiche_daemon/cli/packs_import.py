"""`pastiche packs import`."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)


@click.command(
    "import",
    epilog="""
\b
Examples:
  pastiche packs import mosaic.pth --name Mosaic --license BSD-3-Clause
  pastiche packs import candy-9.onnx --name Candy --license BSD-3-Clause --sample cat.jpg
  pastiche packs import mosaic.pth --name Mosaic --license BSD-3-Clause -o mosaic.pastiche
""",
)
@click.argument("file", type=_PATH)
@click.option("--name", required=True, help="What the style is called.")
@click.option("--license", required=True, help="SPDX expression of the weights' licence.")
@click.option("--id", "pack_id", default="", help="The pack's id. Default: from the name.")
@click.option("--pack-version", default="1.0.0", show_default=True, help="The pack's version.")
@click.option("--artist", default="", help="Who painted the style.")
@click.option("--attribution", default="", help="Who made the weights, and from what.")
@click.option("--sample", type=_PATH, help="Photograph to show the style with.")
@click.option("-o", "--output", type=_PATH, help="Write the pack here instead of installing it.")
@click.option("-f", "--force", is_flag=True, help="Replace a file that exists.")
@click.option("--replace", is_flag=True, help="Replace an installed pack of the same version.")
@click.pass_context
def import_network(context: click.Context, **options: Any) -> None:
    """Make a pack of another project's network, and install it.

    FILE is a state dict of PyTorch's fast_neural_style example (.pth), or the same network as an
    ONNX graph of the ONNX model zoo, which needs the onnx package. The file is read, never run.
    """
    from pastiche_daemon.cli.packs import install
    from pastiche_daemon.importing import ImportRequest, import_pack
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError

    output: Path | None = options["output"]
    if output is not None and output.exists() and not options["force"]:
        raise click.UsageError(f"{output} exists already; use --force to replace it.")
    request = ImportRequest(
        file=options["file"],
        name=options["name"],
        license=options["license"],
        command=shlex.join(["pastiche", "packs", "import", options["file"].name]),
        id=options["pack_id"],
        version=options["pack_version"],
        artist=options["artist"],
        attribution=options["attribution"],
        sample=options["sample"],
    )
    try:
        if output is not None:
            import_pack(request, output)
            click.echo(output)
            return
        with tempfile.TemporaryDirectory() as folder:
            pack = Path(folder, f"{options['file'].stem}.pastiche")
            import_pack(request, pack)
            context.invoke(install, files=(pack,), replace=options["replace"], yes=True)
    except (PackError, PictureError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{options['file']}: {error.strerror or error}") from error
