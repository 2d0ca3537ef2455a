"""Tilewright: quantised neural networks in, minimal-runtime C out.

The public functions are imported when they are first used, so that ``import tilewright`` and
``tilewright --help`` cost nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilewright.api import (
        RunSettings,
        check_model,
        compare_plans,
        compile_to,
        doctor,
        explain_model,
        explore_model,
        inspect_model,
        list_targets,
        place_pieces,
        run_model,
        verify_model,
    )
    from tilewright.errors import TilewrightError
    from tilewright.midend.pins import PinWishes
    from tilewright.pipeline import Options, compile_model, load_target
    from tilewright.run.sim.command import simulate

__version__ = "0.1.0"

__all__ = [
    "Options",
    "PinWishes",
    "RunSettings",
    "TilewrightError",
    "__version__",
    "check_model",
    "compare_plans",
    "compile_model",
    "compile_to",
    "doctor",
    "explain_model",
    "explore_model",
    "inspect_model",
    "list_targets",
    "load_target",
    "place_pieces",
    "run_model",
    "simulate",
    "verify_model",
]

_HOMES = {
    "Options": "tilewright.pipeline",
    "PinWishes": "tilewright.midend.pins",
    "TilewrightError": "tilewright.errors",
    "compile_model": "tilewright.pipeline",
    "load_target": "tilewright.pipeline",
    "simulate": "tilewright.run.sim.command",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'tilewright' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "tilewright.api")), name)


def __dir__() -> list[str]:
    return __all__
