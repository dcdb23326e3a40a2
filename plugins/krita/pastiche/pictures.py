"""Between pictures of Qt and layers as they travel."""

from __future__ import annotations

from pastiche_client.layer import Layer, PixelFormat, SampleType

from .qt import QImage, QSize, Qt


def picture_bytes(picture: QImage) -> bytes:
    """All rows, with what Qt pads them with."""
    return picture.constBits().asstring(picture.sizeInBytes())


def layer_of(picture: QImage, side: int = 0) -> Layer:
    """The picture as BGRA with 8 bits, with a longer side of at most `side` pixels; 0: any."""
    size = picture.size()
    if side and max(size.width(), size.height()) > side:
        size = size.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio)
        picture = picture.scaled(
            size.expandedTo(QSize(1, 1)),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    picture = picture.convertToFormat(QImage.Format.Format_ARGB32)
    return Layer(
        picture.width(), picture.height(), PixelFormat.BGRA, SampleType.U8, picture_bytes(picture)
    )


def picture_of(layer: Layer) -> QImage:
    """A layer with alpha and 8 bits as a picture of its own."""
    data = layer.packed()
    kind = QImage.Format.Format_ARGB32
    if layer.format is PixelFormat.RGBA:
        kind = QImage.Format.Format_RGBA8888
    elif layer.format is PixelFormat.GREYA:
        colors = bytearray(2 * len(data))
        for channel in range(3):
            colors[channel::4] = data[::2]
        colors[3::4] = data[1::2]
        data = bytes(colors)
    return QImage(data, layer.width, layer.height, layer.width * 4, kind).copy()
