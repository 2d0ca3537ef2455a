"""Machine code for Siracusa's cluster: the fabric controller starts cores, then sleeps."""

from run.sim.programs import ROWS, encode_b, encode_i, encode_s, load_constant
from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator

CODE = 0x1C01_0000
WFI = 0x10500073


def on_cores(count: int, body: list[int]) -> list[int]:
    """All of the program: boot code, then what every cluster core runs before it sleeps."""
    fabric = [
        *load_constant(5, 0x1020_0000), *load_constant(6, 0x1020_1400), *load_constant(7, CODE),
        encode_s("sw", 7, 6, 0),
        *(encode_s("sw", 7, 5, 0x40 + 4 * core) for core in range(count)),
        encode_i("addi", 8, 0, (1 << count) - 1), encode_s("sw", 8, 5, 8), WFI,
    ]  # fmt: skip
    head = [
        ROWS["csrrs"].match | 9 << 7 | 0xF14 << 20,
        encode_i("sltiu", 6, 9, 32),
        encode_b("bne", 6, 0, 4 * (len(fabric) + 1)),
    ]
    return [*head, *fabric, *body, WFI]


def on_core_0(body: list[int]) -> list[int]:
    return on_cores(1, body)


def run_cluster(words: list[int], *, checks_dma: bool = False, data: bytes = b"",
                at: int = 0x1C08_0000) -> tuple[Simulator, Outcome]:  # fmt: skip
    code = b"".join(word.to_bytes(4, "little") for word in words)
    sim = Simulator(find_machine("siracusa"))
    sim.check(dma=checks_dma)
    segments = [Segment(CODE, code), *([Segment(at, data)] if data else [])]
    sim.load(Image(CODE, tuple(segments), ((CODE, "start"),)))
    return sim, sim.run(max_cycles=3_000_000)
