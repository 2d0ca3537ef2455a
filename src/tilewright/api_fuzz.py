"""Drawn networks, compared: what ``tilewright fuzz`` does."""

from collections.abc import Sequence
from pathlib import Path

from tilewright.errors import OptionError
from tilewright.fuzz.hostile import hostile
from tilewright.fuzz.report import FuzzReport
from tilewright.fuzz.run import Fuzzing, FuzzSettings, fuzz
from tilewright.pipeline import load_target

USUAL = FuzzSettings()

DRAWN_TARGETS = ("host", "host", "host", "cortex-m4", "cortex-m55", "siracusa")
"""What cases are for where nobody says: the host most often, which is where C runs at once."""


def fuzz_networks(
    cases: int, seed: int = 0, target: str | None = None, settings: FuzzSettings = USUAL
) -> FuzzReport:
    """Draw networks; compare definition, plan, C, and ONNX Runtime; make what differs small.

    target  of all cases; None: each takes one of DRAWN_TARGETS
    """
    if cases < 0 or settings.in_c < 1:
        raise OptionError(f"fuzz: {cases} cases, one in {settings.in_c} as C; give 1 or more")
    names = DRAWN_TARGETS if target is None else (target,)
    return fuzz(Fuzzing(cases, seed, tuple(load_target(name) for name in names), settings))


def fuzz_files(
    models: Sequence[Path | str], cases: int, seed: int = 0, folder: Path | str = USUAL.folder
) -> FuzzReport:
    """Damage files, the given ones and drawn networks by turns, and compile what comes of it: it is
    compiled or refused in words, within 5 s and 1 GiB.

    folder  where files go that end otherwise
    """
    if cases < 0:
        raise OptionError(f"fuzz: {cases} cases; give 1 or more")
    return hostile([Path(model) for model in models], cases, seed, Path(folder))
