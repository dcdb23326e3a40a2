"""What a job does for each of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.run_states import RunItem
from pastiche_client.results import OptimizeResult, StylizeResult, UpscaleResult

from .color_space import ColorSpace
from .insertion import insert_above, require_node, result_rect
from .pixels import Pixels, converted, finish, masked
from .qt import QRect
from .reading import read_pixels, wire_layer
from .recipes import keep_recipe

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias

    from krita import Document

    from pastiche_client.editing.options import Options
    from pastiche_client.editing.paint_options import PaintOptions
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer

    from .frames import AnimatedLayer
    from .reading import Source

    AnyResult: TypeAlias = StylizeResult | OptimizeResult | UpscaleResult


class Work(Protocol):
    """One layer of a job. All is done in the thread of windows."""

    name: str

    def prepare(self) -> Generator[None, None, None]:
        """What comes before anything is sent. Raises what is to be told."""
        ...

    def items(self) -> list[RunItem]:
        """What is sent. The keys are for `take`."""
        ...

    def take(self, key: object, result: AnyResult) -> Generator[None, None, None]:
        """Use one result. Raises what is to be told."""
        ...

    def complete(self) -> Generator[None, None, list[str]]:
        """Called once all results were taken; returns notes for the user."""
        ...

    def close(self) -> None:
        """Called in the end, however it came."""
        ...


class LayerWork:
    """A layer as it looks now. Its kinds know how to write the result's recipe."""

    def __init__(self, document: Document, source: Source, new_name: str, texts: Texts) -> None:
        self.name = source.name
        self._document = document
        self._source = source
        self._new_name = new_name
        self._texts = texts
        self._sent: Layer | None = None
        self._notes: list[str] = []

    def prepare(self) -> Generator[None, None, None]:
        self._sent = yield from wire_layer(self._source.pixels, self._source.rect)

    def items(self) -> list[RunItem]:
        assert self._sent is not None
        return [RunItem(self, self._sent, self.name)]

    def take(self, key: object, result: AnyResult) -> Generator[None, None, None]:
        assert key is self
        assert self._sent is not None
        source = self._source
        space = ColorSpace.of(self._document)
        pixels = yield from _received(result.layer, self._sent, source.pixels, space)
        pixels = yield from masked(pixels, source.mask)
        node = require_node(self._document, source.node_id, source.name)
        if node.bounds() != source.layer_rect or read_pixels(node, source.rect) != source.pixels:
            self._notes.append(self._texts.edited_meanwhile(node.name()))
        yield
        node = require_node(self._document, source.node_id, source.name)
        rect = self.place(result_rect(source, node))
        new = yield from insert_above(self._document, node, self._new_name, rect, pixels)
        recipe = self.recipe(result)
        if recipe is not None:
            keep_recipe(self._document, new, recipe)
        self._notes += result.summary.notes

    def place(self, rect: QRect) -> QRect:
        """Where the result goes, in the image's pixels, if what was read is there now."""
        return rect

    def recipe(self, result: AnyResult) -> Recipe | PaintRecipe | None:
        """How the result was made; None if it is not to be made again."""
        raise NotImplementedError

    def complete(self) -> Generator[None, None, list[str]]:
        yield
        return self._notes

    def close(self) -> None:
        self._sent = None


class StylizeWork(LayerWork):
    """A layer to be stylized."""

    def __init__(
        self, document: Document, source: Source, options: Options, new_name: str, texts: Texts
    ) -> None:
        super().__init__(document, source, new_name, texts)
        self._options = options

    def recipe(self, result: AnyResult) -> Recipe:
        assert isinstance(result, StylizeResult)
        return Recipe.of(self._options, result)


class PaintWork(LayerWork):
    """A layer to be painted like others."""

    def __init__(
        self, document: Document, source: Source, options: PaintOptions, new_name: str, texts: Texts
    ) -> None:
        super().__init__(document, source, new_name, texts)
        self._options = options

    def recipe(self, result: AnyResult) -> PaintRecipe:
        assert isinstance(result, OptimizeResult)
        return PaintRecipe.of(self._options, result)

    def rect(self, key: object) -> QRect:
        assert key is self
        return self._source.rect


