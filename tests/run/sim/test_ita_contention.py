"""ITA shares the TCDM's banks: what cores and DMA do to a job's time."""

from dataclasses import replace

from run.sim.ita_jobs import DMA_CORE
from run.sim.programs import ROWS, encode_b, encode_i, load_constant
from run.sim.snitch_programs import OUTER, TCDM, image
from run.sim.test_snitch_faults import job
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Simulator

NPU_TRACK = 66
ALONE = 303  # no bias, output, first weights loaded, none for a next job
WFI = ROWS["wfi"].match


def job_cycles(driver: list[int], others: list[int]) -> int:
    """Cycles of one job that hart 8 starts after `driver`, while the other eight run `others`."""
    machine = find_machine("snitch-ita", "rtl")
    sim = Simulator(replace(machine, cores=(machine.cores[DMA_CORE], *machine.cores[:DMA_CORE])))
    sim.record_timeline()
    body = [*driver, *job(1 | 4, engine=2, tiles=0x111, input=0x8000, output=0x1_0000), WFI]
    words = [
        ROWS["csrrs"].match | 5 << 7 | 0xF14 << 20, encode_i("addi", 6, 0, DMA_CORE),
        encode_b("bne", 5, 6, 4 * (len(body) + 1)), *body, *others,
    ]  # fmt: skip
    sim.load(image(words))
    sim.run(max_cycles=3_000)
    return next(end - start for track, _, start, end in sim.intervals() if track == NPU_TRACK)


def loads(address: int) -> list[int]:
    """Loads from one word for ever."""
    body = [encode_i("lw", 7, 28, 0)] * 8
    return [*load_constant(28, address), *body, encode_b("beq", 0, 0, -4 * len(body))]


def test_a_job_that_nobody_disturbs_takes_what_the_hardware_takes():
    assert job_cycles([], [WFI]) == ALONE


def test_cores_that_load_from_its_banks_slow_ita_down_but_do_not_stop_it():
    # Every second access finds a bank of its half taken and is made a cycle later.
    assert ALONE + 100 < job_cycles([], loads(TCDM)) < 2 * ALONE


def test_a_transfer_beside_it_refuses_about_every_second_access():
    copy = [
        *load_constant(5, OUTER), ROWS["dmsrc"].match | 5 << 15, *load_constant(6, TCDM),
        ROWS["dmdst"].match | 6 << 15, *load_constant(7, 0x8000),
        ROWS["dmcpyi"].match | 15 << 7 | 7 << 15,
    ]  # fmt: skip
    assert ALONE + 50 < job_cycles(copy, [WFI]) < 2 * ALONE
