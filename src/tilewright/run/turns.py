"""Calls of a network's entries in turn: by the definitions, on the plans' arenas, and as C.

States go on from turn to turn, whichever entry changes them.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import ArrayNames, c_names
from tilewright.errors import MismatchError, OptionError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.program import Program
from tilewright.ir.types import Array
from tilewright.run.compiler import BASE_FLAGS, SANITIZE_FLAGS, build, find_compiler
from tilewright.run.interpret import interpret
from tilewright.run.subject import evaluate
from tilewright.run.turns_glue import print_turns_glue

Arguments = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """One call: an entry with its arguments and inputs, by name; without an entry: a reset."""

    entry: str | None
    inputs: Mapping[str, Array] = field(default_factory=dict[str, Array])
    arguments: Arguments = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Callee:
    """One entry of a compiled network.

    source   as the network has it: the definition
    graph    as it is computed
    program  for all values of its arguments
    at       values → (source, graph, program) for them
    """

    source: Graph
    graph: Graph
    program: Program
    at: Callable[[Arguments], tuple[Graph, Graph, Program]]


Callees = Mapping[str, Callee]
Results = list[dict[str, Array]]
"""Per turn that is no reset, the entry's outputs by the source's names; bounded ones as short as
the arguments say."""


def check_turns(callees: Callees, turns: Sequence[Turn]) -> None:
    """Raises OptionError where a turn names what is not there, or goes beyond a range."""
    for number, turn in enumerate(turns):
        if turn.entry is None:
            continue
        where = f"turn {number}"
        if turn.entry not in callees:
            raise OptionError(f"{where}: no entry {turn.entry}; there are {', '.join(callees)}")
        callee = callees[turn.entry]
        _check_arguments(f"{where}, {turn.entry}", callee.program, turn.arguments)
        missing = [name for name in callee.source.given if name not in turn.inputs]
        if missing:
            raise OptionError(f"{where}, {turn.entry}: no array for {', '.join(missing)}")


def _check_arguments(where: str, program: Program, given: Arguments) -> None:
    known = {argument.name: argument for argument in program.arguments}
    if given.keys() != known.keys():
        raise OptionError(
            f"{where}: arguments {', '.join(given) or 'none'} are given, it takes "
            f"{', '.join(known) or 'none'}"
        )
    for name, value in given.items():
        if not 1 <= value <= known[name].most:
            raise OptionError(f"{where}: {name} is {value}, it must be 1 .. {known[name].most}")
    for number, least, most in program.ranges:
        if not least <= number.at(given) <= most:
            raise OptionError(
                f"{where}: {number} is {number.at(given)}, it must be {least} .. {most}"
            )


def evaluate_turns(callees: Callees, turns: Sequence[Turn]) -> Results:
    """By the operators' definitions."""

    def run(callee: Callee, turn: Turn, states: dict[ValueName, Array]) -> dict[ValueName, Array]:
        graph, _, _ = callee.at(turn.arguments)
        return evaluate(graph, _given(graph, turn) | states)

    return _in_turn(callees, turns, run, lambda callee: callee.source)


def interpret_turns(callees: Callees, turns: Sequence[Turn]) -> Results:
    """On the arenas that the plans describe."""

    def run(callee: Callee, turn: Turn, states: dict[ValueName, Array]) -> dict[ValueName, Array]:
        _, graph, program = callee.at(turn.arguments)
        found = interpret(program, graph, _given(graph, turn) | states)
        return dict(found.outputs)

    return _in_turn(callees, turns, run, lambda callee: callee.graph)


def _given(graph: Graph, turn: Turn) -> dict[ValueName, Array]:
    return {name: turn.inputs[name] for name in graph.given}


Run = Callable[[Callee, Turn, dict[ValueName, Array]], dict[ValueName, Array]]


def _in_turn(
    callees: Callees, turns: Sequence[Turn], run: Run, graph_of: Callable[[Callee], Graph]
) -> Results:
    check_turns(callees, turns)
    graphs = {entry: graph_of(callee) for entry, callee in callees.items()}
    first = next(iter(graphs.values()))
    initial = {state.name: first.initial(state) for state in first.states}
    states, found = dict(initial), Results()
    for turn in turns:
        if turn.entry is None:
            states = dict(initial)
            continue
        graph, callee = graphs[turn.entry], callees[turn.entry]
        values = run(callee, turn, {s.before: states[s.name] for s in graph.states})
        states = {state.name: values[state.after] for state in graph.states}
        names = zip(callee.source.results, graph.results, strict=True)
        found.append({source: values[name] for source, name in names})
    return found


