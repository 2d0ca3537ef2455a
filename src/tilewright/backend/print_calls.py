"""How a kernel call is started: on one core, on several, piece by piece, on another engine."""

from collections.abc import Iterator

from tilewright.backend.print_lines import wrapped
from tilewright.ir.program import Call


def call_lines(call: Call, symbol: str, items: str, scratch: str | None) -> Iterator[str]:
    """A call of ``symbol`` that returns when all work items are done; ``args`` is its struct.

    scratch  C expression of where the working memory starts; None where there is none
    """
    if call.piece_items:
        given = [symbol, "&args", items, str(call.piece_items), scratch or "0"]
        yield from wrapped("tw_backward(", given, ");")
    elif call.engine.cores > 1:
        yield from wrapped("tw_parallel(", [symbol, "&args", items, *_team(call, scratch)], "});")
    else:
        work = [f"(tw_work){{.stop = {items}", *([f".scratch = {scratch}"] if scratch else [])]
        yield from wrapped(f"{symbol}(", ["&args", *work], "});")


def offload_lines(
    call: Call, job: str, symbol: str, items: str, scratch: str | None
) -> Iterator[str]:
    """Starts the call on an engine that runs beside the core; ``job`` is what is joined later."""
    given = [job, symbol, "&args", "sizeof args", items, str(call.piece_items)]
    yield from wrapped("tw_offload(", [*given, *_team(call, scratch)], "});")


def _team(call: Call, scratch: str | None) -> Iterator[str]:
    """A tw_team without its closing brace, in parts between which a line may end."""
    yield f"(tw_team){{.cores = {call.engine.cores}"
    if scratch:
        yield f".stride = {call.scratch_stride}"
        yield f".scratch = {scratch}"
