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


def add_style(image, width, height):
    """A smaller layer of other colours below the one that is selected."""
    image = Gimp.Image.get_by_id(image)
    image.undo_disable()
    layer = Gimp.Layer.new(
        image, "style", width, height, Gimp.ImageType.RGB_IMAGE, 100.0, Gimp.LayerMode.NORMAL
    )
    pixels = bytearray()
    for y in range(height):
        row = bytearray(3 * width)
        row[0::3] = bytes(((x * x + y * y) // 64) & 255 for x in range(width))
        row[1::3] = bytes((x * y // 32) & 255 for x in range(width))
        row[2::3] = bytes([255 - y * 255 // height]) * width
        pixels += row
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), "R'G'B' u8", bytes(pixels))
    buffer.flush()
    image.insert_layer(layer, None, len(image.get_layers()))
    image.set_selected_layers(image.get_layers()[:1])
    image.undo_enable()
    Gimp.displays_flush()


def stylize(image, mode, **options):
    """Run the plug-in's procedure; returns when it began and ended, by the system's clock."""
    return _run("plug-in-pastiche", image, mode, {Gimp.PDBStatusType.SUCCESS}, options)


def paint(image):
    """The same for the dialog of painting like another layer, which may be cancelled."""
    ended = {Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.CANCEL}
    return _run("plug-in-pastiche-paint-like", image, "INTERACTIVE", ended, {})


def _run(name, image, mode, ended, options):
    image = Gimp.Image.get_by_id(image)
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", getattr(Gimp.RunMode, mode))
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    for name, value in options.items():
        config.set_property(name.replace("_", "-"), value)
    began = time.perf_counter()
    values = procedure.run(config)
    over = time.perf_counter()
    if values.index(0) not in ended:
        raise RuntimeError(Gimp.get_pdb().get_last_error())
    Gimp.displays_flush()
    return [began, over]


def undo_all(image, keep=1):
    """Remove all layers but the lowest ones, and select the upper one of these."""
    image = Gimp.Image.get_by_id(image)
    layers = image.get_layers()
    others, layers = layers[:-keep], layers[-keep:]
    for other in others:
        image.remove_layer(other)
    image.set_selected_layers(layers[:1])
    Gimp.displays_flush()
