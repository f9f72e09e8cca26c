"""Hypothesis without deadlines: the clock of a shared machine says nothing of the code."""

from hypothesis import settings

settings.register_profile("ligeia", deadline=None)
settings.load_profile("ligeia")
