"""Many cases: drawn, examined, some of them run as C; what is found is made small and written."""

import logging
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tilewright.errors import MismatchError, ToolError
from tilewright.fuzz.agreement import disagreement
from tilewright.fuzz.cases import Case, Finding, Refused, drawn_case
from tilewright.fuzz.examine import Examined, examine, finding
from tilewright.fuzz.report import FuzzReport
from tilewright.fuzz.reproducer import write_reproducer
from tilewright.fuzz.shrink import shrunken
from tilewright.ir.target import Target
from tilewright.run.host import HostOptions
from tilewright.run.many import Built, Ran, run_many
from tilewright.run.runners import run_bundle

logger = logging.getLogger(__name__)

BATCH = 100
"""Networks of one program."""

BOARD_SHARE = 200
"""One in so many cases of a target with a board or a simulated chip is run there: each is a program
of its own, which takes about a second."""


@dataclass(frozen=True, slots=True)
class FuzzSettings:
    """How much is done with what is drawn.

    first    number of the first case; a case is the same whatever was drawn before it
    in_c     one in so many cases for the host is run as C under sanitizers; 1: all of them
    seconds  no case begins after so long; None: all are looked at
    folder   where reproducers go; it is made when there is one
    """

    first: int = 0
    in_c: int = 8
    seconds: float | None = None
    folder: Path = Path("fuzz-findings")


@dataclass(frozen=True, slots=True)
class Fuzzing:
    """What is drawn, and for what.

    targets  of which each case takes one
    """

    cases: int
    seed: int
    targets: tuple[Target, ...]
    how: FuzzSettings


@dataclass(slots=True)
class _Tally:
    counts: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    waiting: list[Examined] = field(default_factory=list[Examined])


def fuzz(settings: Fuzzing) -> FuzzReport:
    """Look at every case; where somebody interrupts it, the report is of those before. Raises
    ToolError without a C compiler."""
    tally = _Tally()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        try:
            _look_at_all(Path(folder), settings, tally)
        except KeyboardInterrupt:
            go_on = settings.how.first + tally.counts["cases"]
            logger.warning("interrupted; --first %d --seed %d goes on", go_on, settings.seed)
        _run_waiting(settings, tally)
        found = [_small(f, settings, Path(folder)) for f in tally.findings]
    return FuzzReport(
        tally.counts["cases"], tally.counts["nodes"], tuple(found), dict(tally.counts),
        tuple(tally.reasons.most_common(10)),
    )  # fmt: skip


def _look_at_all(folder: Path, settings: Fuzzing, tally: _Tally) -> None:
    start, how = time.monotonic(), settings.how
    for number in range(how.first, how.first + settings.cases):
        if how.seconds is not None and time.monotonic() - start > how.seconds:
            break
        case = drawn_case(number, settings.seed, settings.targets)
        _look(case, folder, settings, tally)
        tally.counts["cases"] += 1
        tally.counts["nodes"] += case.drawn.operators
        tally.counts["judged"] += case.judged
        if tally.counts["cases"] % 1000 == 0:
            logger.info("%d cases, %d findings", tally.counts["cases"], len(tally.findings))


def _look(case: Case, folder: Path, settings: Fuzzing, tally: _Tally) -> None:
    match examine(case, folder):
        case Refused(reason):
            tally.counts["refused"] += 1
            tally.reasons[_kind_of(reason, case)] += 1
        case Finding() as found:
            tally.findings.append(found)
        case Examined() as examined:
            if case.target.name == "host" and case.number % settings.how.in_c == 0:
                tally.waiting.append(examined)
            elif case.target.name != "host" and case.number % BOARD_SHARE == 0:
                tally.counts["boards"] += 1
                if (found := _on_board(examined)) is not None:
                    tally.findings.append(found)
    if len(tally.waiting) >= BATCH:
        _run_waiting(settings, tally)


def _kind_of(reason: str, case: Case) -> str:
    """A refusal without the names of this case, so that equal ones can be counted."""
    text = reason.partition("\n")[0].replace(case.name, "it")
    return text if len(text) <= 120 else f"{text[:117]}..."


def _run_waiting(settings: Fuzzing, tally: _Tally) -> None:
    tally.counts["in C"] += len(tally.waiting)
    tally.findings += in_c(tally.waiting)
    tally.waiting.clear()


def in_c(examined: Sequence[Examined]) -> list[Finding]:
    """What is wrong with the C of cases for the host, under sanitizers."""
    if not examined:
        return []
    built = [_built(one) for one in examined]
    ran = run_many(built, examined[0].case.target)
    found = (_in_c(one, made) for one, made in zip(examined, ran, strict=True))
    return [finding for finding in found if finding is not None]


def _built(one: Examined) -> Built:
    program, arrays = one.compilation.program, one.batch.arrays
    inputs = tuple(
        tuple(arrays[operand.value.name][index, ...] for operand in program.inputs)
        for index in range(one.batch.inferences)
    )
    return Built(program, one.compilation.bundle, inputs)


def _in_c(one: Examined, made: Ran) -> Finding | None:
    sizes = _sizes(one)
    if isinstance(made, str):
        return finding(one.case, "C", made, sizes)
    graph = one.compilation.graph
    kept = {state.after for state in graph.states}
    at = [i for i, name in enumerate(graph.outputs) if name not in kept]
    wanted = [[run[i] for i in at] for run in one.expected]
    shown = replace(graph, outputs=tuple(graph.outputs[i] for i in at))
    inputs = [one.batch.one(index) for index in range(one.batch.inferences)]
    text = disagreement(shown, inputs, wanted, made)
    return finding(one.case, "C", text, sizes) if text else None


def _sizes(one: Examined) -> dict[str, int]:
    memories = one.compilation.target.memories
    named = {m.name: m.size + m.reserved for m in memories if m.size is not None}
    return {name: size for name, size in named.items() if name in one.case.memory}


def _on_board(one: Examined) -> Finding | None:
    """On the emulated board or the simulated chip; nothing where its tools are missing."""
    made = one.compilation
    options = HostOptions(repeat=1)
    try:
        result = run_bundle(made.bundle, made.program, made.target.toolchain, one.batch, options)
    except ToolError:
        return None
    except MismatchError as error:
        return finding(one.case, "board", " ".join(str(error).split())[:300], _sizes(one))
    outputs = [operand.value.name for operand in made.program.outputs]
    ran = tuple(
        tuple(result.outputs[name][index] for name in outputs)
        for index in range(one.batch.inferences)
    )
    found = _in_c(one, ran)
    return None if found is None else replace(found, kind="board")


def _small(found: Finding, settings: Fuzzing, folder: Path) -> Finding:
    """The finding in the smallest model that shows it, which is written."""
    case = drawn_case(found.case, found.seed, settings.targets)

    def again(smaller: Case) -> Finding | None:
        seen = examine(smaller, folder)
        if isinstance(seen, Examined) and found.kind == "C":
            return next(iter(in_c([seen])), None)
        if isinstance(seen, Examined) and found.kind == "board":
            return _on_board(seen)
        return seen if isinstance(seen, Finding) else None

    small, seen = shrunken(case, found, again)
    return write_reproducer(small, seen, settings.how.folder)