def run_turns(
    bundle: Bundle, callees: Callees, turns: Sequence[Turn], runs: int = 2, *,
    sanitizes: bool = True,
) -> Results:  # fmt: skip
    """As C on this machine, ``runs`` times in one process, each after a reset.

    Raises ToolError without a C compiler, MismatchError where the program fails or two runs differ.
    """
    check_turns(callees, turns)
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        folder = Path(temporary) / "build"
        _build(bundle, callees, folder, sanitizes=sanitizes)
        raw = call_turns(folder, turn_bytes(callees, turns), runs)
    size = len(raw) // runs
    found = [split_turns(callees, turns, raw[size * run : size * (run + 1)]) for run in range(runs)]
    for results in found:
        for number, (one, other) in enumerate(zip(found[0], results, strict=True)):
            if any(one[name].tobytes() != other[name].tobytes() for name in one):
                raise MismatchError(f"{bundle.name}: call {number} differs after a reset")
    return found[0]


def _build(bundle: Bundle, callees: Callees, folder: Path, *, sanitizes: bool) -> None:
    bundle.write_to(folder)
    for name in ("turns.c", "tilewright_turns.h"):
        text = files("tilewright.run").joinpath("harness", name).read_text(encoding="utf-8")
        (folder / name).write_text(text)
    programs = [callee.program for callee in callees.values()]
    arrays = ArrayNames()
    names = [c_names(program, arrays) for program in programs]
    (folder / "turns_glue.c").write_text(print_turns_glue(programs, names))
    sources = [folder / name for name in (*bundle.sources, "turns.c", "turns_glue.c")]
    flags = [*BASE_FLAGS, "-Werror", *(SANITIZE_FLAGS if sanitizes else ("-O2",))]
    build(find_compiler(), flags, folder, sources, folder / "network")


def call_turns(folder: Path, turns: bytes, runs: int) -> bytes:
    """What a built program writes. Raises MismatchError where it fails."""
    (folder / "turns.bin").write_bytes(turns)
    command = [str(folder / name) for name in ("network", "turns.bin", "outputs.bin")]
    done = subprocess.run([*command, str(runs)], capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise MismatchError(f"the compiled network ended with {done.returncode}\n{said}")
    return (folder / "outputs.bin").read_bytes()


def turn_bytes(callees: Callees, turns: Sequence[Turn]) -> bytes:
    """The file that turns.c reads."""
    numbers = {entry: number for number, entry in enumerate(callees)}
    parts: list[bytes] = []
    for turn in turns:
        if turn.entry is None:
            parts.append(np.int32(-1).tobytes())
            continue
        callee = callees[turn.entry]
        head = [numbers[turn.entry], *(turn.arguments[a.name] for a in callee.program.arguments)]
        parts.append(np.array(head, np.int32).tobytes())
        for name in callee.source.given:
            dtype = callee.source.type(name).dtype.numpy
            parts.append(np.ascontiguousarray(turn.inputs[name]).astype(dtype).tobytes())
    return b"".join(parts)


def split_turns(callees: Callees, turns: Sequence[Turn], raw: bytes) -> Results:
    """Outputs of one run. Raises MismatchError where an entry returned an error."""
    found, at = Results(), 0
    for number, turn in enumerate(turns):
        if turn.entry is None:
            continue
        callee = callees[turn.entry]
        status = int(np.frombuffer(raw, np.int32, 1, at)[0])
        if status != 0:
            raise MismatchError(f"turn {number}, {turn.entry}: the C returned {status}")
        at += 4
        source, _, _ = callee.at(turn.arguments)
        outputs: dict[str, Array] = {}
        for name in callee.source.results:
            type_ = source.type(name)
            array = np.frombuffer(raw, type_.dtype.numpy, type_.size, at)
            outputs[name] = array.reshape(type_.shape)
            at += callee.source.type(name).nbytes
        found.append(outputs)
    return found
