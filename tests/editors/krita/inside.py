"""Functions that tests call inside Krita, in the thread of its windows.

`app` is Krita. Layers are named; the document is the one that `make` made last.
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

from krita import Krita, Selection
from PyQt5.QtCore import QEventLoop, Qt, QTimer
from PyQt5.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QListView,
    QPushButton,
    QScrollArea,
    QSlider,
    QTableView,
    QToolButton,
)

app = Krita.instance()
documents = []
#: A role of the timeline's headers, KisTimeBasedItemModel::ActiveFrameRole.
ACTIVE_FRAME = Qt.UserRole + 101
#: Longer than the timers of the lists of layers, which started earlier in the same thread.
LISTS_MILLISECONDS = 300


def document():
    return documents[-1]


def make(width=120, height=90, model="RGBA", depth="U8", profile=""):
    """A new document in the window; returns its profile."""
    made = app.createDocument(width, height, "test", model, depth, profile, 72.0)
    show(made)
    return made.colorProfile()


def show(made):
    documents.append(made)
    app.activeWindow().addView(made)
    app.setActiveDocument(made)
    made.waitForDone()


def open_file(path):
    show(app.openDocument(path))


def close_documents():
    """Close all, once Krita's lists of layers have shown their last changes.

    They do so a tenth of a second late. Krita 5.2.9, with no plug-in at all, crashes if the
    document is gone by then, as every change of an animation's time makes probable:
    KisNodeModel::processUpdateQueue, called by KisSignalCompressor::slotTimerExpired, goes through
    a queue of the closed document's layers with an index converter that is null by then.
    """
    for open_document in app.documents():
        open_document.waitForDone()
    if app.documents():
        let_events_happen(LISTS_MILLISECONDS)
    for open_document in app.documents():
        open_document.waitForDone()
        open_document.setModified(False)
        open_document.close()
    documents.clear()


def let_events_happen(milliseconds):
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def node(name):
    found = document().nodeByName(name)
    assert found is not None, f"there is no layer {name!r}: {names()}"
    return found


def names():
    """All layers from the bottom, those of groups as lists behind their group.

    The image's selection, which Krita shows among them, is left out.
    """

    def below(parent):
        for child in parent.childNodes():
            if child.type() == "selectionmask":
                continue
            yield child.name()
            if child.childNodes():
                yield list(below(child))

    return list(below(document().rootNode()))


def add(name, data, x, y, width, height, parent=None):
    """A paint layer with these pixels, on top and active."""
    layer = document().createNode(name, "paintlayer")
    layer.setPixelData(data, x, y, width, height)
    into = node(parent) if parent else document().rootNode()
    assert into.addChildNode(layer, None)
    settle()


def add_group(name, parent=None):
    into = node(parent) if parent else document().rootNode()
    assert into.addChildNode(document().createGroupLayer(name), None)
    settle()


def add_vector(name, svg):
    layer = document().createVectorLayer(name)
    assert document().rootNode().addChildNode(layer, None)
    shapes = layer.addShapesFromSvg(svg)
    settle()
    return len(shapes)


def settle():
    document().waitForDone()


def remove(name):
    assert node(name).remove()
    settle()


def activate(name):
    document().setActiveNode(node(name))
    settle()


def active():
    return document().activeNode().name()


def select(data, x, y, width, height):
    """Make the image's selection of these bytes; no bytes at all for none."""
    selection = Selection()
    if width and height:
        selection.setPixelData(data, x, y, width, height)
    document().setSelection(selection)
    settle()


def deselect():
    document().setSelection(None)
    settle()


def pixels(name, x, y, width, height, time=None):
    layer = node(name)
    if time is not None:
        return bytes(layer.pixelDataAtTime(x, y, width, height, time))
    return bytes(layer.pixelData(x, y, width, height))


def projection(name, x, y, width, height):
    return bytes(node(name).projectionPixelData(x, y, width, height))


def composite(x, y, width, height):
    return bytes(document().pixelData(x, y, width, height))


