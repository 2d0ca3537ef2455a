"""Jobs for ITA as scripts of register writes, and a program for hart 8 that plays them.

A matrix lies in 64x64 tiles, tile row by tile row; biases as 24-bit numbers.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from run.sim.programs import ROWS, encode_b, encode_i, encode_s, load_constant
from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.machine import Machine, View, Window

CODE, SCRIPT = 0x8000_0000, 0x8010_0000
TCDM, ITA = 0x2000_0000, 0x1004_0000
TRIGGER, STATUS, SOFT_CLEAR = ITA, ITA + 0x0C, ITA + 0x14
REGISTER = {
    "input": 0x20, "weight": 0x24, "next": 0x28, "bias": 0x2C, "output": 0x30, "tiles": 0x38,
    "mult": 0x3C, "mult1": 0x40, "shift": 0x44, "shift1": 0x48, "add": 0x4C, "add1": 0x50,
    "engine": 0x54, "stream": 0x58, "gelu": 0x5C, "activation": 0x60,
}  # fmt: skip
PRELOAD, NEXTLOAD, NO_BIAS, BIAS_ROWS, NO_OUTPUT = 1, 2, 4, 8, 16
TILE = 64
ROOMY = 256 * 1024
DMA_CORE = 8

Bytes = NDArray[np.int8]


def roomy(machine: Machine) -> Machine:
    """The machine with a TCDM that holds all operands of a layer at once, seen at TCDM."""
    tcdm, *others = machine.memories
    window = Window((View.CLUSTER,), TCDM, ROOMY, "tcdm")
    return replace(
        machine,
        memories=(replace(tcdm, size=ROOMY), *others),
        windows=(*machine.windows, window),
    )


def tiled(matrix: NDArray[np.int8]) -> bytes:
    rows, columns = (n // TILE for n in matrix.shape)
    return np.ascontiguousarray(
        matrix.reshape(rows, TILE, columns, TILE).transpose(0, 2, 1, 3), dtype=np.int8
    ).tobytes()


def untiled(data: bytes, shape: tuple[int, int]) -> NDArray[np.int8]:
    rows, columns = (n // TILE for n in shape)
    tiles = np.frombuffer(data, np.int8).reshape(rows, columns, TILE, TILE)
    return tiles.transpose(0, 2, 1, 3).reshape(shape)


def packed_bias(bias: NDArray[np.int32]) -> bytes:
    return b"".join(int(v).to_bytes(3, "little", signed=True) for v in bias)


@dataclass
class Layout:
    """Places in the TCDM, from its beginning."""

    used: int = 0
    content: list[tuple[int, bytes]] = field(default_factory=list)

    def put(self, data: bytes) -> int:
        at = self.room(len(data))
        self.content.append((at, data))
        return at

    def room(self, size: int) -> int:
        at = self.used
        self.used = (at + size + 127) // 128 * 128
        assert self.used <= ROOMY
        return at


@dataclass(frozen=True)
class Operand:
    """A matrix in memory: where, and how many tiles a tile row has."""

    at: int
    columns: int

    def tile(self, row: int, column: int) -> int:
        return self.at + 4096 * (row * self.columns + column)


@dataclass(frozen=True)
class Gemm:
    """Consecutive jobs of one step: outputs by tile (row, column) of ``y``.

    ``bias`` by row of the output where ``by_row``, else by column; None: none. ``engine``: layer
    and activation.
    """

    x: Operand
    w: Operand
    y: Operand
    inner: int
    outputs: tuple[tuple[int, int], ...]
    bias: int | None = None
    by_row: bool = False
    engine: int = 0

    def jobs(self) -> list[dict[str, int]]:
        found: list[dict[str, int]] = []
        for row, column in self.outputs:
            for k in range(self.inner):
                flags = NO_BIAS if self.bias is None else 0
                flags |= BIAS_ROWS if self.by_row else 0
                flags |= NO_OUTPUT if k < self.inner - 1 else 0
                found.append({
                    "input": self.x.tile(row, k), "weight": self.w.tile(column, k),
                    "bias": (self.bias or 0) + 192 * (row if self.by_row else column),
                    "output": self.y.tile(row, column), "stream": flags, "engine": self.engine,
                })  # fmt: skip
        return found


def by_rows(rows: int, columns: int) -> tuple[tuple[int, int], ...]:
    return tuple((r, c) for r in range(rows) for c in range(columns))


def script_of(
    gemms: list[Gemm], common: dict[str, int], contexts: int
) -> tuple[list[tuple[int, int]], int]:
    """Register writes and waits that run all jobs as one queue, and how many jobs they are.

    An entry with bit 0 of its address set waits until the word there, masked, is zero.
    """
    script: list[tuple[int, int]] = [(SOFT_CLEAR, 0)]
    for _ in range(contexts):
        script += [(ITA + REGISTER[name], value) for name, value in common.items()]
        script.append((TRIGGER, 1))
    script.append((SOFT_CLEAR, 1))
    jobs = [job for gemm in gemms for job in gemm.jobs()]
    for number, job in enumerate(jobs):
        last = number == len(jobs) - 1
        flags = job["stream"] | (PRELOAD if number == 0 else 0) | (0 if last else NEXTLOAD)
        following = job["weight"] if last else jobs[number + 1]["weight"]
        slot = number % contexts
        script.append((STATUS | 1, 0xFF << (8 * slot)))
        writes = {**job, "stream": flags, "next": following}
        script += [(ITA + REGISTER[name], value) for name, value in writes.items()]
        script.append((TRIGGER, 0))
    script.append((STATUS | 1, 0xFFFF_FFFF))
    return script, len(jobs)


def player() -> list[int]:
    """Plays the script on hart 8; the other cores sleep. Ends by HTIF-like store to the symbol."""
    head = [
        ROWS["csrrs"].match | 5 << 7 | 0xF14 << 20, encode_i("addi", 6, 0, DMA_CORE),
        encode_b("beq", 5, 6, 12), ROWS["wfi"].match, encode_b("beq", 0, 0, -4),
        *load_constant(10, SCRIPT),
    ]  # fmt: skip
    loop = [
        encode_i("lw", 11, 10, 0), encode_i("lw", 12, 10, 4), encode_i("addi", 10, 10, 8),
        encode_b("beq", 11, 0, 44), encode_i("andi", 13, 11, 1), encode_b("bne", 13, 0, 12),
        encode_s("sw", 12, 11, 0), encode_b("beq", 0, 0, -28),
        encode_i("addi", 11, 11, -1),  # wait:
        encode_i("lw", 14, 11, 0), ROWS["and"].match | 14 << 7 | 14 << 15 | 12 << 20,
        encode_b("bne", 14, 0, -8), encode_b("beq", 0, 0, -48),
        encode_i("addi", 0, 0, 0),
    ]  # fmt: skip
    end = [encode_i("addi", 5, 0, 1), *load_constant(6, HOST), encode_s("sw", 5, 6, 0)]
    return [*head, *loop, *end, encode_b("beq", 0, 0, 0)]


HOST = 0x8000_8000


def image_of_script(script: list[tuple[int, int]], layout: Layout) -> Image:
    code = b"".join(word.to_bytes(4, "little") for word in player())
    words = [part.to_bytes(4, "little") for entry in [*script, (0, 0)] for part in entry]
    segments = [Segment(CODE, code), Segment(SCRIPT, b"".join(words))]
    segments += [Segment(TCDM + at, data) for at, data in layout.content]
    return Image(CODE, tuple(segments), ((CODE, "play"),), {"tohost": HOST, "fromhost": HOST + 64})
