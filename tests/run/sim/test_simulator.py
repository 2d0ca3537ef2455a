"""The Python API: counters, profile, timing variants, memory and registers, ELF files."""

from pathlib import Path

import pytest

from run.sim.cluster_programs import CODE, on_cores
from run.sim.programs import DATA, ROWS, encode_b, encode_i, encode_r, image_of, load_constant
from tilewright.errors import ModelError, OptionError
from tilewright.run.caches import cache_folder
from tilewright.run.sim.elf_image import Image, Segment, read_image
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.profile import map_functions, read_profile
from tilewright.run.sim.simulator import FLOAT, LOSSES, Outcome, SimulationError, Simulator

L1 = 0x1000_0000


def loop(body: list[int], rounds: int) -> list[int]:
    head = load_constant(5, rounds)
    return [*head, *body, encode_i("addi", 5, 5, -1), encode_b("bne", 5, 0, -4 * len(body) - 4)]


def run(words: list[int], timing: str = "gvsoc", cores: int = 1) -> Simulator:
    code = b"".join(word.to_bytes(4, "little") for word in on_cores(cores, words))
    sim = Simulator(find_machine("siracusa", timing))
    functions = ((CODE, "boot"), (CODE + len(code) - 4 * len(words) - 4, "work"))
    sim.load(Image(CODE, (Segment(CODE, code),), functions))
    names = map_functions(sim.image, sim.machine)
    sim.start_profile(names)
    assert sim.run(max_cycles=1_000_000) is Outcome.DEADLOCKED  # all sleep at the end
    return sim


def test_every_cycle_and_instruction_of_the_profile_is_accounted_for():
    sim = run(loop([encode_i("lw", 6, 28, 0), encode_i("addi", 6, 6, 1)], 200), cores=4)
    lines = read_profile(sim, map_functions(sim.image, sim.machine))
    for core in range(4):
        mine = [line for line in lines if line.core == core]
        counters = sim.counters(core)
        assert sum(line.instructions for line in mine) == counters.instructions
        for index, name in enumerate(LOSSES):
            assert sum(line.lost[index] for line in mine) == counters.lost[name]
        work = next(line for line in mine if line.function == "work")
        assert work.compute == work.instructions


def test_eight_cores_at_one_bank_take_turns():
    words = [*load_constant(28, L1), *loop([encode_i("lw", 6, 28, 0)] * 8, 100)]
    alone = run(words).counters(0).cycles
    together = run(words, cores=8).counters(0)
    assert 3 * alone < together.cycles < 9 * alone
    assert together.lost["conflict"] > together.cycles // 2


def test_silicon_multiplies_in_one_cycle():
    words = loop([encode_r("mul", 6, 6, 7)] * 4, 500)
    referee, silicon = (run(words, timing).counters(0).cycles for timing in ("gvsoc", "silicon"))
    assert referee - silicon == 500 * (4 + 3)  # a cycle each, and one more where it is used next


def test_the_cycle_limit_is_kept_and_the_run_goes_on():
    endless = image_of([encode_b("beq", 0, 0, 0)])
    sim = Simulator(find_machine("rv32imac"))
    sim.load(endless)
    for limit in (1000, 2000, 50_000):
        assert sim.run(max_cycles=limit) is Outcome.LIMIT
        assert limit <= sim.counters(0).cycles < limit + 10


def test_slices_of_a_run_change_nothing():
    words = loop([encode_i("lw", 6, 28, 0), encode_r("add", 7, 7, 6)], 3000)
    code = b"".join(word.to_bytes(4, "little") for word in on_cores(8, words))
    image = Image(CODE, (Segment(CODE, code),))
    seen = []
    for limits in ((1_000_000,), (777, 5_000, 12_345, 1_000_000)):
        sim = Simulator(find_machine("siracusa"))
        sim.load(image)
        for limit in limits:
            sim.run(max_cycles=limit)
        seen.append([sim.counters(core) for core in range(10)])
    assert seen[0] == seen[1]


def test_registers_and_memory_are_readable_and_writable():
    sim = Simulator(find_machine("rv32imfc"))
    sim.load(image_of([ROWS["fmv.w.x"].match | 3 << 7 | 5 << 15, 0xFFFFFFFF]))
    sim.set_register(0, 5, 0x40490FDB)
    sim.write(DATA, b"abc")
    sim.run()
    assert sim.register(0, FLOAT + 3) == 0x40490FDB
    assert sim.read(DATA, 4) == b"abc\0"
    assert sim.register(0, 0) == 0


def test_addresses_without_memory_are_refused():
    sim = Simulator(find_machine("siracusa"))
    with pytest.raises(SimulationError, match=r"^address 0x50000000: no memory of siracusa there$"):
        sim.read(0x5000_0000, 4)
    with pytest.raises(SimulationError, match=r"^address 0x1003fffe: 4 bytes do not fit"):
        sim.write(0x1003_FFFE, b"1234")
    with pytest.raises(
        OptionError, match=r"^timing 'fast': unknown for siracusa; there is gvsoc, silicon$"
    ):
        find_machine("siracusa", "fast")


def test_damaged_elf_files_are_refused_in_words(tmp_path: Path):
    good = Path(__file__).with_name("programs.py").read_bytes()
    path = tmp_path / "bad.elf"
    header = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00"
    for content in (b"", good, header, header + bytes(30) + b"\xff" * 40):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"bad\.elf: "):
            read_image(path)


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TILEWRIGHT_CACHE", str(tmp_path / "file" / "cache"))
    assert cache_folder().is_dir()