def describe(name):
    layer = node(name)
    parent = layer.parentNode()
    siblings = [child.name() for child in parent.childNodes()]
    return {
        "type": layer.type(),
        "bounds": list(layer.bounds().getRect()),
        "space": [layer.colorModel(), layer.colorDepth(), layer.colorProfile()],
        "parent": parent.name() if parent.parentNode() else "",
        "index": siblings.index(name),
        "opacity": layer.opacity(),
        "blending": layer.blendingMode(),
        "visible": layer.visible(),
        "animated": layer.animated(),
        "id": layer.uniqueId().toString(),
    }


def convert(data, width, height, source, target):
    """The pixels in another colour space (model, depth, profile), by Krita alone."""
    scratch = app.createDocument(width, height, "convert", *source, 72.0)
    layer = scratch.topLevelNodes()[0]
    layer.setPixelData(data, 0, 0, width, height)
    scratch.setColorSpace(*target)
    scratch.waitForDone()
    converted = bytes(scratch.topLevelNodes()[0].pixelData(0, 0, width, height))
    scratch.setModified(False)
    scratch.close()
    return converted


def history():
    """The undo history's steps, and which of them is the present one."""
    (docker,) = [docker for docker in app.dockers() if docker.objectName() == "History"]
    view = docker.findChild(QListView)
    model = view.model()
    steps = [model.index(row, 0).data() for row in range(model.rowCount())]
    return {"steps": steps, "current": view.selectionModel().currentIndex().row()}


def trigger(action):
    app.action(action).trigger()


# Pastiche: -------------------------------------------------------------------------------------


def docker():
    (found,) = [found for found in app.dockers() if found.objectName() == "pastiche"]
    return found


def studio():
    return docker()._studio


def prepare(width=1366, height=768):
    """The window as large as the screen, without what needs no test, and the docker in it."""
    app.activeWindow().qwindow().setGeometry(0, 0, width, height)
    trigger("pastiche_show")


def set_preview(on):
    docker()._stylizing._preview._on.setChecked(on)


def set_preview_mode(mode):
    """Choose as the mouse would: "fit" or "detail"."""
    box = docker()._stylizing._preview._mode
    (index,) = [i for i in range(box.count()) if box.itemData(i).value == mode]
    box.setCurrentIndex(index)
    box.activated.emit(index)


def ready():
    return studio().catalogue is not None


def styles():
    return [item.name for item in studio().catalogue.items]


def styles_or_none():
    """None while they are being loaded."""
    return styles() if ready() else None


def set_options(**values):
    module = __import__("pastiche.vendor.pastiche_client.editing.options", fromlist=["Options"])
    studio().set_options(module.Options(**values))


def options():
    return studio().options.to_dict() if studio().options else None


def set_all_frames(on):
    studio().all_frames = on


def set_paint_frames(on):
    studio().painting.all_frames = on
    docker()._painting._look()


def paint_frames_box():
    """Whether the painting page offers all frames, and whether they are chosen."""
    box = docker()._painting._form._frames
    return [box.isVisible(), box.isChecked()]


def message():
    return docker()._message.text


def clear_message():
    docker()._message.tell("")


def stylize(action="pastiche_stylize"):
    """Trigger the action; returns the new job's place in the list of jobs, None without one."""
    before = len(studio().jobs)
    clear_message()
    trigger(action)
    return before if len(studio().jobs) > before else None


def job(index):
    found = studio().jobs[index]
    return {
        "state": found.state.value,
        "final": found.state.is_final,
        "fraction": found.fraction,
        "status": found.status,
        "message": found.message,
        "label": found.label,
    }


def cancel(index):
    studio().jobs[index].cancel()


def annotation_names():
    return list(document().annotationTypes())


def set_annotation(name, data):
    document().setAnnotation(name, "test", data)


def use_recipe():
    """As the docker's button does."""
    clear_message()
    (button,) = [
        button
        for button in docker().findChildren(QToolButton)
        if button.toolTip() == studio().texts.load_recipe_tip and button.isVisible()
    ]
    button.click()


def shortcut(action):
    return app.action(action).shortcut().toString()


def save(path):
    document().setBatchmode(True)
    assert document().saveAs(path)
    settle()


