"""What the cores of a Snitch cluster share: DMA, barrier, interrupts, peripherals, the host."""

import random

import pytest

from run.sim.programs import (
    ROWS,
    encode_b,
    encode_i,
    encode_r,
    encode_s,
    exit_with,
    load_constant,
)  # fmt: skip
from run.sim.snitch_programs import (
    BARRIER,
    CODE,
    OUTER,
    PERIPHERALS,
    TCDM,
    TIMINGS,
    encode_f,
    image,
    one_core,
    only,
    run,
)  # fmt: skip
from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.faults import explain
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator

DMA_CORE = 8
ZEROS = 0x1003_0000
SET_INTERRUPT, CLEAR_INTERRUPT = PERIPHERALS + 0x1A0, PERIPHERALS + 0x1A8
WFI = ROWS["wfi"].match
BUSY, COMPLETED, NEXT = 2, 0, 1


def dma(name: str, rs1: int, rs2: int = 0, rd: int = 0) -> int:
    return ROWS[name].match | rd << 7 | rs1 << 15 | rs2 << 20


def transfer(source: int, target: int, size: int, lines: int = 1, strides: tuple[int, int] = (0, 0),
             ) -> list[int]:  # fmt: skip
    """Starts a transfer; its number is in x15."""
    words = [*load_constant(5, source), dma("dmsrc", 5), *load_constant(5, target),
             dma("dmdst", 5), *load_constant(5, size)]  # fmt: skip
    if lines == 1:
        return [*words, dma("dmcpyi", 5, 0, 15)]
    words += [
        *load_constant(6, strides[0] & 0xFFFFFFFF),
        *load_constant(7, strides[1] & 0xFFFFFFFF),
    ]
    words += [dma("dmstr", 6, 7), *load_constant(6, lines), dma("dmrep", 6)]
    return [*words, dma("dmcpyi", 5, 2, 15)]


def wait_for_dma() -> list[int]:
    return [dma("dmstati", 0, BUSY, 6), encode_b("bne", 6, 0, -4)]


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", range(10))
def test_drawn_transfers_move_what_lines_and_strides_say(timing: str, seed: int):
    rng = random.Random(seed)
    size, lines = rng.randint(1, 200), rng.randint(1, 8)
    pitch = (rng.randint(size, 300), rng.randint(size, 300))
    start = (rng.randrange(64), rng.randrange(64))
    homes = rng.choice(((OUTER, TCDM), (TCDM, OUTER), (TCDM, TCDM + 0x8000)))
    data = bytes(rng.getrandbits(8) for _ in range(4096))
    words = [
        *transfer(homes[0] + start[0], homes[1] + start[1], size, lines, pitch), *wait_for_dma()
    ]  # fmt: skip
    before = Segment(homes[1], bytes(4096))
    sim = run(one_core(timing, DMA_CORE), words, Segment(homes[0], data), before)
    expected = bytearray(4096)
    for line in range(lines):
        at, to = start[0] + line * pitch[0], start[1] + line * pitch[1]
        expected[to : to + size] = data[at : at + size]
    assert sim.read(homes[1], 4096) == bytes(expected)


@pytest.mark.parametrize("timing", TIMINGS)
def test_more_transfers_than_the_queue_holds_wait_and_all_arrive(timing: str):
    data = bytes(range(256)) * 64
    words: list[int] = []
    for i in range(12):
        words += transfer(OUTER + 1024 * i, TCDM + 1024 * i, 1024)
    words += [dma("dmstati", 0, NEXT, 13), *wait_for_dma(), dma("dmstati", 0, COMPLETED, 14)]
    sim = run(one_core(timing, DMA_CORE), words, Segment(OUTER, data))
    assert sim.read(TCDM, 12 * 1024) == data[: 12 * 1024]
    assert sim.register(0, 15) == sim.register(0, 14) == sim.register(0, 13) - 1


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize(("size", "lines"), [(0, 3), (64, 0)])
def test_a_transfer_of_nothing_is_over_at_once(timing: str, size: int, lines: int):
    words = [
        *transfer(OUTER, TCDM, size, max(lines, 2), (64, 64))[:-1], *load_constant(6, lines),
        dma("dmrep", 6), dma("dmcpyi", 5, 2, 15), *wait_for_dma(),
    ]  # fmt: skip
    sim = run(one_core(timing, DMA_CORE), words, Segment(TCDM, b"\x11" * 256))
    assert sim.read(TCDM, 256) == b"\x11" * 256


@pytest.mark.parametrize("timing", TIMINGS)
def test_the_zero_memory_reads_zeros_and_forgets_what_is_written(timing: str):
    words = [*transfer(TCDM + 256, ZEROS, 64), *transfer(ZEROS, TCDM, 256), *wait_for_dma()]
    sim = run(one_core(timing, DMA_CORE), words, Segment(TCDM, b"\x11" * 512))
    assert sim.read(TCDM, 512) == bytes(256) + b"\x11" * 256


