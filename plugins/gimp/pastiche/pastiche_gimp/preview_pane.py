"""The live preview: the layer as it will look, whole or in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gtk

from pastiche_client.editing.live_preview import LivePreview
from pastiche_client.editing.options import Options
from pastiche_client.editing.preview_plan import PREVIEW_SIDE, PreviewMode, plan_preview
from pastiche_gimp.pictures import pixbuf_of
from pastiche_gimp.windows import SPACING, column, post, row, wrapping_label

if TYPE_CHECKING:
    from gi.repository import GdkPixbuf

    from pastiche_client.client import Client
    from pastiche_client.editing.live_preview import PreviewPicture
    from pastiche_client.editing.preview_plan import PreviewPlan
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer
    from pastiche_gimp.preview_source import PreviewSource

_ANY_OPTIONS = Options("any/any")


class PreviewPane:
    """Shows what the daemon makes of a part of the layer, as soon as it is there.

    A click on the whole layer shows that place in detail; the detail can be dragged.
    """

    def __init__(self, client: Client, source: PreviewSource, texts: Texts) -> None:
        self._source = source
        self._texts = texts
        self._options: Options | None = None
        self._center = (0.5, 0.5)
        self._plan: PreviewPlan | None = None  # of what is shown
        self._pixbuf: GdkPixbuf.Pixbuf | None = None
        self._drag: tuple[float, float, tuple[float, float]] | None = None
        self._live = LivePreview(client, post, self._show, self._fail, texts)
        # A drawing area would need cairo's Python module, which not every GIMP brings.
        self._picture = Gtk.Image()
        self._picture.set_size_request(PREVIEW_SIDE, PREVIEW_SIDE)
        self._area = self._made_area()
        self._on = Gtk.CheckButton(label=texts.preview, active=True)
        self._on.set_tooltip_text(texts.preview_tip)
        self._on.connect("toggled", lambda _: self._refresh())
        self._whole = Gtk.RadioButton(label=texts.preview_fit)
        self._whole.set_mode(False)
        self._detail = Gtk.RadioButton(label=texts.preview_detail, group=self._whole)
        self._detail.set_mode(False)
        self._detail.set_tooltip_text(texts.preview_detail_tip)
        self._whole.connect("toggled", lambda _: self._refresh())
        modes = row(self._whole, self._detail, spacing=0)
        modes.get_style_context().add_class("linked")
        bar = row(self._on)
        bar.pack_end(modes, False, False, 0)
        self._told = wrapping_label(48)
        self._told.set_valign(Gtk.Align.START)
        frame = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
        frame.add(self._area)
        self.widget = column(frame, bar, self._told, spacing=SPACING)
        self._paint_layer()

    def close(self) -> None:
        """Show nothing more."""
        self._live.close()

    def pause(self) -> None:
        """Ask for nothing more until the next `show`: the device is needed for the work."""
        self._live.clear()

    def show(self, options: Options) -> None:
        """Follow these options."""
        self._options = options
        self._refresh()

    @property
    def _mode(self) -> PreviewMode:
        return PreviewMode.FIT if self._whole.get_active() else PreviewMode.DETAIL

    def _refresh(self) -> None:
        if self._options is None:
            return
        if not self._source.is_there:  # OK tells of it
            self._live.clear()
            return
        plan = plan_preview(self._mode, *self._source.size, self._options, self._center)
        layer = self._source.read(plan)
        moved = self._plan is None or _place(self._plan) != _place(plan)
        if moved or not self._on.get_active():
            self._paint(plan, layer)
        if self._on.get_active():
            self._told.set_text(self._texts.preview_waiting)
            self._live.request(
                layer, plan.options, plan, surroundings=plan.surround(self._source.read)
            )
        else:
            self._told.set_text("")
            self._live.clear()

    def _show(self, picture: PreviewPicture) -> None:
        plan: PreviewPlan = picture.tag  # pyright: ignore[reportAssignmentType]
        self._paint(plan, picture.layer)
        self._told.set_text("" if plan.true_strokes else self._texts.preview_strokes_larger)

    def _fail(self, sentence: str) -> None:
        self._told.set_text(sentence)

    def _made_area(self) -> Gtk.EventBox:
        area = Gtk.EventBox()
        area.add(self._picture)
        area.get_style_context().add_class("view")
        area.add_events(
            Gdk.EventMask.BUTTON_PRESS_MASK
            | Gdk.EventMask.BUTTON_RELEASE_MASK
            | Gdk.EventMask.BUTTON1_MOTION_MASK
        )
        area.connect("button-press-event", self._pressed)
        area.connect("motion-notify-event", self._moved)
        area.connect("button-release-event", self._released)
        return area

    def _paint_layer(self) -> None:
        """Until there is more to show: the whole layer as it is."""
        plan = plan_preview(PreviewMode.FIT, *self._source.size, _ANY_OPTIONS)
        self._paint(plan, self._source.read(plan))

    def _paint(self, plan: PreviewPlan, layer: Layer) -> None:
        self._plan, self._pixbuf = plan, pixbuf_of(layer)
        self._picture.set_from_pixbuf(self._pixbuf)

    @staticmethod
    def _origin(area: Gtk.Widget, pixbuf: GdkPixbuf.Pixbuf) -> tuple[int, int]:
        return (
            (area.get_allocated_width() - pixbuf.get_width()) // 2,
            (area.get_allocated_height() - pixbuf.get_height()) // 2,
        )

    def _pressed(self, area: Gtk.EventBox, event: Gdk.EventButton) -> bool:
        if event.button != 1 or self._pixbuf is None or self._plan is None:
            return False
        if self._mode is PreviewMode.DETAIL:
            self._drag = (event.x, event.y, self._center)
            return True
        x, y = self._origin(area, self._pixbuf)
        self._center = (
            min(1.0, max(0.0, (event.x - x) / self._pixbuf.get_width())),
            min(1.0, max(0.0, (event.y - y) / self._pixbuf.get_height())),
        )
        self._detail.set_active(True)
        return True

    def _moved(self, _area: Gtk.EventBox, event: Gdk.EventMotion) -> bool:
        if self._drag is None:
            return False
        x, y, center = self._drag
        width, height = self._source.size
        self._center = (
            min(1.0, max(0.0, center[0] - (event.x - x) / width)),
            min(1.0, max(0.0, center[1] - (event.y - y) / height)),
        )
        self._refresh()
        return True

    def _released(self, _area: Gtk.EventBox, _event: Gdk.EventButton) -> bool:
        self._drag = None
        return True


def _place(plan: PreviewPlan) -> tuple[int, ...]:
    return (plan.x, plan.y, plan.width, plan.height, plan.out_width, plan.out_height)
