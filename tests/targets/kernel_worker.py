"""The process in which kernels run: operands are exact-size heap blocks under AddressSanitizer.

It is a process of its own because the sanitizer must be loaded before Python, and because a kernel
that reads out of bounds ends it. Speaks pickled ``Request`` → outputs over stdin and stdout.
"""

import ctypes
import pickle
import sys
from dataclasses import dataclass
from functools import lru_cache

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = (ctypes.c_size_t,)
libc.free.argtypes = (ctypes.c_void_p,)
libc.free.restype = None


class Team(ctypes.Structure):
    """tw_team."""

    _fields_ = (
        ("cores", ctypes.c_int32), ("stride", ctypes.c_int32), ("scratch", ctypes.c_void_p),
    )  # fmt: skip


class Work(ctypes.Structure):
    """tw_work."""

    _fields_ = (
        ("start", ctypes.c_int32), ("stop", ctypes.c_int32), ("core", ctypes.c_int32),
        ("scratch", ctypes.c_void_p),
    )  # fmt: skip


Spans = tuple[tuple[int, int], ...]
"""Ranges of work items, one kernel call each, in the order of the calls."""


@dataclass(frozen=True)
class Run:
    """One way to compute a kernel's output, on fresh operands.

    shared  (input, distance): this input starts ``distance`` bytes after the output, in one block
    fill    the byte that output and scratch hold before
    cores   above 0: one call, shared by so many threads at once; ``spans`` then says nothing
    """

    spans: Spans
    shared: tuple[int, int] | None = None
    fill: int = 0
    cores: int = 0


@dataclass(frozen=True)
class Request:
    """A kernel and its arguments.

    scratch  bytes of working memory of one core
    items    all of its work items
    """

    library: str
    symbol: str
    inputs: tuple[bytes, ...]
    output_bytes: int
    scratch: int
    items: int
    fields: tuple[int | float, ...]
    runs: tuple[Run, ...]


@lru_cache
def load(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


def argument_struct(pointers: int, fields: tuple[int | float, ...]) -> type[ctypes.Structure]:
    """Pointers first, then the fields in their order."""
    kinds = [ctypes.c_float if isinstance(f, float) else ctypes.c_int32 for f in fields]
    members = [(f"p{i}", ctypes.c_void_p) for i in range(pointers)]
    members += [(f"f{i}", kind) for i, kind in enumerate(kinds)]
    return type("Arguments", (ctypes.Structure,), {"_fields_": members})


class Heap:
    """Blocks of exactly the bytes asked for, each between the sanitizer's red zones."""

    def __init__(self) -> None:
        self.blocks: list[int] = []

    def block(self, size: int, fill: int) -> int:
        self.blocks.append(libc.malloc(size))
        ctypes.memset(self.blocks[-1], fill, size)
        return self.blocks[-1]

    def output(self, request: Request, run: Run) -> int:
        """Address of the output, in a block that holds the input that shares it too."""
        if run.shared is None:
            return self.block(request.output_bytes, run.fill)
        index, distance = run.shared
        before = max(0, -distance)
        end = max(request.output_bytes, distance + len(request.inputs[index]))
        return self.block(before + end, run.fill) + before

    def free(self) -> None:
        for address in self.blocks:
            libc.free(address)


def execute(request: Request, run: Run) -> bytes:
    """Output bytes after the calls."""
    heap = Heap()
    output = heap.output(request, run)
    shared_input, distance = run.shared or (-1, 0)
    pointers: list[int] = []
    for index, data in enumerate(request.inputs):
        is_shared = index == shared_input
        address = output + distance if is_shared else heap.block(len(data), 0)
        ctypes.memmove(address, data, len(data))
        pointers.append(address)
    pointers.append(output)
    stride = -(-request.scratch // 4) * 4
    scratch = heap.block(run.cores * stride or request.scratch, run.fill)
    arguments = argument_struct(len(pointers), request.fields)(*pointers, *request.fields)
    kernel = getattr(load(request.library), request.symbol)
    kernel.argtypes = (ctypes.c_void_p, Work)
    kernel.restype = None
    if run.cores:
        share = load(request.library).bench_parallel
        share.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, Team)
        team = Team(run.cores, stride, scratch if request.scratch else None)
        share(kernel, ctypes.addressof(arguments), request.items, team)
    for start, stop in () if run.cores else run.spans:
        kernel(ctypes.addressof(arguments), Work(start, stop, 0, scratch))
    result = ctypes.string_at(output, request.output_bytes)
    heap.free()
    return result


def main() -> None:
    """Serve until stdin closes."""
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump([execute(request, run) for run in request.runs], sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