def selected():
    return [chosen.name() for chosen in app.activeWindow().activeView().selectedNodes()]


def set_node(name, locked=None, visible=None):
    if locked is not None:
        node(name).setLocked(locked)
    if visible is not None:
        node(name).setVisible(visible)
    settle()


def rectangle(x, y, width, height):
    selection = Selection()
    selection.select(x, y, width, height, 255)
    return selection


def add_transparency(name, layer, x, y, width, height):
    mask = document().createTransparencyMask(name)
    assert node(layer).addChildNode(mask, None)
    mask.setSelection(rectangle(x, y, width, height))
    document().refreshProjection()
    settle()


def add_selection_mask(name, layer, x, y, width, height):
    mask = document().createSelectionMask(name)
    assert node(layer).addChildNode(mask, None)
    mask.setSelection(rectangle(x, y, width, height))
    settle()


def add_filter(name):
    layer = document().createFilterLayer(name, app.filter("blur"), rectangle(0, 0, 120, 90))
    assert document().rootNode().addChildNode(layer, None)
    settle()


def paint(name, data, x, y, width, height):
    node(name).setPixelData(data, x, y, width, height)
    document().refreshProjection()
    settle()


def move(name, x, y):
    """Like the move tool."""
    position = node(name).position()
    node(name).move(position.x() + x, position.y() + y)
    settle()


def regroup(name, group):
    layer = node(name)
    assert layer.remove()
    assert node(group).addChildNode(layer, None)
    settle()


def names_of_first():
    return [child.name() for child in documents[0].topLevelNodes()]


# Painting: -------------------------------------------------------------------------------------


def set_paint(**values):
    """Take these values; the styles are those of `paint_style`, or none."""
    module = "pastiche.vendor.pastiche_client.editing.paint_options"
    kind = __import__(module, fromlist=["PaintOptions"]).PaintOptions
    studio().painting.set_options(kind.from_dict(values))


def layer_style(name, weight=1.0, where=None):
    """What finds a layer of the document again."""
    return {
        "kind": "layer",
        "name": name,
        "layer": node(name).uniqueId().toString(),
        "weight": weight,
        "where": where,
    }


def mask_region(name, outside=False):
    """What finds a mask of the document again."""
    source = f"mask:{node(name).uniqueId().toString()}"
    return {"name": name, "source": source, "outside": outside}


def select_in_mask(name, data, x, y, width, height):
    """Make a mask's selection of these bytes."""
    selection = Selection()
    selection.setPixelData(data, x, y, width, height)
    node(name).setSelection(selection)
    document().refreshProjection()
    settle()


def where_box(row):
    return style_row(row)._where


def strength_box():
    return docker()._painting._form._strength


def listed_regions(row=None):
    """What is offered as the place of a style, or as the mask of the strength."""
    combo = strength_box() if row is None else where_box(row)
    combo.fill()
    return [combo.itemText(index) for index in range(combo.count())]


def choose_region(text, row=None):
    """Choose as the mouse would."""
    combo = strength_box() if row is None else where_box(row)
    combo.fill()
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def shown_region(row=None):
    return (strength_box() if row is None else where_box(row)).currentText()


def paint_options():
    return studio().painting.options.to_dict()


def stop_and_keep(index):
    studio().jobs[index].stop_and_keep()


def show_page(page):
    """Turn to the page with this title."""
    pages = docker()._pages
    (index,) = [index for index in range(pages.count()) if pages.tabText(index) == page]
    pages.setCurrentIndex(index)


def shown_page():
    return docker()._pages.tabText(docker()._pages.currentIndex())


def encoders():
    form = docker()._painting._form
    return [form._encoder.itemData(row) for row in range(form._encoder.count())]


def style_combos():
    return [row._combo for row in docker()._painting._rows._rows]


def listed_styles():
    """What the first box with styles offers when it is opened."""
    combo = style_combos()[0]
    combo.fill()
    return [combo.itemText(row) for row in range(combo.count()) if combo.itemText(row)]


def style_box(row=0):
    """The middle of a box with styles, on the screen."""
    combo = style_combos()[row]
    center = combo.mapToGlobal(combo.rect().center())
    return [center.x(), center.y()]


