"""A Cortex-M target that may also call the user's CMSIS-NN."""

from dataclasses import replace
from pathlib import Path

from tilewright.errors import OptionError
from tilewright.ir.target import Target, TargetOption
from tilewright.targets.cortex_m.cmsis_nn.kernels import cmsis_nn_kernels

INTERFACE = "Include/arm_nnfunctions.h"


def with_cmsis_nn(target: Target, folder: Path) -> Target:
    """``target`` with CMSIS-NN's kernels beside its own, and ``folder`` in its build.

    target  a Cortex-M

    Raises OptionError where the folder has no CMSIS-NN.
    """
    if not (folder / INTERFACE).is_file():
        raise OptionError(
            f"--cmsis-nn {folder}: no {INTERFACE} there; give the folder of CMSIS-NN itself, with "
            "Include and Source in it"
        )
    folder = folder.resolve()
    kernels = cmsis_nn_kernels(has_helium="-mcpu=cortex-m55" in target.toolchain.flags)
    toolchain = replace(
        target.toolchain,
        flags=(*target.toolchain.flags, f"-I{folder / 'Include'}"),
        sources=tuple(sorted((folder / "Source").rglob("*.c"))),
    )
    engines = tuple(replace(e, kernels=(*kernels, *e.kernels)) for e in target.engines)
    others = tuple(with_cmsis_nn(other, folder) for other in target.alternatives)
    return replace(target, engines=engines, toolchain=toolchain, alternatives=others)


CMSIS_NN = TargetOption(
    "cmsis-nn", "PATH", "your copy of Arm's CMSIS-NN, to be called where it is faster",
    lambda target, path: with_cmsis_nn(target, Path(path)),
)  # fmt: skip
