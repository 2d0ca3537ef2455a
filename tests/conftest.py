"""For all tests: drawn cases are the same on every run, and however long one takes."""

from hypothesis import settings

settings.register_profile("tilewright", derandomize=True, deadline=None, database=None)
settings.load_profile("tilewright")