def style_popup(row=0):
    """Where the entries of an opened box are, by their text; empty while it is closed."""
    view = style_combos()[row].view()
    if not view.isVisible():
        return {}
    model = view.model()
    found = {}
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        center = view.viewport().mapToGlobal(view.visualRect(index).center())
        found[index.data() or ""] = [center.x(), center.y()]
    return found


def style_row(row):
    return docker()._painting._rows._rows[row]


def set_share(row, value):
    style_row(row)._share.setValue(value)


def remove_style(row):
    style_row(row)._remove.click()


def paint_preset_bar():
    return docker()._painting._presets


def reset_paint():
    (button,) = [
        button
        for button in paint_preset_bar().findChildren(QToolButton)
        if button.toolTip().startswith(studio().texts.reset)
    ]
    button.click()


def save_paint_preset(name):
    studio().painting.save_preset(name)


def choose_paint_preset(name):
    combo = paint_preset_bar()._presets
    combo.setCurrentIndex(combo.findText(name))
    combo.activated.emit(combo.currentIndex())


def paint_picture():
    """The size of what the page shows, and how many colours."""
    picture = docker()._painting._picture._picture
    if picture.isNull():
        return None
    colors = {picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}
    return [picture.width(), picture.height(), len(colors)]


def recipe(name):
    """The recipe of a layer, as its text."""
    (key,) = [
        key
        for key in document().annotationTypes()
        if key.endswith(node(name).uniqueId().toString().strip("{}"))
    ]
    return bytes(document().annotation(key)).decode("ascii")


def visible_buttons():
    return [
        button.text()
        for button in docker().findChildren(QPushButton)
        if button.isVisible() and button.text()
    ]


# Upscaling: ------------------------------------------------------------------------------------


def factors():
    return list(studio().upscaling.factors)


def set_factor(factor):
    studio().upscaling.set_factor(factor)


def upscale_page():
    """The factors that are offered, the chosen one, and the new size."""
    page = docker()._upscaling
    combo = page._factor
    offered = [combo.itemText(index) for index in range(combo.count())]
    return [offered, combo.currentText(), page._size.text()]


# Learning: -------------------------------------------------------------------------------------


def learn_with(**options):
    """Learn with these values beside the page's."""
    watch = studio().learning.watch
    watch._options = type(watch._options)(**options)


def learn(name, minutes):
    """Learn the style of the active layer; returns what is told at once."""
    clear_message()
    page = docker()._learning
    page._name.setText(name)
    page._minutes.setValue(minutes)
    page._learn.click()
    return message()


def trainings():
    """What the page shows: the names and how far they are."""
    return [
        {
            "name": training.display_name,
            "state": training.state.name,
            "step": training.step,
            "steps": training.steps,
            "shown": docker()._learning._rows[training.name]._status._whole,
        }
        for training in studio().learning.trainings
    ]


def training_buttons(name):
    """The buttons beside a training: their tips and their middles on the screen."""
    (training,) = [t for t in studio().learning.trainings if t.display_name == name]
    row = docker()._learning._rows[training.name]
    area = docker()._learning.findChild(QScrollArea)
    area.ensureWidgetVisible(row)
    found = {}
    for button in row.findChildren(QToolButton):
        if button.isVisible():
            center = button.mapToGlobal(button.rect().center())
            found[button.toolTip()] = [center.x(), center.y()]
    return found


def look_at_trainings():
    studio().learning.watch.look()


def learn_picture():
    """The size of the sample that is shown; none without one."""
    picture = docker()._learning._picture._picture
    return None if picture.isNull() else [picture.width(), picture.height()]


# Animation: ------------------------------------------------------------------------------------


def animate(name):
    layer = document().createNode(name, "paintlayer")
    assert document().rootNode().addChildNode(layer, None)
    layer.enableAnimation()
    settle()


def is_animated(name):
    return node(name).animated()


def set_time(time):
    document().setCurrentTime(time)
    settle()


def time():
    return document().currentTime()


