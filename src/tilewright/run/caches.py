"""Where what is built once is kept."""

import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Where compiled cores and plugins are kept: TILEWRIGHT_CACHE, XDG_CACHE_HOME or ~/.cache.

    A folder of this user among the temporary files where that one cannot be written.
    """
    named = os.environ.get("TILEWRIGHT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(named) if named else Path(base) / "tilewright"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"tilewright-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
