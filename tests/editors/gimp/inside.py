"""Functions that run inside GIMP, called by the tests over the bridge.

Images and items go by their ids. Everything that a test looks at is read from GIMP, in the image's
own precision.
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import base64
import hashlib
import random
import struct

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Babl, Gegl, Gimp, Gio  # noqa: E402

_BASES = {
    "rgb": Gimp.ImageBaseType.RGB,
    "grey": Gimp.ImageBaseType.GRAY,
    "indexed": Gimp.ImageBaseType.RGB,  # converted once it has a layer
}
_TYPES = {
    Gimp.ImageBaseType.RGB: (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE),
    Gimp.ImageBaseType.GRAY: (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE),
    Gimp.ImageBaseType.INDEXED: (Gimp.ImageType.INDEXED_IMAGE, Gimp.ImageType.INDEXEDA_IMAGE),
}
# struct's code of a sample, and the value of a full one
_SAMPLES = {
    "u8": ("B", 255),
    "u16": ("H", 65535),
    "u32": ("I", 2**32 - 1),
    "half": ("e", 1),
    "float": ("f", 1),
    "double": ("d", 1),
}
# Arguments of procedures that are items.
_ITEMS = ("style", "second_style", "style_region", "second_region", "strength_mask")
_PROFILES = {
    "adobe": Gimp.ColorProfile.new_rgb_adobe,
    "linear": Gimp.ColorProfile.new_rgb_srgb_linear,
    "grey-lab": Gimp.ColorProfile.new_d50_gray_lab_trc,
}


def _item(number):
    return Gimp.Item.get_by_id(number)


def _image(number):
    return Gimp.Image.get_by_id(number)


def _whole(drawable):
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def _precision(nick):
    return next(value for value in _precisions() if value.value_nick == nick)


def _precisions():
    names = [name for name in dir(Gimp.Precision) if name.isupper()]
    return [getattr(Gimp.Precision, name) for name in names]


def _format(drawable):
    if drawable.is_indexed():
        return "R'G'B'A u8" if drawable.has_alpha() else "R'G'B' u8"
    return Babl.get_name(drawable.get_format())


def _sample(image):
    return image.get_precision().value_nick.split("-")[0]


def _bytes(drawable):
    return drawable.get_buffer().get(
        _whole(drawable), 1.0, _format(drawable), Gegl.AbyssPolicy.NONE
    )


def _hash(data):
    return hashlib.sha256(data).hexdigest()[:16]


def create_image(base="rgb", precision="u8-non-linear", size=(48, 40), profile=""):
    image = Gimp.Image.new_with_precision(*size, _BASES[base], _precision(precision))
    if profile:
        image.set_color_profile(_PROFILES[profile]())
    return image.get_id()


def add_layer(
    image,
    name="layer",
    size=None,
    offset=(0, 0),
    alpha=True,
    seed=1,
    parent=None,
    fast=False,
):
    """A layer of random pixels; with alpha some are transparent and others half so."""
    image = _image(image)
    width, height = size or (image.get_width(), image.get_height())
    kind = _TYPES[image.get_base_type()][alpha]
    layer = Gimp.Layer.new(image, name, width, height, kind, 100.0, Gimp.LayerMode.NORMAL)
    layer.set_offsets(*offset)
    paint(layer, seed, fast)
    image.insert_layer(layer, _item(parent) if parent else None, 0)
    return layer.get_id()


def paint(layer, seed, fast=False):
    """Give a layer other pixels, `fast` for large ones of 8 bits. It cannot be undone."""
    layer = layer if isinstance(layer, Gimp.Item) else _item(layer)
    if fast:
        data = random.Random(seed).randbytes(3 * layer.get_width() * layer.get_height())
        _set(layer, "R'G'B' u8", data)
        return
    sample = _sample(layer.get_image())
    code, largest = _SAMPLES[sample]
    channels = {1: 1, 2: 2, 3: 3, 4: 4}[
        (1 if layer.is_gray() else 3) + (1 if layer.has_alpha() else 0)
    ]
    rng = random.Random(seed)
    count = layer.get_width() * layer.get_height()
    values = []
    for index in range(count):
        pixel = [rng.random() for _ in range(channels)]
        if layer.has_alpha():
            pixel[-1] = (0.0, 0.5, 1.0, 1.0)[index % 4]
        values += pixel
    if largest > 1:
        values = [round(value * largest) for value in values]
    data = struct.pack(f"<{len(values)}{code}", *values)
    _set(layer, Babl.get_name(layer.get_format()), data)


def _set(layer, babl, data):
    buffer = layer.get_buffer()
    buffer.set(_whole(layer), babl, data)
    buffer.flush()
    layer.update(0, 0, layer.get_width(), layer.get_height())


def make_indexed(image):
    _image(image).convert_indexed(
        Gimp.ConvertDitherType.NONE,
        Gimp.ConvertPaletteType.GENERATE,
        200,
        False,
        False,
        "",
    )


def add_group(image, name="group", parent=None, offset_filter=""):
    image = _image(image)
    group = Gimp.GroupLayer.new(image, name)
    image.insert_layer(group, _item(parent) if parent else None, 0)
    return group.get_id()


def add_text(image, text="Pastiche", name=None):
    image = _image(image)
    fonts = Gimp.fonts_get_list("")
    layer = Gimp.TextLayer.new(image, text, fonts[0], 18.0, Gimp.Unit.pixel())
    image.insert_layer(layer, None, 0)
    if name:
        layer.set_name(name)
    return layer.get_id()


def add_filter(layer, operation="gegl:invert-gamma"):
    layer = _item(layer)
    layer.append_filter(Gimp.DrawableFilter.new(layer, operation, "effect"))


def select(image, kind, box=(8, 6, 20, 18), feather=0.0):
    image = _image(image)
    if kind == "none":
        Gimp.Selection.none(image)
    elif kind == "rectangle":
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
    elif kind == "feathered":
        image.select_ellipse(Gimp.ChannelOps.REPLACE, *box)
        Gimp.Selection.feather(image, feather or 6.0)
    else:
        raise ValueError(kind)


def run(procedure, image, layers, run_mode="noninteractive", **arguments):
    """Run one of the plug-in's procedures."""
    found = Gimp.get_pdb().lookup_procedure(procedure)
    config = found.create_config()
    mode = {
        "noninteractive": Gimp.RunMode.NONINTERACTIVE,
        "interactive": Gimp.RunMode.INTERACTIVE,
        "last": Gimp.RunMode.WITH_LAST_VALS,
    }[run_mode]
    config.set_property("run-mode", mode)
    config.set_property("image", _image(image) if image else None)
    config.set_core_object_array("drawables", [_item(layer) for layer in layers])
    for name, value in arguments.items():
        if name in _ITEMS and isinstance(value, int):
            value = _item(value)
        elif name == "style_file":
            value = Gio.File.new_for_path(value)
        config.set_property(name.replace("_", "-"), value)
    values = found.run(config)
    status = values.index(0).value_nick
    answer = {"status": status, "layers": []}
    if status == "success" and values.length() > 1 and isinstance(values.index(1), str):
        answer["text"] = values.index(1)
    elif status == "success":
        answer["layers"] = [layer.get_id() for layer in values.get_core_object_array(1)]
    else:
        answer["error"] = Gimp.get_pdb().get_last_error()
    return answer


