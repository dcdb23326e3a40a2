"""Functions that run inside GIMP, called over the tests' bridge."""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import time

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp  # noqa: E402


def show_image(width, height):
    """An image in a window of its own, with one opaque RGBA8 layer of smooth colours."""
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(
        image, "painting", width, height, Gimp.ImageType.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL
    )
    columns = range(width)
    pixels = bytearray()
    for y in range(height):
        row = bytearray(4 * width)
        row[0::4] = bytes((x * 255 // width) for x in columns)
        row[1::4] = bytes([y * 255 // height]) * width
        row[2::4] = bytes((x * 7 + y * 5) & 255 for x in columns)
        row[3::4] = b"\xff" * width
        pixels += row
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), "R'G'B'A u8", bytes(pixels))
    buffer.flush()
    image.insert_layer(layer, None, 0)
    image.set_selected_layers([layer])
    Gimp.Display.new(image)
    Gimp.displays_flush()
    return image.get_id()


def stylize(image, mode, **options):
    """Run the plug-in's procedure; returns when it began and ended, by the system's clock."""
    image = Gimp.Image.get_by_id(image)
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-pastiche")
    config = procedure.create_config()
    config.set_property("run-mode", getattr(Gimp.RunMode, mode))
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    for name, value in options.items():
        config.set_property(name.replace("_", "-"), value)
    started = time.perf_counter()
    values = procedure.run(config)
    ended = time.perf_counter()
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(Gimp.get_pdb().get_last_error())
    Gimp.displays_flush()
    return [started, ended]


def undo_all(image):
    """Remove all layers but the lowest, and select that one."""
    image = Gimp.Image.get_by_id(image)
    *others, layer = image.get_layers()
    for other in others:
        image.remove_layer(other)
    image.set_selected_layers([layer])
    Gimp.displays_flush()
