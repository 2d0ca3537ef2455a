"""Builds a bundle for Siracusa's cluster and runs it on the simulator that ships here."""

from collections.abc import Sequence
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run.cluster.runner import Chip, run_on_chip
from tilewright.run.cluster.talk import talk_on_chip
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult
from tilewright.run.talk import TalkRequest, TalkResult
from tilewright.targets.siracusa.energy import meter
from tilewright.targets.siracusa.gaps import gaps
from tilewright.targets.siracusa.link_script import link_script
from tilewright.targets.siracusa.machine import (
    L1_BASE,
    MASTER_STACK,
    SHARED_BYTES,
    WMEM_BYTES,
    WORKER_STACK,
)

FABRIC_CONTROLLER = 9
"""Index of the fabric controller among the machine's cores."""


def _script(entries: Sequence[tuple[Program, CNames]], cores: int) -> str:
    in_wmem = {
        names.constants[name]: None
        for program, names in entries
        for name, memory in program.constants_in.items()
        if memory == "WMEM"
    }
    return link_script(entries[0][0].arena_bytes.get("L1", 0), cores, in_wmem)


def _workers(cores: int) -> tuple[int, ...]:
    return tuple(range(1, cores))


CHIP = Chip(
    title="Siracusa",
    machine="siracusa",
    folder=Path(__file__).parent,
    link_script=_script,
    l1_base=L1_BASE,
    shared_bytes=SHARED_BYTES,
    master=0,
    workers=_workers,
    master_stack=MASTER_STACK,
    worker_stack=WORKER_STACK,
    result_bytes=WMEM_BYTES,
    result_memory="weight memory",
    guarded={FABRIC_CONTROLLER: "fc_stack_bottom"},
    meter=meter,
    gaps=gaps,
)


def run_on_siracusa(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """A ``Runner``; always counts cycles. Raises what ``run_on_chip`` raises."""
    return run_on_chip(CHIP, bundle, program, toolchain, batch, options)


def talk_on_siracusa(
    bundle: Bundle, programs: Sequence[Program], toolchain: Toolchain, request: TalkRequest
) -> TalkResult:
    """A ``Talk``; ticks are cycles. Raises what ``talk_on_chip`` raises."""
    return talk_on_chip(CHIP, bundle, programs, toolchain, request)