def recipe(layer):
    """What the procedure for scripts says of a layer's recipe."""
    found = Gimp.get_pdb().lookup_procedure("plug-in-pastiche-get-recipe")
    config = found.create_config()
    config.set_property("layer", _item(layer))
    values = found.run(config)
    status = values.index(0).value_nick
    return values.index(1) if status == "success" else Gimp.get_pdb().get_last_error()


def export(image, path):
    """Write an image into a file of the kind that its name says."""
    file = Gio.File.new_for_path(path)
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, _image(image), file, None)


def describe(image):
    """Everything of an image that a plug-in could change, the pixels as hashes."""
    image = _image(image)
    _, non_empty, *bounds = Gimp.Selection.bounds(image)
    selection = image.get_selection()
    return {
        "size": [image.get_width(), image.get_height()],
        "precision": image.get_precision().value_nick,
        "layers": [_describe(layer) for layer in image.get_layers()],
        "selection": [non_empty, bounds, _hash(_bytes(selection))],
        "channels": [channel.get_name() for channel in image.get_channels()],
        # GIMP itself keeps a procedure's last values with the image.
        "parasites": sorted(
            name for name in image.get_parasite_list() if not name.startswith("GimpProcedureConfig")
        ),
    }


def _describe(layer):
    _, x, y = layer.get_offsets()
    mask = layer.get_mask()
    return {
        "id": layer.get_id(),
        "name": layer.get_name(),
        "kind": type(layer).__name__,
        "offset": [x, y],
        "size": [layer.get_width(), layer.get_height()],
        "alpha": layer.has_alpha(),
        "mode": layer.get_mode().value_nick,
        "opacity": layer.get_opacity(),
        "visible": layer.get_visible(),
        "pixels": _hash(_bytes(layer)),
        "mask": _hash(_bytes(mask)) if mask else None,
        "parasites": sorted(layer.get_parasite_list()),
        "children": [_describe(child) for child in layer.get_children()]
        if layer.is_group()
        else [],
    }


