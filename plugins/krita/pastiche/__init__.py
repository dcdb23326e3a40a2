"""Pastiche for Krita: a docker, and actions under Tools > Scripts."""

from __future__ import annotations

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from .docker import PasticheDocker
from .extension import PasticheExtension
from .studio import Studio


def _register() -> None:
    krita = Krita.instance()
    studio = Studio(krita)
    krita.addExtension(PasticheExtension(studio, krita))
    krita.addDockWidgetFactory(
        DockWidgetFactory(
            "pastiche", DockWidgetFactoryBase.DockPosition.DockRight, lambda: PasticheDocker(studio)
        )
    )


_register()