def cluster(words: list[int], timing: str = "rtl", *, symbols: dict[str, int] | None = None,
            machine: str = "snitch-ita") -> tuple[Simulator, Outcome]:  # fmt: skip
    """All nine cores run the code."""
    sim = Simulator(find_machine(machine, timing))
    plain = image(words)
    sim.load(Image(CODE, plain.segments, plain.functions, symbols or {}))
    return sim, sim.run(max_cycles=100_000)


@pytest.mark.parametrize("timing", TIMINGS)
def test_an_interrupt_from_the_peripherals_wakes_the_core_that_enabled_it(timing: str):
    wake = [*load_constant(7, SET_INTERRUPT), encode_i("addi", 8, 0, 1 << 3),
            encode_s("sw", 8, 7, 0), WFI]  # fmt: skip
    sleep = [
        *load_constant(9, 1 << 19), ROWS["csrrw"].match | 9 << 15 | 0x304 << 20, BARRIER, WFI,
        ROWS["csrrs"].match | 11 << 7 | 0x344 << 20,  # pending
        *load_constant(7, CLEAR_INTERRUPT), encode_i("addi", 8, 0, 1 << 3),
        encode_s("sw", 8, 7, 0), ROWS["fence"].match | 0x0FF0_0000,
        ROWS["csrrs"].match | 12 << 7 | 0x344 << 20,
        encode_i("addi", 13, 11, 0), encode_i("addi", 14, 12, 0), *exit_with(),
    ]  # fmt: skip
    sim, outcome = cluster([*only(3, sleep), BARRIER, *only(0, wake), WFI], timing)
    assert outcome is Outcome.EXITED
    assert sim.register(3, 13) == 1 << 19
    assert sim.register(3, 14) == 0


def test_a_core_that_misses_the_barrier_is_named():
    sim, outcome = cluster([*only(5, [WFI]), BARRIER, WFI])
    assert outcome is Outcome.DEADLOCKED
    text = explain(sim, outcome)
    assert "core  0 at" in text
    assert text.count("waits for the barrier, where 8 of 9 are") == 8
    assert text.count("waits for an interrupt") == 1
    assert "let every core read the barrier's CSR" in text


def test_the_host_interface_prints_and_ends():
    block, text, tohost = OUTER, OUTER + 64, OUTER + 128
    words = [*load_constant(5, block), *load_constant(6, tohost), encode_s("sw", 5, 6, 0),
             encode_i("lw", 7, 6, 8), encode_i("addi", 8, 0, 7 << 1 | 1),
             encode_b("beq", 7, 0, -8), encode_s("sw", 8, 6, 0)]  # fmt: skip
    sim = one_core("rtl")
    call = b"".join(v.to_bytes(8, "little") for v in (64, 1, text, 5))
    code = image(words, (Segment(block, call), Segment(text, b"hello"), Segment(tohost, bytes(16))))
    symbols = {"tohost": tohost, "fromhost": tohost + 8}
    sim.load(Image(CODE, code.segments, code.functions, symbols))
    assert sim.run(max_cycles=10_000) is Outcome.EXITED
    assert (sim.printed, sim.exit_code) == ("hello", 7)


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_core_reads_what_its_floating_point_side_has_stored(timing: str):
    # The load comes before the store has been made: the core waits for it.
    words = [
        *load_constant(28, TCDM), encode_i("fld", 4, 28, 8), encode_f("fadd.d", 5, 4, 4),
        encode_f("fadd.d", 5, 5, 4), encode_s("fsd", 5, 28, 0), encode_i("lw", 11, 28, 4),
        encode_i("addi", 13, 11, 0),
    ]  # fmt: skip
    one = 0x3FF0_0000_0000_0000
    data = bytes(8) + one.to_bytes(8, "little")
    assert run(one_core(timing), words, Segment(TCDM, data)).register(0, 13) == 0x4008_0000


def locked_increments(turns: int) -> list[int]:
    """Every core takes a lock by amoswap, adds one, gives it back, `turns` times."""
    return [
        *load_constant(28, TCDM), encode_i("addi", 29, 28, 64), encode_i("addi", 9, 0, turns),
        encode_i("addi", 8, 0, 1), encode_r("amoswap.w", 7, 28, 8), encode_b("bne", 7, 0, -4),
        encode_i("lw", 7, 29, 0), encode_i("addi", 7, 7, 1), encode_s("sw", 7, 29, 0),
        encode_r("amoswap.w", 0, 28, 0), encode_i("addi", 9, 9, -1), encode_b("bne", 9, 0, -32),
        BARRIER,
    ]  # fmt: skip


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_lock_keeps_nine_cores_apart(timing: str):
    zero = [*load_constant(28, TCDM), encode_s("sw", 0, 28, 0), encode_s("sw", 0, 28, 64)]
    words = [*only(0, zero), BARRIER, *locked_increments(11), *only(0, exit_with()), WFI]
    sim, outcome = cluster(words, timing)
    assert outcome is Outcome.EXITED
    assert int.from_bytes(sim.read(TCDM + 64, 4), "little") == 99
