"""Faults stop the run with a message that says where, what and what to try."""

import re
from dataclasses import replace

import pytest

from run.sim.cluster_programs import on_core_0, run_cluster
from run.sim.programs import (
    DATA,
    EVERYTHING,
    encode_b,
    encode_i,
    encode_r,
    encode_s,
    image_of,
    load_constant,
    machine_with,
)
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines.rv32 import RV32IMAC
from tilewright.run.sim.simulator import Outcome, Simulator

L1, L2 = 0x1000_0000, 0x1C01_0000


def stop(words: list[int], **run: int) -> str:
    sim = Simulator(machine_with(*EVERYTHING))
    sim.load(image_of(words))
    return explain(sim, sim.run(**run))


def test_an_illegal_instruction_names_core_place_and_path():
    text = stop([encode_i("addi", 5, 0, 1), encode_i("addi", 6, 0, 2), 0xFFFFFFFF])
    assert re.match(r"core 0 at 0x80000008 \(start\+0x8\): illegal instruction", text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "0x80000004 addi t1, zero, 2 start+0x4" in lines
    assert "0x80000008 .word 0xffffffff start+0x8" in lines


def test_an_unmapped_access_names_the_address():
    text = stop([*load_constant(5, 0x4000_0000), encode_i("lw", 6, 5, 16)])
    assert "4-byte access to 0x40000010: nothing is mapped there" in text
    assert "lw         t1, 16(t0)" in text


def test_a_wild_jump_is_a_fault():
    text = stop([encode_i("addi", 5, 0, 64), encode_i("jalr", 0, 5, 0)])
    assert "jump to 0x00000040: no memory to run from" in text


def test_max_cycles_says_where_the_cores_are():
    text = stop([encode_b("beq", 0, 0, 0)], max_cycles=10_000)
    assert text.startswith("--max-cycles reached")
    assert "core  0 at 0x80000000 start: runs" in text


def test_the_end_of_the_stack_is_guarded():
    sim = Simulator(machine_with(*EVERYTHING))
    sim.load(image_of([*load_constant(2, DATA + 8), encode_s("sw", 5, 2, -4)]))
    sim.guard(0, DATA, 16)
    text = explain(sim, sim.run())
    assert f"stack overflow: 4-byte access to 0x{DATA + 4:08x}" in text


def test_uninitialised_memory_is_reported_on_request():
    words = [*load_constant(5, DATA), encode_s("sw", 5, 5, 0), encode_i("lw", 6, 5, 0),
             encode_i("lw", 6, 5, 4)]  # fmt: skip
    sim = Simulator(machine_with(*EVERYTHING))
    sim.check(uninitialised=True)
    sim.load(image_of(words))
    text = explain(sim, sim.run())
    assert f"reads 4 bytes at 0x{DATA + 4:08x} that nothing has written" in text


def test_cores_that_wait_for_ever_are_a_deadlock():
    sim, outcome = run_cluster(on_core_0([
        *load_constant(5, 0x1020_4000), encode_i("addi", 6, 0, 256), encode_s("sw", 6, 5, 0),
        encode_i("p.elw", 7, 5, 0x3C),
    ]))  # fmt: skip
    text = explain(sim, outcome)
    assert text.startswith("deadlock: every core sleeps and no event is due")
    assert re.search(r"core  0 at 0x[0-9a-f]+ .*: asleep, waits for DMA", text)


def dma(l1: int, far: int, size: int, to_l1: bool = True) -> list[int]:
    command = size | to_l1 << 17 | 1 << 18 | 1 << 20
    return [
        *load_constant(5, 0x1020_4400), encode_i("lw", 6, 5, 0), *load_constant(7, command),
        encode_s("sw", 7, 5, 0), *load_constant(7, l1), encode_s("sw", 7, 5, 0),
        *load_constant(7, far), encode_s("sw", 7, 5, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("l1", "far"), [(L1 + 0x3FFF0, L2), (L1, 0x5000_0000)])
def test_a_dma_command_out_of_range_is_a_fault(l1: int, far: int):
    sim, outcome = run_cluster(on_core_0(dma(l1, far, 64)))
    assert outcome is Outcome.FAULTED
    assert re.search(r"the DMA is to move 64 bytes at 0x\w+: no memory holds them",
                     explain(sim, outcome))  # fmt: skip


def test_touching_a_buffer_in_flight_is_reported_on_request():
    words = on_core_0([*dma(L1, L2, 4096), *load_constant(8, L1), encode_i("lw", 9, 8, 64)])
    sim, outcome = run_cluster(words, checks_dma=True)
    assert "touches 4 bytes at 0x10000040 of a DMA transfer in flight" in explain(sim, outcome)
    _, unchecked = run_cluster(words)
    assert unchecked is Outcome.DEADLOCKED  # nothing left to do


def test_breakpoints_stop_before_the_instruction_and_go_on():
    sim = Simulator(replace(RV32IMAC))
    sim.load(image_of([encode_i("addi", 5, 5, 1), encode_b("bne", 5, 0, -4)]))
    for rounds in (1, 2, 3):
        assert sim.run(breakpoint_at=0x8000_0004) is Outcome.BREAKPOINT
        assert sim.register(0, 5) == rounds
    assert sim.pc(0) == 0x8000_0004


def test_atomics_must_be_aligned():
    text = stop([*load_constant(5, DATA + 2), encode_r("amoadd.w", 6, 5, 7)])
    assert f"misaligned 4-byte access to 0x{DATA + 2:08x}" in text


def test_a_division_by_zero_gives_what_the_manual_says():
    sim = Simulator(RV32IMAC)
    words = [encode_i("addi", 5, 0, -7), encode_r("divu", 6, 5, 0), encode_r("rem", 7, 5, 0)]
    sim.load(image_of([*words, 0xFFFFFFFF]))
    sim.run()
    assert (sim.register(0, 6), sim.register(0, 7)) == (0xFFFFFFFF, 0xFFFFFFF9)
