"""Builds a bundle for a Snitch cluster and runs it on the simulator that ships here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import CNames
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.run.cluster.runner import Chip, run_on_chip
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.result import RunResult
from tilewright.targets.packs.ita.pack import FEED_HEADERS
from tilewright.targets.snitch.energy import SPEED, meter
from tilewright.targets.snitch.link_script import link_script
from tilewright.targets.snitch.machine import (
    CORES,
    L1_BASE,
    MASTER,
    MASTER_STACK,
    RESULTS_BYTES,
    SHARED_BYTES,
    WORKER_STACK,
)


def _script(entries: Sequence[tuple[Program, CNames]], cores: int) -> str:
    del cores
    return link_script(entries[0][0].arena_bytes.get("L1", 0))


def _workers(cores: int) -> tuple[int, ...]:
    """All of them wait at the barrier, however many share a call."""
    del cores
    return tuple(range(CORES))


SNITCH_CHIP = Chip(
    title="Snitch",
    machine="snitch",
    folder=Path(__file__).parent,
    link_script=_script,
    l1_base=L1_BASE,
    shared_bytes=SHARED_BYTES,
    master=MASTER,
    workers=_workers,
    master_stack=MASTER_STACK,
    worker_stack=WORKER_STACK,
    result_bytes=RESULTS_BYTES,
    result_memory="part of the memory outside the cluster",
    headers=FEED_HEADERS,
)


def run_on_snitch(
    bundle: Bundle, program: Program, toolchain: Toolchain, batch: Batch, options: HostOptions
) -> RunResult:
    """A ``Runner``; always counts cycles. Raises what ``run_on_chip`` raises."""
    chip = replace(SNITCH_CHIP, machine=toolchain.kind)
    if toolchain.kind != SNITCH_CHIP.machine:  # figures are known with ITA only
        chip = replace(chip, meter=meter, speed=SPEED)
    return run_on_chip(chip, bundle, program, toolchain, batch, options)
