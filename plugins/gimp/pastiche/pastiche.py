#!/usr/bin/env python3
"""Pastiche for GIMP 3: repaints layers in the style of a painting.

GIMP runs this file to ask what the plug-in offers, and again for every use of it. What takes time
to import is imported when it is used.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

from pastiche_gimp.plug_in import PastichePlugIn  # noqa: E402

Gimp.main(PastichePlugIn.__gtype__, sys.argv)
