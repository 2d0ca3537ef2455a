"""Runs N-EUREKA's jobs and kernels on the simulated chip, one at a time, on an idle L1."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tilewright
from case import Case
from tilewright.ir.target import Kernel
from tilewright.ir.types import Array
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.program import build_program
from tilewright.run.sim.simulator import Outcome, Simulator
from tilewright.targets.packs.neureka.arithmetic import Tables
from tilewright.targets.packs.neureka.encoding import (
    encode_channels,
    encode_points,
    encode_windows,
)
from tilewright.targets.packs.neureka.job import IN_WEIGHT_MEMORY, Job, Mode, registers
from tilewright.targets.packs.neureka.pack import NEUREKA

HERE = Path(__file__).parent
KERNELS = Path(tilewright.__path__[0]) / "targets/packs/neureka/kernels"
RUNTIME = Path(tilewright.__path__[0]) / "runtime"
NPU_TRACK = 66


@dataclass(frozen=True)
class Ran:
    """What a run left behind. ``jobs``: how long the engine worked on each."""

    data: bytes
    jobs: list[int]
    call_cycles: int


class NeurekaBench:
    """A program for the simulated chip; every run starts it anew."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "neureka_bench.elf"
        sources = [HERE / "neureka_bench.c", HERE / "neureka_bench_kernels.c"]
        sources += [kernel.source for kernel in NEUREKA]
        build_program(sources, self.program, [f"-I{KERNELS}", f"-I{RUNTIME}"])

    def _run(
        self,
        which: int,
        words: list[int],
        near: dict[int, bytes],
        far: bytes,
        output: tuple[int, int],
    ) -> Ran:
        sim = Simulator(find_machine("siracusa"))
        sim.load(self.program)
        for address, data in near.items():
            sim.write(address, data)
        sim.write(WEIGHT_MEMORY, far)
        sim.write(sim.image.symbols["bench_which"], which.to_bytes(4, "little"))
        # What one job leaves for the next lies behind all operands.
        scratch = max(at + len(data) for at, data in near.items()) + 15 & ~15
        sim.write(sim.image.symbols["bench_scratch"], scratch.to_bytes(4, "little"))
        packed = b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)
        sim.write(sim.image.symbols["bench_words"], packed)
        sim.record_timeline()
        assert sim.run(max_cycles=20_000_000) is Outcome.EXITED
        spans = [i for i in sim.intervals() if i[0] == NPU_TRACK]
        at = sim.image.symbols["bench_cycles"]
        spent = int.from_bytes(sim.read(at, 4), "little")
        return Ran(sim.read(*output), [stop - start for _, _, start, stop in spans], spent)

    def kernel(self, kernel: Kernel, case: Case, *, in_weight_memory: bool = True) -> Ran:
        """One call of a kernel; the weights lie in the weight memory or in L1."""
        op, signature = case.op, case.signature
        constants = tuple(None if i < case.varying else a for i, a in enumerate(case.inputs))
        packed = kernel.pack(op, constants)
        places = Places()
        pointers: list[int] = []
        far = b""
        for index, (given, made) in enumerate(zip(case.inputs, packed, strict=True)):
            data = np.ascontiguousarray(given if made is None else made).tobytes()
            if index == 1 and in_weight_memory:
                pointers.append(WEIGHT_MEMORY)
                far = data
            else:
                pointers.append(places.put(data))
        size = signature.output.nbytes
        y = places.put(b"\xa5" * size)
        fields = kernel.fields(op, signature)
        words = [*pointers, y, *(int(value) for value in fields.values())]
        return self._run(NEUREKA.index(kernel) + 1, words, places.data, far, (y, size))

    def job(self, job: Job, data: "JobData", *, in_weight_memory: bool = True) -> Ran:
        """One job on drawn data."""
        places = Places()
        x = places.put(data.image.tobytes())
        scale, shift, bias = (
            places.put(b"" if t is None else t.tobytes()) for t in data.stored_tables(job)
        )
        y = places.put(
            b"\xa5" * data.output_bytes(job) if data.held is None else data.held.tobytes()
        )
        rows = encoded(job, data.stored).tobytes()
        w = 0 if in_weight_memory else places.put(rows)
        r = registers(job)
        config = r["config"] | (IN_WEIGHT_MEMORY if in_weight_memory else 0)
        words = [
            w, x - job.before, y, scale, shift, bias, r["in_pixel"], r["in_row"], 0,
            32, r["out_pixel"], r["out_row"], 32, r["weight_row"], 0, r["last_channels"],
            r["last_out"], r["last_in"], r["channel_tiles"], r["pixel_tiles"], r["padding"],
            r["weight_offset"], 0, config,
        ]  # fmt: skip
        return self._run(0, words, places.data, rows, (y, data.output_bytes(job)))


WEIGHT_MEMORY = 0x1040_0000
L1 = 0x1000_1000


class Places:
    """Addresses in L1, one after another."""

    def __init__(self) -> None:
        self.next = L1
        self.data: dict[int, bytes] = {}

    def put(self, data: bytes) -> int:
        at = self.next
        self.data[at] = data
        # Whatever is read beyond an operand must not matter.
        self.data[at + len(data)] = b"\x5a" * 16
        self.next += (len(data) + 16 + 3) // 4 * 4
        return at


@dataclass(frozen=True)
class JobData:
    """What a job works on."""

    image: Array
    stored: Array
    tables: Tables | None
    held: Array | None = None

    def output_bytes(self, job: Job) -> int:
        return job.rows * job.columns * job.out_pixel

    def stored_tables(self, job: Job) -> tuple[Array | None, Array | None, Array | None]:
        if self.tables is None or job.rescale is None:
            return None, None, None
        dtype = {8: np.uint8, 16: np.uint16, 32: np.uint32}[job.rescale.scale_bits]
        bias = None if self.tables.bias is None else self.tables.bias.astype(np.int32)
        shift = None if self.tables.shift is None else self.tables.shift.astype(np.uint8)
        return self.tables.scale.astype(dtype), shift, bias


def encoded(job: Job, stored: Array) -> Array:
    match job.mode:
        case Mode.POINT:
            return encode_points(stored, job.weight_bits)
        case Mode.WINDOW:
            return encode_windows(stored, job.weight_bits)
        case Mode.DEPTHWISE:
            return encode_channels(stored, job.weight_bits)
