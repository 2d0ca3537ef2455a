"""For all tests: drawn cases are the same on every run, and however long one takes."""

import os

from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there, see cli/main.py
settings.register_profile("tilewright", derandomize=True, deadline=None, database=None)
settings.load_profile("tilewright")
