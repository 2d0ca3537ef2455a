"""Program → Bundle: the network's own files, the kernels that it calls, the runtime headers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import tilewright
from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import ArrayNames, c_names
from tilewright.backend.kernel_files import kernel_files
from tilewright.backend.print_c import print_network
from tilewright.backend.print_constants import stored_bytes
from tilewright.backend.print_header import print_header
from tilewright.backend.print_lines import fitted
from tilewright.backend.print_notes import Notes
from tilewright.backend.print_states import declare_states, print_common
from tilewright.backend.print_weights import (
    Weights,
    Where,
    described_constants,
    print_weights,
)
from tilewright.ir.dump import dump_plan
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.program import Program
from tilewright.ir.types import Array


def print_bundle(
    program: Program, plan: Plan, graph: Graph, model_digest: str, where: Where = Where.AUTO
) -> Bundle:
    """All files of a compiled network. ``model_digest``: SHA-256 of the model file, hex."""
    made = [(program, plan, graph)]
    return print_entries(made, model_digest, where)


def print_entries(
    entries: Sequence[tuple[Program, Plan, Graph]], model_digest: str, where: Where = Where.AUTO
) -> Bundle:
    """All files of a network with one or several entries; ``where``: its constants go.

    Several have a file each, NAME_ENTRY.c; what they have in common is in NAME.h and NAME.c.
    """
    first, pool = entries[0][0], ArrayNames()
    named = [(program, c_names(program, pool)) for program, _, _ in entries]
    notes = [Notes.of(graph, plan) for _, plan, graph in entries]
    name, arrays, comments = first.bundle, dict[str, Array](), dict[str, str]()
    for (program, names), own in zip(named, notes, strict=True):
        for key, array in program.constants.items():
            arrays.setdefault(names.constants[key], array)
        comments = described_constants(program, names, own) | comments
    in_blob = where.is_blob(arrays.values())
    weights = print_weights(name, arrays, comments, in_blob=in_blob)
    digest = _digest(model_digest, [plan for _, plan, _ in entries], weights)
    banner = _banner(entries, arrays, digest)
    check = f"{name}_weights_match" if in_blob else None
    header = print_header(named, banner, digest, declare_states(*named[0]), checks_weights=in_blob)
    files, tables = {f"{name}.h": fitted(header)}, dict[str, int]()
    for (program, plan, _), (_, names), own in zip(entries, named, notes, strict=True):
        text, sizes = print_network(program, plan, names, own, banner, check)
        files[f"{program.name}.c"] = fitted(text)
        tables |= sizes
    if first.family and first.states:
        files[f"{name}.c"] = fitted(print_common(*named[0], banner))
    files |= {file: fitted(text) for file, text in sorted(weights.texts.items(), reverse=True)}
    kernels = kernel_files(all_layers([program for program, _, _ in entries]))
    files |= {f"kernels/{file}": text for file, text in kernels.items()}
    sources = tuple(path for path in files if path.endswith(".c"))
    symbols = {array: stored_bytes(content) for array, content in arrays.items()}
    return Bundle(name, files, sources, symbols | tables, weights.blobs)


def all_layers(programs: Sequence[Program]) -> Program:
    """One program with the layers of all entries: what the bundle's kernels are called by."""
    first = programs[0]
    layers = tuple(layer for program in programs for layer in program.layers)
    runtime = dict.fromkeys(path for program in programs for path in program.runtime)
    parallel = dict.fromkeys(path for program in programs for path in program.parallel)
    return replace(
        first, name=first.bundle, layers=layers, runtime=tuple(runtime), parallel=tuple(parallel)
    )


def _digest(model_digest: str, plans: Sequence[Plan], weights: Weights) -> str:
    """One short name for model, target, compiler version, plans and constants."""
    state, target = hashlib.sha256(), plans[0].target
    texts = (model_digest, target, tilewright.__version__, *map(dump_plan, plans))
    for part in (*texts, *weights.texts.values()):
        state.update(part.encode() + b"\0")
    for blob in weights.blobs.values():
        state.update(blob)
    return f"tilewright {tilewright.__version__} {target} {state.hexdigest()[:16]}"


def _banner(
    entries: Sequence[tuple[Program, Plan, Graph]], arrays: Mapping[str, Array], digest: str
) -> str:
    weights = sum(map(stored_bytes, arrays.values()))
    sizes = entries[0][0].arena_bytes
    arenas = ", ".join(f"{size} bytes of {memory}" for memory, size in sizes.items())
    lines = [
        f"{program.name}: {len(program.layers)} layers, {graph.macs} MACs, contract "
        f"{graph.contract.value}"
        for program, _, graph in entries
    ]
    lines += [
        f"Needs {arenas} for the arena (input, output and scratch included)",
        f"and {weights} bytes of constants.",
        f"Generated by {digest}. Do not edit: compile the model again.",
    ]
    return "\n".join(lines)
