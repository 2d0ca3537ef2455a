"""What goes wrong on a Snitch cluster is said in words: where, what, what to try."""

import pytest

from run.sim.ita_jobs import DMA_CORE
from run.sim.programs import ROWS, encode_i, encode_s, load_constant
from run.sim.snitch_programs import (
    ITA,
    OUTER,
    READ,
    STREAMS_ON,
    TCDM,
    configure,
    encode_f,
    image,
    one_core,
    repeat,
)  # fmt: skip
from tilewright.run.sim.faults import explain
from tilewright.run.sim.simulator import Outcome

COUNT = 10


def stop(words: list[int], timing: str = "rtl", core: int = 0) -> str:
    sim = one_core(timing, core)
    sim.load(image([*words, ROWS["csrrs"].match | 0x001 << 20, ROWS["wfi"].match]))
    return explain(sim, sim.run(max_cycles=10_000))


def one_element() -> list[int]:
    return [*configure(0, 2, 0), *configure(0, 6, 8), *configure(0, READ, TCDM)]


def test_a_stream_that_is_used_up_is_named():
    text = stop(
        [*one_element(), STREAMS_ON, encode_f("fadd.d", 4, 0, 5), encode_f("fadd.d", 4, 0, 5)]
    )
    assert "stream ft0 has no element left, or runs in the other direction" in text
    assert "compare the stream's counts and repeats" in text


def test_a_third_start_of_a_stream_that_nobody_reads_is_refused():
    text = stop([*one_element(), *one_element(), *one_element()])
    assert "configures a stream while a start waits that nothing will ever use up" in text


def test_a_stream_read_as_an_indirect_one_is_refused():
    assert "a device does not do what register or value" in stop(configure(0, 10, 1))


def test_a_repetition_with_an_integer_result_is_refused():
    words = [
        encode_i("addi", COUNT, 0, 3),
        repeat(COUNT, 1, outer=True),
        encode_f("feq.d", 5, 6, 7),
    ]
    assert "holds an instruction that writes an integer register" in stop(words)


def test_a_repetition_longer_than_the_sequencer_is_refused_with_its_size():
    words = [encode_i("addi", COUNT, 0, 3), repeat(COUNT, 20, outer=True)]
    assert "repeats 20 instructions: the sequencer holds 16" in stop(words, "gvsoc")


def test_misaligned_accesses_trap_on_the_hardware_only():
    words = [*load_constant(28, TCDM), encode_i("lw", 5, 28, 2)]
    assert "misaligned 4-byte access to 0x10000002" in stop(words)
    assert "misaligned" not in stop(words, "gvsoc")


@pytest.mark.parametrize("word", [encode_f("fdiv.d", 4, 5, 6), 0x4505])
def test_division_of_floats_and_compressed_code_are_the_emulators_only(word: int):
    assert "illegal instruction" in stop([word, encode_i("addi", 0, 0, 0)])
    assert "illegal instruction" not in stop(
        [word | (0x0001_0000 if word < 1 << 16 else 0)], "gvsoc"
    )


def test_a_transfer_from_nowhere_names_the_address():
    words = [*load_constant(5, 0x4000_0000), ROWS["dmsrc"].match | 5 << 15,
             *load_constant(6, TCDM), ROWS["dmdst"].match | 6 << 15,
             ROWS["dmcpyi"].match | 15 << 7 | 6 << 15]  # fmt: skip
    assert "at 0x40000000: no memory holds them" in stop(words, core=DMA_CORE)


def test_a_core_that_touches_a_buffer_in_flight_is_stopped():
    words = [*load_constant(5, OUTER), ROWS["dmsrc"].match | 5 << 15,
             *load_constant(6, TCDM), ROWS["dmdst"].match | 6 << 15, *load_constant(7, 4096),
             ROWS["dmcpyi"].match | 15 << 7 | 7 << 15, encode_i("lw", 8, 6, 64)]  # fmt: skip
    sim = one_core("rtl", DMA_CORE)
    sim.check(dma=True)
    sim.load(image(words))
    outcome = sim.run(max_cycles=10_000)
    assert "touches 4 bytes at 0x10000040 of a DMA transfer in flight" in explain(sim, outcome)


def job(flags: int, **registers: int) -> list[int]:
    """One job of ITA by register offsets, committed and started."""
    offsets = {"input": 0x20, "output": 0x30, "tiles": 0x38, "engine": 0x54}
    words = [*load_constant(28, ITA), *load_constant(5, flags), encode_s("sw", 5, 28, 0x58)]
    for name, value in registers.items():
        words += [*load_constant(5, value), encode_s("sw", 5, 28, offsets[name])]
    return [*words, encode_s("sw", 0, 28, 0)]


def test_a_job_whose_output_flag_is_wrong_is_named_with_its_place():
    text = stop(job(1 | 4 | 16, engine=2, tiles=0x111), core=DMA_CORE)
    assert "ITA's job in step MatMul with inner tile 0: its output flag is not that" in text
    assert "output_disable is 0 for the last inner tile only" in text


def test_a_job_outside_the_tcdm_is_named():
    text = stop(job(1 | 4, engine=2, tiles=0x111, output=0x1_F800), core=DMA_CORE)
    assert "the accelerator touches 4096 bytes at 0x0001f800: no memory holds them" in text


def test_a_job_too_many_is_refused():
    text = stop([w for _ in range(6) for w in job(1 | 4, engine=2, tiles=0x111)], core=DMA_CORE)
    assert "ITA is given a job while all its 4 contexts are taken" in text


def test_jobs_end_with_an_event_that_wakes_the_core_that_gave_them():
    words = [
        *load_constant(9, 1 << 20), ROWS["csrrw"].match | 9 << 15 | 0x304 << 20,
        *job(1 | 4, engine=2, tiles=0x111), ROWS["wfi"].match,
        ROWS["csrrs"].match | 11 << 7 | 0xB00 << 20,
        *load_constant(28, 0x1002_0000 + 0x1C0), encode_i("lw", 12, 28, 0),
        encode_s("sw", 12, 28, 0), encode_i("lw", 13, 28, 0), ROWS["wfi"].match,
    ]  # fmt: skip
    sim = one_core("rtl", DMA_CORE)
    sim.load(image(words))
    assert sim.run(max_cycles=10_000) is Outcome.DEADLOCKED
    assert 300 < sim.register(0, 11) < 400
    # The one core of this machine is core 0 of the cluster's registers, whatever its hart.
    assert (sim.register(0, 12), sim.register(0, 13)) == (1, 0)
