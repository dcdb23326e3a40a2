"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long something takes on a busy computer says nothing of whether it is right.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("patient")
