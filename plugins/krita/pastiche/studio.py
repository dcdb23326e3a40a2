"""What all windows share: the client, the styles, the values, the jobs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from krita import Krita

from pastiche_client.client import Client
from pastiche_client.editing import refusals
from pastiche_client.editing.catalogue import Catalogue, load_in_background
from pastiche_client.editing.option_store import PresetError
from pastiche_client.editing.options import Options
from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_client.editing.presets import PresetStore
from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import translator

from .frames import AnimatedLayer, key_times
from .job import Services
from .learn_studio import LearnStudio
from .option_holder import OptionHolder
from .paint_studio import PaintStudio
from .poster import Poster
from .qt import QLocale, QTimer, pyqtSignal
from .reading import active_document, read_source, selected_layers
from .recipes import find_recipe
from .stylize_job import StylizeJob
from .upscale_studio import UpscaleStudio
from .work import StylizeFrames, StylizeWork

if TYPE_CHECKING:
    from krita import Document, Node

    from .job import Job
    from .qt import QObject
    from .work import Work


class Studio(OptionHolder[Options]):
    """The one object behind all dockers and actions.

    Attributes:
        catalogue: the styles; None until they are loaded.
        options: the values of stylizing; None while there is no style.
        painting: the values of painting like other layers.
        upscaling: the factor of upscaling layers.
        learning: the styles that are being learned.
        all_frames: whether an animated layer's frames are all stylized.
    """

    told = pyqtSignal(str)  # a sentence for the user, empty to take it back
    catalogue_changed = pyqtSignal()
    job_added = pyqtSignal(object)
    stylizing_wanted = pyqtSignal()  # its page is to be shown
    closing = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        self.client = Client(client_id=f"krita-{os.getpid()}")
        super().__init__(PresetStore(self.client.paths, "krita"), parent)
        self.texts = Texts(translator(_languages(), Krita.krita_i18n))
        self.poster = Poster(self.tell_error, self)
        self.services = Services(self.client, self.texts, self.poster)
        self.painting = PaintStudio(self)
        self.upscaling = UpscaleStudio(self)
        self.learning = LearnStudio(self)
        self.catalogue: Catalogue | None = None
        self.all_frames = False
        self.jobs: list[Job] = []
        self._loading = False
        self._stale = False
        self._note = ""
        self._closed = False
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        # At that time the document is still there.
        notifier.imageClosed.connect(lambda _: QTimer.singleShot(0, self._check_documents))
        notifier.applicationClosing.connect(self.close)

    def close(self) -> None:
        """Cancel what still runs. May be called twice."""
        if not self._closed:
            self._closed = True
            self.closing.emit()
            for job in self.jobs:
                job.cancel()
            self.client.close()

    def tell_error(self, error: BaseException) -> None:
        """Tell in the user's words what went wrong."""
        self.told.emit(self.texts.sentence(error, self.client.paths))

    # Styles and values: ------------------------------------------------------------------------

    @property
    def is_loading(self) -> bool:
        """Whether the styles are on their way."""
        return self._loading

    def load_catalogue(self) -> None:
        """Ask the daemon for the styles, and start it if need be; nothing if they are there."""
        if self._loading or self._closed or self.catalogue is not None:
            return
        self._loading = True
        load_in_background(
            self.client, self.poster.post, self._catalogue_loaded, self._catalogue_failed
        )
        self.catalogue_changed.emit()

    def reload_catalogue(self, note: str) -> None:
        """Ask for the styles again; the note is told once they are there."""
        self._note = note
        if self._loading:  # what is on its way may be from before
            self._stale = True
            return
        self.catalogue = None
        self.load_catalogue()

    def use_options(self, options: Options) -> None:
        """Take values from a preset or a recipe, whose style may not be installed."""
        if self.catalogue is None:
            self.set_options(options)
            return
        catalogue = self.catalogue.with_version_of(options)
        if catalogue is not self.catalogue:
            self.catalogue = catalogue
            self.catalogue_changed.emit()
        usable = catalogue.usable(options)
        if usable is None:
            raise refusals.no_packs()
        self.set_options(usable)
        if catalogue.is_missing(options):
            self.told.emit(self.texts.style_missing(options.style))

    def reset(self) -> None:
        """Take the values with which the style is meant to be used."""
        if self.catalogue is not None and self.options is not None:
            self.set_options(self.catalogue.defaults(self.options.style))

    def _catalogue_loaded(self, catalogue: Catalogue) -> None:
        self._loading = False
        if self._stale:
            self._stale = False
            self.reload_catalogue(self._note)
            return
        options = self.options or self.presets.last()
        if options is not None:
            catalogue = catalogue.with_version_of(options)
        self.catalogue = catalogue
        options = catalogue.usable(options)
        if options is not None:
            self.options = options
        self.catalogue_changed.emit()
        self.options_changed.emit()
        self.told.emit(self._note)
        self._note = ""
        if options is None:
            self.tell_error(refusals.no_packs())
        for problem in (*self.presets.problems, *self.painting.presets.problems):
            self.tell_error(problem)
        self.painting.load_encoders()
        self.upscaling.load_factors()
        self.learning.watch.look()

    def _catalogue_failed(self, error: Exception) -> None:
        self._loading = False
        self.catalogue_changed.emit()
        self.tell_error(error)

    # Recipes: ----------------------------------------------------------------------------------

    def use_recipe(self) -> None:
        """Take the values of the active layer's recipe. Raises RefusalError, RecipeError."""
        document = active_document()
        node = document.activeNode()
        if node is None:
            raise refusals.no_layer()
        recipe = find_recipe(document, node)
        if isinstance(recipe, PaintRecipe):
            self.painting.use_recipe(recipe, node.name())
            return
        self.stylizing_wanted.emit()
        self.told.emit(self.texts.recipe_loaded(node.name()))
        if self.catalogue is None:
            self.use_options(recipe.options)
            return
        self.use_options(recipe.usable_options(self.catalogue))
        item = self.catalogue.find(recipe.options.style)
        if item is not None and recipe.pack_version not in {item.pack_version, *item.pack_versions}:
            self.told.emit(self.texts.other_pack_version(recipe, item.pack_version))

    # Work: -------------------------------------------------------------------------------------

    def stylize(self) -> Job:
        """Stylize the selected layers with the docker's values.

        Raises:
            RefusalError: it cannot be done as things are.
        """
        active_document()  # that there is none is told before anything else
        options = self.options or self.presets.last()
        if options is None:
            raise refusals.no_style() if self.catalogue is None else refusals.no_packs()
        return self._start(options, all_frames=self.all_frames)

    def stylize_again(self) -> Job:
        """Stylize the selected layers with the values of the last time. Raises RefusalError."""
        active_document()
        options = self.presets.last()
        if options is None:
            raise refusals.no_last_values()
        return self._start(options, all_frames=self.all_frames)

    def start_job(self, job: Job) -> None:
        """Start a job, and show it in every docker."""
        self.told.emit("")
        job.changed.connect(lambda: self._job_changed(job))
        self.jobs.append(job)
        self.job_added.emit(job)
        job.start()

    def clear_finished_jobs(self) -> None:
        self.jobs = [job for job in self.jobs if not job.state.is_final]

    def _start(self, options: Options, *, all_frames: bool) -> Job:
        document = active_document()
        layers = selected_layers(document)
        style = self._style_label(options)
        works: list[Work] = []
        try:
            for node, frames in _with_frames(document, layers, all_frames):
                name = self.texts.layer_name(node.name(), style)
                works.append(self._work(document, node, options, name, frames))
        except BaseException:  # one that cannot be stylized holds back all
            for work in works:
                work.close()
            raise
        label = ", ".join(work.name for work in works)
        label = self.texts.layer_name(label, style)
        job = StylizeJob(self.services, document, works, options, label, self)
        self.start_job(job)
        try:
            self.presets.remember_last(options)
        except PresetError as error:  # the work goes on all the same
            self.tell_error(error)
        return job

    def _work(
        self, document: Document, node: Node, options: Options, new_name: str, frames: bool
    ) -> Work:
        if frames:
            animated = AnimatedLayer(document, node)
            return StylizeFrames(document, animated, options, new_name, self.texts)
        return StylizeWork(document, read_source(document, node), options, new_name, self.texts)

    def _style_label(self, options: Options) -> str:
        labels = []
        for name in options.styles():
            item = self.catalogue.find(name) if self.catalogue else None
            labels.append(item.label if item else name.split("/")[-1])
        return " + ".join(labels)

    def _job_changed(self, job: Job) -> None:
        if job.state.is_final and job.message:
            self.told.emit(job.message)

    def _check_documents(self) -> None:
        for job in self.jobs:
            job.check_document()


def _with_frames(
    document: Document, layers: list[Node], all_frames: bool
) -> list[tuple[Node, bool]]:
    """Each layer, and whether its frames are stylized."""
    chosen = [(node, all_frames and bool(key_times(document, node))) for node in layers]
    if all_frames and not any(frames for _, frames in chosen):
        raise refusals.no_frames(layers[0].name())
    return chosen


def _languages() -> list[str]:
    """The user's languages; Krita's own setting comes first."""
    chosen = os.environ.get("LANGUAGE", "")
    return [*filter(None, chosen.split(":")), *QLocale().uiLanguages()]
