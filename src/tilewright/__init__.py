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
    from tilewright.api_accuracy import Judged, evaluate_network
    from tilewright.api_conformance import run_conformance
    from tilewright.api_evaluate import Texts, evaluate_model
    from tilewright.api_fuzz import fuzz_files, fuzz_networks
    from tilewright.api_language import GenerateSettings, generate, inspect_checkpoint
    from tilewright.api_models import write_model
    from tilewright.api_networks import compile_networks_to, write_network
    from tilewright.errors import TilewrightError
    from tilewright.fuzz.run import FuzzSettings
    from tilewright.ir.network import Network
    from tilewright.midend.pins import PinWishes
    from tilewright.networks import compile_network
    from tilewright.pipeline import Options, compile_model, load_target
    from tilewright.run.sim.command import simulate

__version__ = "0.1.0"

__all__ = [
    "FuzzSettings",
    "GenerateSettings",
    "Judged",
    "Network",
    "Options",
    "PinWishes",
    "RunSettings",
    "Texts",
    "TilewrightError",
    "__version__",
    "check_model",
    "compare_plans",
    "compile_model",
    "compile_network",
    "compile_networks_to",
    "compile_to",
    "doctor",
    "evaluate_model",
    "evaluate_network",
    "explain_model",
    "explore_model",
    "fuzz_files",
    "fuzz_networks",
    "generate",
    "inspect_checkpoint",
    "inspect_model",
    "list_targets",
    "load_target",
    "place_pieces",
    "run_conformance",
    "run_model",
    "simulate",
    "verify_model",
    "write_model",
    "write_network",
]

_HOMES = {
    "FuzzSettings": "tilewright.fuzz.run",
    "GenerateSettings": "tilewright.api_language",
    "Judged": "tilewright.api_accuracy",
    "Network": "tilewright.ir.network",
    "Options": "tilewright.pipeline",
    "PinWishes": "tilewright.midend.pins",
    "Texts": "tilewright.api_evaluate",
    "TilewrightError": "tilewright.errors",
    "compile_model": "tilewright.pipeline",
    "compile_network": "tilewright.networks",
    "compile_networks_to": "tilewright.api_networks",
    "evaluate_model": "tilewright.api_evaluate",
    "evaluate_network": "tilewright.api_accuracy",
    "fuzz_files": "tilewright.api_fuzz",
    "fuzz_networks": "tilewright.api_fuzz",
    "generate": "tilewright.api_language",
    "inspect_checkpoint": "tilewright.api_language",
    "load_target": "tilewright.pipeline",
    "run_conformance": "tilewright.api_conformance",
    "simulate": "tilewright.run.sim.command",
    "write_model": "tilewright.api_models",
    "write_network": "tilewright.api_networks",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'tilewright' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "tilewright.api")), name)


def __dir__() -> list[str]:
    return __all__