def timeline():
    (docker,) = [docker for docker in app.dockers() if docker.objectName() == "TimelineDocker"]
    docker.setVisible(True)
    (view,) = docker.findChildren(QTableView)
    return view


def shown_time():
    """The time that the timeline shows, and at which its actions work."""
    model = timeline().model()
    marked = [
        column
        for column in range(model.columnCount())
        if model.headerData(column, Qt.Horizontal, ACTIVE_FRAME)
    ]
    return marked[0] if marked else None


def clone_frame(name, source, target):
    activate(name)
    set_time(source)
    select_frame(source)
    trigger("copy_frames_as_clones")
    set_time(target)
    select_frame(target)
    trigger("paste_frames")
    settle()


def select_frame(time):
    """In the timeline."""
    view = timeline()
    model = view.model()
    (row,) = [
        row
        for row in range(model.rowCount())
        if model.headerData(row, Qt.Vertical) == document().activeNode().name()
    ]
    view.setCurrentIndex(model.index(row, time))


def frames(name):
    return [time for time in range(400) if node(name).hasKeyframeAtTime(time)]


# The docker: -----------------------------------------------------------------------------------


def button_center(text):
    (button,) = [
        button
        for button in docker().findChildren(QPushButton)
        if button.text() == text and button.isVisible()
    ]
    center = button.mapToGlobal(button.rect().center())
    return [center.x(), center.y()]


def focus_canvas():
    app.activeWindow().qwindow().activateWindow()
    app.activeWindow().qwindow().setFocus()


def shown_styles():
    model = docker()._stylizing._styles.model()
    entries = [model.item(row) for row in range(model.rowCount())]
    return [
        {
            "name": entry.data(Qt.UserRole),
            "label": entry.text(),
            "pictured": entry.icon().pixmap(72, 72).toImage().pixelColor(36, 36).alpha() == 255,
        }
        for entry in entries
    ]


def style_center(name):
    chooser = docker()._stylizing._styles
    model = chooser.model()
    (row,) = [row for row in range(model.rowCount()) if model.item(row).data(Qt.UserRole) == name]
    chooser.scrollTo(model.index(row, 0))
    center = chooser.viewport().mapToGlobal(chooser.visualRect(model.index(row, 0)).center())
    return [center.x(), center.y()]


def message_is_visible():
    return docker()._message.isVisible()


def has_dialog():
    return QApplication.activeModalWidget() is not None


def second_styles():
    combo = docker()._stylizing._form._second
    return [combo.itemData(row) for row in range(combo.count())]


def set_slider(label, value):
    """Move the slider as the mouse would."""
    rows = docker()._stylizing._form.findChildren(QSlider)
    (slider,) = [slider for slider in rows if slider.accessibleName() == label]
    slider.setValue(round(value * slider.maximum()))


def preview_picture():
    return docker()._stylizing._preview._picture


def preview_size():
    picture = preview_picture()._picture
    return [picture.width(), picture.height()]


def preview_pixels():
    picture = preview_picture()._picture
    return picture.constBits().asstring(picture.sizeInBytes()) if not picture.isNull() else b""


def preview_is_done():
    return preview_size() != [0, 0] and preview_picture()._text == ""


def save_preset(name):
    studio().save_preset(name)


def preset_bar():
    return docker()._stylizing._presets


def choose_preset(name):
    combo = preset_bar()._presets
    combo.setCurrentIndex(combo.findText(name))
    combo.activated.emit(combo.currentIndex())


def delete_preset(name):
    assert preset_bar()._presets.currentText() == name
    preset_bar()._delete.click()


def preset_names():
    combo = preset_bar()._presets
    return [combo.itemText(row) for row in range(combo.count())]


def cut_labels():
    """The texts of labels and buttons that have less room than they need."""
    widgets = [
        *docker().findChildren(QLabel),
        *docker().findChildren(QAbstractButton),
    ]
    return [
        widget.text()
        for widget in widgets
        if widget.isVisible()
        and widget.text()
        and type(widget).__name__ != "ElidedLabel"
        and not (isinstance(widget, QLabel) and widget.wordWrap())
        and widget.width() < widget.sizeHint().width()
    ]
