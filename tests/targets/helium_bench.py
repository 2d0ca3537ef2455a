"""Runs Helium kernels on an emulated Cortex-M55, many cases per start of the emulator."""

import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import tilewright
from case import Case
from targets.kernel_bench import KernelFault, _compare, _legal_overlaps, struct_members
from targets.kernel_worker import Run
from tilewright.ir.target import Kernel
from tilewright.ir.types import Array

HERE = Path(__file__).parent / "helium_bench"
RUNTIME = Path(tilewright.__path__[0]) / "runtime"
COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
MISSING = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
CPU = ("-mcpu=cortex-m55", "-mfloat-abi=hard", "-mthumb")
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")

GUARD = 32
"""Bytes between operands that no kernel may change."""

GUARD_BYTE = 0x77


@dataclass(frozen=True)
class Call:
    """One way to run a kernel on a case, and where in memory its operands lie.

    scratch  where its working memory starts
    output   (start, stop) of the output
    spare    ranges that the kernel may change besides: scratch, and the input that it overwrites
    """

    kernel: Kernel
    case: Case
    run: Run
    memory: Array
    offsets: tuple[int, ...]
    members: tuple[int, ...]
    scratch: int
    output: tuple[int, int]
    spare: tuple[tuple[int, int], ...]


def calls_of(kernel: Kernel, case: Case, cuts: Sequence[float]) -> Iterable[Call]:
    """Whole, in parts, and in shared memory as far as the kernel promises."""
    items = kernel.items(case.op, case.signature)
    points = sorted({0, items, *(int(cut * items) for cut in cuts)})
    yield _laid_out(kernel, case, Run(((0, items),), fill=0xA5))
    yield _laid_out(kernel, case, Run(tuple(pairwise(points))[::-1], fill=0x5A))
    for run in _legal_overlaps(kernel, case, cuts):
        yield _laid_out(kernel, case, run)


def _laid_out(kernel: Kernel, case: Case, run: Run) -> Call:
    """Operands one after another, with guards between them."""
    op, signature = case.op, case.signature
    constants = tuple(None if i < case.varying else a for i, a in enumerate(case.inputs))
    packed = kernel.pack(op, constants)
    operands = [a if p is None else p for a, p in zip(case.inputs, packed, strict=True)]
    fields = kernel.fields(op, signature)
    declared = struct_members(kernel.header, kernel.struct)
    expected = [*kernel.pointers, *fields]
    if declared != expected:
        raise KernelFault(f"{kernel.struct} declares {declared}, the binding says {expected}")
    blocks: list[bytes] = [bytes([GUARD_BYTE]) * GUARD]
    size = GUARD

    def place(data: bytes) -> int:
        nonlocal size
        start = size
        padded = data + bytes([GUARD_BYTE]) * (GUARD + -len(data) % 4)
        blocks.append(padded)
        size += len(padded)
        return start

    shared, distance = run.shared or (-1, 0)
    offsets = [0 if i == shared else place(a.tobytes()) for i, a in enumerate(operands)]
    spare: list[tuple[int, int]] = []
    length = signature.output.nbytes
    if shared < 0:
        y = place(bytes([run.fill]) * length)
    else:
        before, x = max(0, -distance), operands[shared].tobytes()
        both = bytearray([run.fill]) * (before + max(length, distance + len(x)))
        both[before + distance : before + distance + len(x)] = x
        start = place(bytes(both))
        y = start + before
        offsets[shared] = y + distance
        spare.append((start, start + len(both)))
    offsets.append(y)
    count = kernel.scratch_bytes(op, signature)
    scratch = place(bytes([run.fill]) * count)
    spare.append((scratch, scratch + count))
    memory = np.frombuffer(b"".join(blocks), np.uint8)
    members = tuple(int(value) for value in fields.values())
    return Call(
        kernel, case, run, memory, tuple(offsets), members, scratch, (y, y + length), tuple(spare)
    )  # fmt: skip


class HeliumBench:
    """Firmware with every kernel in it."""

    def __init__(self, kernels: Sequence[Kernel], folder: Path) -> None:
        self.kernels = list(kernels)
        self.folder = folder
        self.image = folder / "bench.elf"
        self._build()

    def _build(self) -> None:
        names = [kernel.symbol for kernel in self.kernels]
        table = self.folder / "table.c"
        declarations = "".join(f"void {name}(const void *args, tw_work work);\n" for name in names)
        table.write_text(
            f'#include "tilewright.h"\nextern tw_kernel *const kernels[];\n{declarations}'
            f"tw_kernel *const kernels[] = {{{', '.join(names)}}};\n"
        )
        sources = [HERE / "bench.c", table, *dict.fromkeys(k.source for k in self.kernels)]
        folders = sorted({path.parent for k in self.kernels for path in k.includes})
        includes = [f"-I{folder}" for folder in (RUNTIME, *folders)]
        command = [
            COMPILER, *CPU, *WARNINGS, "-O2", "-nostartfiles", "-Wl,--gc-sections",
            "-T", HERE / "bench.ld", *includes, *sources, "-o", self.image,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KernelFault(done.stderr)

    def check(self, calls: Sequence[Call]) -> None:
        """Raise KernelFault for the first call whose output, or whose guards, are wrong."""
        requests = b"".join(map(self._request, calls))
        (self.folder / "requests.bin").write_bytes(requests)
        command = [
            EMULATOR, "-machine", "mps3-an547", "-display", "none", "-monitor", "none",
            "-serial", "none", "-semihosting-config", "enable=on,target=native",
            "-kernel", self.image,
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise KernelFault(f"the emulated program ended with {done.returncode}: {done.stderr}")
        answers = np.frombuffer((self.folder / "answers.bin").read_bytes(), np.uint8)
        start = 0
        for call in calls:
            self._judge(call, answers[start : start + call.memory.size])
            start += call.memory.size
        assert start == answers.size

    def _request(self, call: Call) -> bytes:
        index = self.kernels.index(call.kernel)
        spans = [bound for span in call.run.spans for bound in span]
        head = (index, len(call.offsets), len(call.members), len(call.run.spans))
        words = struct.pack(
            f"<6I{len(call.offsets)}I", *head, call.memory.size, call.scratch, *call.offsets
        )
        rest = (*call.members, *spans)
        return words + struct.pack(f"<{len(rest)}i", *rest) + call.memory.tobytes()

    def _judge(self, call: Call, after: Array) -> None:
        start, stop = call.output
        output = call.case.signature.output
        made = np.frombuffer(after[start:stop].tobytes(), output.dtype.numpy)
        expected = call.case.op.evaluate(*call.case.inputs)
        _compare(call.kernel, call.case, call.run, made.reshape(output.shape), expected)
        kept = np.ones(after.size, bool)
        for first, last in (call.output, *call.spare):
            kept[first:last] = False
        changed = np.flatnonzero(kept & (after != call.memory))
        if changed.size:
            raise KernelFault(
                f"{call.kernel.symbol} wrote to byte {changed[0]}, its output is {call.output}, in "
                f"{call.run}\n  {call.case}"
            )
