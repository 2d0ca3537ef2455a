"""The process in which kernels run: operands are exact-size heap blocks under AddressSanitizer.

It is a process of its own because the sanitizer must be loaded before Python, and because a kernel
that reads out of bounds ends it. Speaks pickled ``Request`` → bytes over stdin and stdout.
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


class Span(ctypes.Structure):
    """tw_span."""

    _fields_ = (("start", ctypes.c_int32), ("stop", ctypes.c_int32))


@dataclass(frozen=True)
class Request:
    """One kernel call on fresh operands.

    scratch  bytes of working memory; None where the argument struct has no such member
    spans    ranges of work items, run one after another
    shared   (input, distance): this input starts ``distance`` bytes after the output, in one block
    fill     the byte that output and scratch hold before the call
    """

    library: str
    symbol: str
    inputs: tuple[bytes, ...]
    output_bytes: int
    scratch: int | None
    fields: tuple[int | float, ...]
    spans: tuple[tuple[int, int], ...]
    shared: tuple[int, int] | None
    fill: int


@lru_cache
def load(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


def argument_struct(pointers: int, fields: tuple[int | float, ...]) -> type[ctypes.Structure]:
    """Pointers first, then the fields in their order."""
    kinds = [ctypes.c_float if isinstance(f, float) else ctypes.c_int32 for f in fields]
    members = [(f"p{i}", ctypes.c_void_p) for i in range(pointers)]
    members += [(f"f{i}", kind) for i, kind in enumerate(kinds)]
    return type("Arguments", (ctypes.Structure,), {"_fields_": members})


def run(request: Request) -> bytes:
    """Output bytes after the call."""
    blocks: list[int] = []

    def block(size: int, fill: int) -> int:
        blocks.append(libc.malloc(size))
        ctypes.memset(blocks[-1], fill, size)
        return blocks[-1]

    shared_input, distance = request.shared or (-1, 0)
    inputs: list[int] = []
    if request.shared is None:
        output = block(request.output_bytes, request.fill)
    else:
        before = max(0, -distance)
        size = max(
            before + request.output_bytes, before + distance + len(request.inputs[shared_input])
        )
        output = block(size, request.fill) + before
    for index, data in enumerate(request.inputs):
        address = output + distance if index == shared_input else block(len(data), 0)
        ctypes.memmove(address, data, len(data))
        inputs.append(address)

    pointers = [*inputs, output]
    if request.scratch is not None:
        pointers.append(block(request.scratch, request.fill))
    arguments = argument_struct(len(pointers), request.fields)(*pointers, *request.fields)
    kernel = getattr(load(request.library), request.symbol)
    kernel.argtypes = (ctypes.c_void_p, Span)
    kernel.restype = None
    for span in request.spans:
        kernel(ctypes.addressof(arguments), Span(*span))
    result = ctypes.string_at(output, request.output_bytes)
    for address in blocks:
        libc.free(address)
    return result


def main() -> None:
    """Serve until stdin closes."""
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(run(request), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
