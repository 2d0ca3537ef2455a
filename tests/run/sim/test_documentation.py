"""Pages about the simulator say what is so."""

import re
from dataclasses import fields
from pathlib import Path

from run.sim.snitch_exceptions import GVSOC, RTL
from tilewright.run.sim.instruction_page import INTRODUCTION, instruction_table
from tilewright.run.sim.machines import MACHINES
from tilewright.run.sim.machines.snitch import SNITCH_GVSOC, SNITCH_RTL
from tilewright.run.sim.simulator import LOSSES
from tilewright.run.sim.snitch_timing import SnitchTiming

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/simulator.md").read_text()


def test_the_instruction_table_is_up_to_date():
    page = (ROOT / "docs/reference/instructions.md").read_text()
    assert page == INTRODUCTION + instruction_table()


def test_the_reference_names_every_machine_and_every_loss():
    assert all(f"| `{name}` |" in REFERENCE for name in MACHINES)
    assert re.findall(r"\| 0xB\w\w \| (\w+) \|", REFERENCE) == list(LOSSES)


def test_the_how_to_shows_the_example_as_it_is():
    page = (ROOT / "docs/how-to/simulate-a-program.md").read_text()
    example = (ROOT / "examples/hello_cluster/hello.c").read_text()
    assert example in page


def test_the_reference_lists_every_exception_from_the_calibration():
    listed = REFERENCE[REFERENCE.index("### What is not followed") : REFERENCE.index("## Counters")]
    assert set(re.findall(r"`([^`]+)`", listed)) == {line for _, line in (*GVSOC, *RTL)}


def test_the_reference_has_a_row_for_every_field_in_which_the_two_sets_differ():
    # Several fields share a row; a field that is added must be thought of here and there.
    differing = {
        name
        for name in (f.name for f in fields(SnitchTiming))
        if getattr(SNITCH_GVSOC.snitch, name) != getattr(SNITCH_RTL.snitch, name)
    }
    assert differing == DIFFERENCES.keys()
    assert all(f"| {row}" in REFERENCE for row in DIFFERENCES.values())


DIFFERENCES = {
    "load_result": "load in the TCDM",
    "mul_blocks": "multiplication",
    "mul_result": "multiplication",
    "shares_units": "division",
    "jump": "`jal`",
    "waits_for_destination": "register still",
    "has_write_port": "write port",
    "loads_hold": "load whose bank",
    "stores_conflict": "store whose bank",
    "amo_bank": "atomic",
    "amo_result": "atomic",
    "far_result": "outside",
    "far_period": "outside",
    "far_store": "outside",
    "barrier": "barrier",
    "fp_queue": "sequencer",
    "fp_dispatch": "from the core",
    "fp_to_integer": "from the core",
    "fp_latency": "floating-point load",
    "fp_drains": "results for the core",
    "has_fdiv": "`fdiv`",
    "fp_load_holds": "integer instruction",
    "same_stream": "one stream",
    "line_shift": "instruction cache",
    "prefetches": "instruction cache",
    "traps_misaligned": "misaligned",
    "dma_is_split": "DMA and the cores",
    "dma_start": "DMA: start",
    "dma_far_read": "DMA: start",
    "dma_line": "DMA: start",
    "dma_result": "Xdma result",
}
"""Field of SnitchTiming to the beginning of its row in the reference."""
