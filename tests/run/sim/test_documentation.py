"""Pages about the simulator say what is so."""

import re
from pathlib import Path

from tilewright.run.sim.instruction_page import INTRODUCTION, instruction_table
from tilewright.run.sim.machines import MACHINES
from tilewright.run.sim.simulator import LOSSES

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