class UpscaleWork(LayerWork):
    """A layer to be made larger, from its upper left corner."""

    def __init__(
        self, document: Document, source: Source, factor: int, new_name: str, texts: Texts
    ) -> None:
        super().__init__(document, source, new_name, texts)
        self._factor = factor

    def place(self, rect: QRect) -> QRect:
        return QRect(rect.topLeft(), rect.size() * self._factor)

    def recipe(self, result: AnyResult) -> None:
        assert isinstance(result, UpscaleResult)


class FramesWork:
    """All frames of a layer. Nothing is added before the last one is there.

    Its kinds know how to write the result's recipe.
    """

    def __init__(
        self, document: Document, animated: AnimatedLayer, new_name: str, texts: Texts
    ) -> None:
        self.name = animated.name
        self._document = document
        self._animated = animated
        self._new_name = new_name
        self._texts = texts
        self._sent: dict[int, Layer] = {}
        self._notes: list[str] = []
        self._recipe: Recipe | PaintRecipe | None = None

    def prepare(self) -> Generator[None, None, None]:
        yield from self._animated.prepare()

    def items(self) -> list[RunItem]:
        return [
            RunItem(time, lambda time=time: self._layer(time), self._texts.frame(self.name, time))
            for time in self._animated.times
        ]

    def take(self, key: object, result: AnyResult) -> Generator[None, None, None]:
        assert isinstance(key, int)
        original = self._animated.read(key)
        space = self._animated.space
        pixels = yield from _received(result.layer, self._sent.pop(key), original, space)
        pixels = yield from masked(pixels, self._animated.mask(key))
        self._animated.write(key, pixels)
        self._recipe = self.recipe(result)
        self._notes += [note for note in result.summary.notes if note not in self._notes]

    def recipe(self, result: AnyResult) -> Recipe | PaintRecipe:
        """How the result was made."""
        raise NotImplementedError

    def rect(self, key: object) -> QRect:
        """What is read of a frame, in the image's pixels."""
        assert isinstance(key, int)
        return self._animated.rect(key)

    def complete(self) -> Generator[None, None, list[str]]:
        node = require_node(self._document, self._animated.node_id, self.name)
        new = yield from self._animated.insert(self._document, node, self._new_name)
        if self._recipe is not None:
            keep_recipe(self._document, new, self._recipe)
        return self._notes

    def close(self) -> None:
        self._sent.clear()
        self._animated.close()

    def _layer(self, time: int) -> Layer:
        # One after the other, when it is their turn: all frames at once may not fit into memory.
        self._sent[time] = finish(wire_layer(self._animated.read(time), self._animated.rect(time)))
        return self._sent[time]


class StylizeFrames(FramesWork):
    """Frames to be stylized."""

    def __init__(
        self,
        document: Document,
        animated: AnimatedLayer,
        options: Options,
        new_name: str,
        texts: Texts,
    ) -> None:
        super().__init__(document, animated, new_name, texts)
        self._options = options

    def recipe(self, result: AnyResult) -> Recipe:
        assert isinstance(result, StylizeResult)
        return Recipe.of(self._options, result)


class PaintFrames(FramesWork):
    """Frames to be painted like other pictures. Those that were not painted stay empty."""

    def __init__(
        self,
        document: Document,
        animated: AnimatedLayer,
        options: PaintOptions,
        new_name: str,
        texts: Texts,
    ) -> None:
        super().__init__(document, animated, new_name, texts)
        self._options = options
        self._painted = 0

    def take(self, key: object, result: AnyResult) -> Generator[None, None, None]:
        yield from super().take(key, result)
        self._painted += 1

    def complete(self) -> Generator[None, None, list[str]]:
        notes = yield from super().complete()
        count = len(self._animated.times)
        if self._painted < count:
            notes.append(self._texts.frames_painted(self._painted, count))
        return notes

    def recipe(self, result: AnyResult) -> PaintRecipe:
        assert isinstance(result, OptimizeResult)
        return PaintRecipe.of(self._options, result)


def _received(
    layer: Layer, sent: Layer, original: Pixels, space: ColorSpace
) -> Generator[None, None, Pixels]:
    """The result in the colour space of the document."""
    data = layer.packed()
    if data == sent.data:
        # Nothing was changed: no conversion there and back either, which some spaces do not bear.
        return (yield from converted(original, space))
    result = Pixels(layer.width, layer.height, original.space.sent, data)
    return (yield from converted(result, space))