def layers(image):
    """From the top."""
    return [layer.get_id() for layer in _image(image).get_layers()]


def selected(image):
    return [item.get_id() for item in _image(image).get_selected_drawables()]


def parent_and_position(layer):
    layer = _item(layer)
    parent = layer.get_parent()
    return [parent.get_id() if parent else None, layer.get_image().get_item_position(layer)]


def difference(first, second):
    """The largest difference of any sample, 1 being the whole range; of equal sizes."""
    first, second = _item(first), _item(second)
    code, largest = _SAMPLES["u8" if first.is_indexed() else _sample(first.get_image())]
    one, other = _bytes(first), _bytes(second)
    assert len(one) == len(other), (len(one), len(other))
    count = len(one) // struct.calcsize(code)
    pairs = zip(
        struct.unpack(f"<{count}{code}", one), struct.unpack(f"<{count}{code}", other), strict=True
    )
    return max(abs(a - b) for a, b in pairs) / largest


def as_seen(layer, other):
    """The largest difference between what the user sees of a single layer, and another's pixels."""
    layer, other = _item(layer), _item(other)
    image = layer.get_image()
    for top in image.get_layers():
        top.set_visible(top.get_id() == layer.get_id())
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    babl = "R'G'B'A float"
    _, x, y = other.get_offsets()
    area = Gegl.Rectangle.new(x, y, other.get_width(), other.get_height())
    one = seen.get_buffer().get(area, 1.0, babl, Gegl.AbyssPolicy.NONE)
    two = other.get_buffer().get(_whole(other), 1.0, babl, Gegl.AbyssPolicy.NONE)
    count = len(one) // 4
    first, second = struct.unpack(f"<{count}f", one), struct.unpack(f"<{count}f", two)
    worst = 0.0
    for index in range(0, count, 4):
        worst = max(worst, abs(first[index + 3] - second[index + 3]))
        if first[index + 3] > 0:
            worst = max(worst, *(abs(first[index + k] - second[index + k]) for k in range(3)))
    seen.delete()
    return worst


def delete_image(image):
    _image(image).delete()


def _encoded(buffer, rectangle, babl):
    data = buffer.get(rectangle, 1.0, babl, Gegl.AbyssPolicy.NONE)
    return {
        "data": base64.b64encode(data).decode("ascii"),
        "shape": [rectangle.height, rectangle.width],
    }


def pixels(layer, babl):
    layer = _item(layer)
    return _encoded(layer.get_buffer(), _whole(layer), babl)


def mask_pixels(layer):
    mask = _item(layer).get_mask()
    return _encoded(mask.get_buffer(), _whole(mask), "Y float")


def selection_over(layer):
    """The selection as it lies over a layer; all of it if nothing is selected."""
    layer = _item(layer)
    image = layer.get_image()
    _, x, y = layer.get_offsets()
    area = Gegl.Rectangle.new(x, y, layer.get_width(), layer.get_height())
    if Gimp.Selection.is_empty(image):
        data = struct.pack("<f", 1.0) * (area.width * area.height)
        return {"data": base64.b64encode(data).decode("ascii"), "shape": [area.height, area.width]}
    return _encoded(image.get_selection().get_buffer(), area, "Y float")


def selected_part(layer):
    """x, y, width and height of what is selected of a layer."""
    touches, *part = _item(layer).mask_intersect()
    assert touches
    return part


def open_image(path):
    file = Gio.File.new_for_path(path)
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file).get_id()


def add_file(image, path, name):
    """A picture's file as the lowest layer."""
    image = _image(image)
    file = Gio.File.new_for_path(path)
    layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
    layer.set_name(name)
    image.insert_layer(layer, None, len(image.get_layers()))
    return layer.get_id()


def tattoos(image):
    """The numbers that layers keep, with their names, from the top."""
    return [
        {"name": layer.get_name(), "tattoo": layer.get_tattoo()}
        for layer in _image(image).get_layers()
    ]


def show(image):
    """In a window of its own, or as a tab."""
    return Gimp.Display.new(_image(image)).get_id()


