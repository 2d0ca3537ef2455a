"""One case: compiled, evaluated by definition, interpreted on the planned bytes, judged."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tilewright.errors import CapacityError, CompileError, ToolError
from tilewright.fuzz.agreement import disagreement
from tilewright.fuzz.cases import Case, Finding, Refused
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.inputs import Batch, random_batch
from tilewright.run.judged import judge_network
from tilewright.run.sequences import evaluate_in_turn, interpret_in_turn, with_states
from tilewright.run.subject import Subject

INFERENCES = 2


@dataclass(frozen=True, slots=True)
class Examined:
    """A case whose definitions and plan agree: what its C must compute.

    expected  [inferences][outputs]
    """

    case: Case
    compilation: Compilation
    batch: Batch
    expected: tuple[tuple[Array, ...], ...]


def examine(case: Case, folder: Path) -> Examined | Finding | Refused:
    """Everything about a case that takes no C. Writes its model to ``folder``."""
    path = folder / f"{case.name}.onnx"
    path.write_bytes(case.drawn.model.SerializeToString())
    try:
        made, sizes = _compiled(case, path)
        return _compared(case, path, made, sizes)
    except CompileError as error:
        return Refused(str(error))
    except Exception as error:
        return finding(case, "crash", _said(error))
    finally:
        path.unlink(missing_ok=True)


def finding(case: Case, kind: str, detail: str, memory: Mapping[str, int] | None = None) -> Finding:
    """Something is wrong with this case."""
    return Finding(case.number, case.seed, kind, case.target.name, detail, dict(memory or {}))


def _said(error: Exception) -> str:
    """The error, and the line of the compiler that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(last.filename).name}, {last.name})"


def _compiled(case: Case, path: Path) -> tuple[Compilation, dict[str, int]]:
    """With the memory that the case leaves it, or as much as there is where that is too little."""
    options = Options(effort="quick", states=case.drawn.states, name=case.name)
    made = compile_model(path, case.target, options)
    arenas = made.program.arena_bytes
    sizes = {m: int(share * arenas[m]) for m, share in case.memory.items() if arenas.get(m)}
    reserved = {memory.name: memory.reserved for memory in case.target.memories}
    sizes = {name: size + reserved[name] for name, size in sizes.items()}
    if not sizes:
        return made, {}
    try:
        return compile_model(path, case.target, replace(options, memory=sizes)), sizes
    except CapacityError:
        return made, {}


def _compared(
    case: Case, path: Path, made: Compilation, sizes: dict[str, int]
) -> Examined | Finding:
    batch = random_batch(made.graph, INFERENCES, case.number)
    inputs = [batch.one(index) for index in range(batch.inferences)]
    with np.errstate(all="ignore"):
        whole = evaluate_in_turn(made.lowered, batch)
        optimised = evaluate_in_turn(made.graph, batch)
        planned = [run.outputs for run in interpret_in_turn(made.program, made.graph, batch)]
        said = _picked(whole, made.lowered.outputs)
        wanted = _picked(optimised, made.graph.outputs)
        if text := disagreement(made.lowered, inputs, said, wanted):
            return finding(case, "rewrites", text, sizes)
        had = _picked(planned, made.graph.outputs)
        if text := disagreement(made.graph, inputs, wanted, had):
            return finding(case, "plan", text, sizes)
        if case.judged and (text := _judged(path, made, batch, whole)):
            return finding(case, "third party", text, sizes)
    return Examined(case, made, batch, tuple(map(tuple, had)))


def _picked(
    runs: list[dict[ValueName, Array]] | list[Mapping[ValueName, Array]],
    names: tuple[ValueName, ...],
) -> list[list[Array]]:
    return [[values[name] for name in names] for values in runs]


def _judged(
    path: Path, made: Compilation, batch: Batch, whole: list[dict[ValueName, Array]]
) -> str:
    """What ONNX Runtime says of each layer on equal inputs; empty where nothing is wrong, and where
    it does not take the model."""
    subject = Subject(
        path, made.lowered, made.graph, made.program, made.bundle, made.target.toolchain
    )
    try:
        judged = judge_network(subject, with_states(made.lowered, batch, whole), whole)
    except ToolError:
        return ""
    for comparison in judged.comparisons:
        first = comparison.first
        if first is not None and comparison.what.startswith("each layer"):
            return (
                f"{first.node}: {first.tensor} at {list(first.index)} is {first.left:.8g}, ONNX "
                f"Runtime has {first.right:.8g} ({comparison.promise})"
            )
    return ""
