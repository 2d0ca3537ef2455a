"""Compiles kernels twice (sanitizers; -O3 for this machine) and runs them on drawn cases.

``KernelBench.check(kernel, case, cuts)`` holds a kernel to its three promises: the operator's
definition, any split of its work items, and sharing memory as far as the kernel promises.
"""

import hashlib
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from math import prod
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import tilewright
from case import Case
from targets.kernel_worker import Request, Run, Spans
from tilewright.ir.op import Along, Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import Array, DType, Span
from tilewright.ops.elementwise import Add, Clip, Mul
from tilewright.ops.layout import Concat, Pad, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.quantise import Dequantize

RUNTIME = Path(tilewright.__path__[0]) / "runtime"
THREADS = Path(tilewright.__path__[0]) / "targets/host/runtime"
WARNINGS = ("-std=c11", "-fPIC", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
OPTIMISED = ("-O3", "-march=native")

CASES_PER_ROUND = 8
"""Few, because the cases of one round often repeat each other's draws."""

EXACT_IN_FLOAT = (Add, Mul, Clip, Transpose, Concat, Pad, MaxPool2d, Dequantize)
"""Operators with at most one float32 operation per element: nothing to round differently."""


class KernelFault(AssertionError):
    """A kernel broke a promise, or the process that ran it ended."""


class KernelBench:
    """Compiled kernels and the process that runs them."""

    def __init__(self, kernels: Sequence[Kernel], cache: Path) -> None:
        self.kernels = tuple(kernels)
        self.libraries = self._built(cache)
        self._log = TemporaryFile()  # noqa: SIM115 -- lives as long as the bench
        self._process: subprocess.Popen[bytes] | None = None
        self._drawn: dict[tuple[st.SearchStrategy[Case], range], Counter[str]] = {}

    preload = "libasan.so"
    """The sanitizer that the kernels' process starts with."""

    def _built(self, cache: Path) -> list[Path]:
        return [_compile(self.kernels, flags, cache) for flags in (SANITIZED, OPTIMISED)]

    def _runs(self, kernel: Kernel, case: Case, cuts: Sequence[float]) -> list[Run]:
        """Whole, in parts with the last ones first, and in shared memory as it promises."""
        items = kernel.items(case.op, case.signature)
        points = sorted({0, items, *(int(cut * items) for cut in cuts)})
        return [
            Run(((0, items),), fill=0xA5),
            Run(tuple(pairwise(points))[::-1], fill=0x5A),
            *_legal_overlaps(kernel, case, cuts),
        ]

    def check_drawn(self, cases: st.SearchStrategy[Case], rounds: range) -> Counter[str]:
        """Draw cases and check every kernel that takes them; how often each kernel ran.

        rounds  their seeds
        The same cases are checked once, whoever asks for the counts.
        """
        if (cases, rounds) not in self._drawn:
            self._drawn[cases, rounds] = self._run_drawn(cases, rounds)
        return self._drawn[cases, rounds]

    def _run_drawn(self, cases: st.SearchStrategy[Case], rounds: range) -> Counter[str]:
        runs: Counter[str] = Counter()

        def check(case: Case, cuts: list[float]) -> None:
            for kernel in self.kernels:
                if kernel.objection(case.op, case.signature) is None:
                    runs[kernel.symbol] += 1
                    self.check(kernel, case, cuts)

        relaxed = settings(
            deadline=None, max_examples=CASES_PER_ROUND, database=None,
            report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        for number in rounds:
            drawn = given(case=cases, cuts=st.lists(st.floats(0, 1), max_size=3))
            seed(number)(relaxed(drawn(check)))()
        return runs

    def check(self, kernel: Kernel, case: Case, cuts: Sequence[float] = ()) -> None:
        """Raise KernelFault where the kernel breaks a promise on this case.

        cuts  fractions of its items where to split the work; also how much further than needed
              an input starts after the output
        """
        assert kernel.objection(case.op, case.signature) is None
        expected = case.op.evaluate(*case.inputs)
        runs = self._runs(kernel, case, cuts)
        for library in self.libraries:
            for run, made in zip(runs, self.outputs(library, kernel, case, runs), strict=True):
                _compare(kernel, case, run, made, expected)

    def outputs(
        self, library: Path, kernel: Kernel, case: Case, runs: Sequence[Run]
    ) -> list[Array]:
        """The kernel's output from each run. Raises KernelFault if the process ends."""
        op, signature = case.op, case.signature
        constants = tuple(None if i < case.varying else a for i, a in enumerate(case.inputs))
        packed = kernel.pack(op, constants)
        operands = [a if p is None else p for a, p in zip(case.inputs, packed, strict=True)]
        fields = kernel.fields(op, signature)
        members = [*kernel.pointers, *fields]
        declared = struct_members(kernel.header, kernel.struct)
        if declared != members:
            raise KernelFault(f"{kernel.struct} declares {declared}, the binding says {members}")
        request = Request(
            library=str(library), symbol=kernel.symbol,
            inputs=tuple(np.ascontiguousarray(a).tobytes() for a in operands),
            output_bytes=signature.output.nbytes,
            scratch=kernel.scratch_bytes(op, signature), items=kernel.items(op, signature),
            fields=tuple(fields.values()), runs=tuple(runs),
        )  # fmt: skip
        try:
            answers = self._ask(request)
        except EOFError:
            raise KernelFault(f"{kernel.symbol}, {case}\n{self._last_words()}") from None
        dtype, shape = signature.output.dtype.numpy, signature.output.shape
        return [np.frombuffer(data, dtype).reshape(shape) for data in answers]

    def close(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        self._log.close()

    def _ask(self, request: Request) -> list[bytes]:
        if self._process is None:
            self._log.seek(0)
            self._log.truncate()
            self._process = _start_worker(self._log, self.preload)
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise EOFError from None
        return pickle.load(self._process.stdout)

    def _last_words(self) -> str:
        self._process.wait()
        self._process = None
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[:4000]


def _start_worker(log, preload: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "LD_PRELOAD": _gcc(f"-print-file-name={preload}").strip(),
        # Python itself never frees everything; kernels allocate nothing.
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "targets.kernel_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
    )  # fmt: skip


def _gcc(*arguments: str) -> str:
    done = subprocess.run(["gcc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise KernelFault(f"gcc {' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def _compile(kernels: Sequence[Kernel], flags: tuple[str, ...], cache: Path, *beside: Path) -> Path:
    """One shared library; objects are kept by the digest of everything that they depend on."""
    objects: list[Path] = []
    folders = {k.source: sorted({p.parent for p in (k.source, *k.includes)}) for k in kernels}
    folders |= {source: [source.parent, THREADS] for source in beside}
    for source in sorted(folders):
        headers = [path for folder in (*folders[source], RUNTIME) for path in folder.glob("*.h")]
        texts = [*sorted(headers), source]
        digest = hashlib.sha256(b"".join(t.read_bytes() for t in texts) + repr(flags).encode())
        made = cache / f"{source.stem}-{digest.hexdigest()[:16]}.o"
        if not made.exists():
            partial = made.with_suffix(f".{os.getpid()}")
            includes = [f"-I{folder}" for folder in (RUNTIME, *folders[source])]
            _gcc(*WARNINGS, *flags, *includes, "-c", str(source), "-o", str(partial))
            partial.rename(made)
        objects.append(made)
    digest = hashlib.sha256("".join(o.name for o in objects).encode()).hexdigest()[:16]
    library = cache / f"kernels-{digest}.so"
    if not library.exists():
        partial = library.with_suffix(f".{os.getpid()}")
        _gcc(*flags, "-shared", *map(str, objects), "-lm", "-o", str(partial))
        partial.rename(library)
    return library


@cache
def struct_members(header: Path, struct: str) -> list[str]:
    """Names of an argument struct's members, as its header declares them."""
    text = re.sub(r"//[^\n]*", "", header.read_text())
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, flags=re.DOTALL):
        if name == struct:
            declarations = [d for d in body.split(";") if d.strip()]
            names = [part for d in declarations for part in d.split(",")]
            return [re.findall(r"\w+", name)[-1] for name in names]
    raise KernelFault(f"{header.name} declares no struct {struct}")


def _legal_overlaps(kernel: Kernel, case: Case, cuts: Sequence[float]) -> Iterator[Run]:
    """Runs in shared memory that the kernel allows: in one place, forward, and last items first.

    cuts  from 0.0, as close as can be, to 1.0, where input and output no longer touch
    """
    op, signature = case.op, case.signature
    items = kernel.items(op, signature)
    replaced = kernel.replaces
    if replaced is not None and signature.inputs[replaced].nbytes == signature.output.nbytes:
        for calls in (((0, items),), tuple((i, i + 1) for i in reversed(range(items)))):
            yield Run(calls, (replaced, 0))
    if kernel.streaming is None:
        return
    out_bytes = signature.output.nbytes
    for index in (i for i in kernel.streaming.inputs if i < case.varying):
        x = signature.inputs[index]
        align = max(x.dtype.nbytes, signature.output.dtype.nbytes)
        reads = bytes_read(op, signature, index, kernel.streaming.block_axes)
        smallest = forward_distance(reads, x.nbytes, out_bytes)
        for gap in (0.0, *cuts[:1]):
            distance = smallest + int(gap * (out_bytes - smallest))
            yield Run(((0, items),), (index, -(-distance // align) * align))
        if items != len(reads):
            continue
        for piece in {1, *(max(int(cut * items), 1) for cut in cuts[:1])}:
            starts = range(0, items, piece)
            calls = tuple((start, min(start + piece, items)) for start in starts)[::-1]
            distance = backward_distance(reads, out_bytes, calls)
            yield Run(calls, (index, distance // align * align))


def bytes_read(op: Op, signature: Signature, index: int, block_axes: int) -> list[Span | None]:
    """Which bytes of an input each block of the output reads, first to last; None for none.

    A block is the last ``block_axes`` dimensions of the output. By definition: first and last byte
    are sums over the dimensions, each of which depends on one index of the block at most.
    """
    x, y = signature.inputs[index], signature.output
    access = op.reads(*signature.inputs)[index]
    outer = y.shape[: len(y.shape) - block_axes]
    first = np.zeros(outer, np.int64)
    last = np.full(outer, x.dtype.nbytes, np.int64)
    is_empty = np.zeros(outer, np.bool_)
    for d, (a, n) in enumerate(zip(access, x.shape, strict=True)):
        axes = np.ones(len(outer), int)
        if isinstance(a, Along) and a.axis < len(outer):
            spans = [a.span(Span(i, 1), n) for i in range(outer[a.axis])]
            axes[a.axis] = len(spans)
        else:
            spans = [a.span(Span(0, y.shape[a.axis]), n) if isinstance(a, Along) else Span(0, n)]
        stride = x.dtype.nbytes * prod(x.shape[d + 1 :])
        first += np.reshape([span.start for span in spans], axes) * stride
        last += np.reshape([span.stop - 1 for span in spans], axes) * stride
        is_empty |= np.reshape([span.size == 0 for span in spans], axes)
    blocks = zip(first.flat, last.flat, is_empty.flat, strict=True)
    return [None if empty else Span(int(f), int(t - f)) for f, t, empty in blocks]


def forward_distance(reads: Sequence[Span | None], in_bytes: int, out_bytes: int) -> int:
    """The smallest distance from output start to input start, blocks running first to last.

    When blocks 0..q are written, they end at or before the first byte that a later block reads.
    """
    block_bytes = out_bytes // len(reads)
    distance = -in_bytes
    needed: int | None = None
    for q in reversed(range(1, len(reads))):
        read = reads[q]
        if read is not None:
            needed = read.start if needed is None else min(needed, read.start)
        if needed is not None:
            distance = max(distance, q * block_bytes - needed)
    return distance


def backward_distance(reads: Sequence[Span | None], out_bytes: int, calls: Spans) -> int:
    """The largest distance from output start to input start, with the last calls first.

    What a call writes starts at or after the last byte that it, or a call after it, reads.
    """
    block_bytes = out_bytes // len(reads)
    distance = out_bytes
    ends = list(accumulate((read.stop if read else 0 for read in reads), max))
    for start, stop in calls:
        if ends[stop - 1]:
            distance = min(distance, start * block_bytes - ends[stop - 1])
    return distance


def _compare(kernel: Kernel, case: Case, run: Run, ours: Array, expected: Array) -> None:
    is_real = DType(expected.dtype.name).is_float
    if is_real and not isinstance(case.op, EXACT_IN_FLOAT):
        wrong = ~np.isclose(ours, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    elif is_real:
        wrong = (ours != expected) & ~(np.isnan(ours) & np.isnan(expected))
    else:
        wrong = ours != expected
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise KernelFault(
            f"{kernel.symbol} differs from the definition in {run}\n"
            f"  at {first} it makes {ours[first]}, not {expected[first]}; "
            f"{int(wrong.sum())} of {wrong.size} elements differ\n  {case}"
        )