def images():
    return [image.get_id() for image in Gimp.get_images()]


def set_state(item, visible=None, locked=None):
    item = _item(item)
    if visible is not None:
        item.set_visible(visible)
    if locked is not None:
        item.set_lock_content(locked)


def make_transparent(layer, box=None):
    layer = _item(layer)
    area = Gegl.Rectangle.new(*box) if box else _whole(layer)
    buffer = layer.get_buffer()
    buffer.set(area, "R'G'B'A u8", bytes(4 * area.width * area.height))
    buffer.flush()


def add_mask(layer, box=(10, 5, 12, 30), apply=True):
    """A mask that is white in a rectangle, and half so in its left half."""
    layer = _item(layer)
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    x, y, width, height = box
    buffer = mask.get_buffer()
    for left, value in ((x, 128), (x + width // 2, 255)):
        area = Gegl.Rectangle.new(left, y, width // 2, height)
        buffer.set(area, "Y u8", bytes([value]) * (area.width * area.height))
    buffer.flush()
    layer.add_mask(mask)
    layer.set_apply_mask(apply)
    return mask.get_id()


def mask_values(layer):
    mask = _item(layer).get_mask()
    return list(mask.get_buffer().get(_whole(mask), 1.0, "Y u8", Gegl.AbyssPolicy.NONE))


def selection_values(layer):
    layer = _item(layer)
    image = layer.get_image()
    if Gimp.Selection.is_empty(image):
        return [255] * (layer.get_width() * layer.get_height())
    _, x, y = layer.get_offsets()
    area = Gegl.Rectangle.new(x, y, layer.get_width(), layer.get_height())
    buffer = image.get_selection().get_buffer()
    return list(buffer.get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))


def float_selection(layer):
    layer = _item(layer)
    assert Gimp.edit_copy([layer])
    (floating,) = Gimp.edit_paste(layer, False)
    return floating.get_id()


def add_channel(image):
    image = _image(image)
    color = Gegl.Color.new("red")
    size = image.get_width(), image.get_height()
    channel = Gimp.Channel.new(image, "channel", *size, 50.0, color)
    image.insert_channel(channel, None, 0)
    return channel.get_id()


def save_selection(image, name):
    """A channel of what is selected, as the menu makes it; then nothing is, and the layers are."""
    image = _image(image)
    layers = image.get_selected_layers()
    channel = Gimp.Selection.save(image)
    channel.set_name(name)
    Gimp.Selection.none(image)
    image.set_selected_layers(layers)
    return channel.get_id()


def attach(layer, name, text):
    flags = Gimp.PARASITE_PERSISTENT
    _item(layer).attach_parasite(Gimp.Parasite.new(name, flags, text.encode("utf-8")))


def delete_item(item):
    item = _item(item)
    image = item.get_image()
    (image.remove_layer if isinstance(item, Gimp.Layer) else image.remove_channel)(item)


def save_and_open(image, path):
    """The image as its XCF file gives it back."""
    file = Gio.File.new_for_path(path)
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, _image(image), file, None)
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file).get_id()


def resize_layer(layer, width, height):
    _item(layer).scale(width, height, True)


def move_layer(layer, x, y):
    _item(layer).set_offsets(x, y)


def convert_precision(image, precision):
    _image(image).convert_precision(_precision(precision))


def convert_grey(image):
    _image(image).convert_grayscale()


def arguments(procedure):
    """Type, range and description of a procedure's arguments."""
    found = Gimp.get_pdb().lookup_procedure(procedure)
    return {
        spec.name: {
            "type": spec.value_type.name,
            "blurb": spec.blurb,
            "range": [spec.minimum, spec.maximum] if hasattr(spec, "minimum") else None,
        }
        for spec in found.get_arguments()
    }


def menu(procedure):
    found = Gimp.get_pdb().lookup_procedure(procedure)
    return {"label": found.get_menu_label(), "paths": list(found.get_menu_paths())}


def choose(image, layers):
    """Make these the selected layers."""
    _image(image).set_selected_layers([_item(layer) for layer in layers])


def enlarge(layer, size):
    """More pixels, and other ones."""
    layer = _item(layer)
    layer.scale(*size, True)
    paint(layer, 3, fast=True)


def close_all():
    """Close all windows of images; this ends the images."""
    for number in range(1, 200):
        if Gimp.Display.id_is_valid(number):
            Gimp.Display.get_by_id(number).delete()


def rename(item, name):
    _item(item).set_name(name)
