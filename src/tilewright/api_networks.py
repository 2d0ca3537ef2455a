"""Bundles with several entries as functions: same results as the command line's, as data."""

from collections.abc import Sequence
from pathlib import Path

from tilewright.backend.c_names import identifier
from tilewright.errors import OptionError
from tilewright.ir.target import Target
from tilewright.networks import NetworkCompilation, compile_network, import_network
from tilewright.pipeline import Options, load_target
from tilewright.report.networks import EntryRow, NetworkReport

Model = Path | str


def compile_networks_to(
    models: Sequence[Model],
    folder: Model,
    target: Target | str = "host",
    options: Options = Options(),
) -> NetworkReport:
    """Compile several model files into one bundle with one arena: they exclude each other in time.

    Entries are called after their files, the bundle as ``options.name`` says, else after the first.
    """
    paths = [Path(model) for model in models]
    names = [identifier(path.stem) for path in paths]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"{twice}: two model files have this name; give one of them another")
    loaded = load_target(target) if isinstance(target, str) else target
    network = import_network(
        options.name or names[0], dict(zip(names, paths, strict=True)), options
    )
    return write_network(compile_network(network, loaded, options), folder)


def write_network(made: NetworkCompilation, folder: Model) -> NetworkReport:
    """Write the bundle of a compiled network to ``folder``, all of it or nothing."""
    made.bundle.write_to(Path(folder))
    rows: list[EntryRow] = []
    for name, entry in made.entries.items():
        most = {argument.name: argument.most for argument in entry.graph.arguments}
        layers, arena = len(entry.program.layers), entry.plan.arena_bytes
        row = EntryRow(
            name, entry.program.function, layers, entry.graph.macs, most, made.cycles(name), arena
        )
        rows.append(row)
    kept = next(iter(made.entries.values())).program.states
    states = {state.name: state.operand.value.type.nbytes for state in kept}
    files, digest = tuple(made.bundle.files), made.bundle.digest()
    return NetworkReport(
        made.network.name, made.target.name, tuple(rows), made.arena, states, made.constants,
        digest, files, Path(folder),
    )  # fmt: skip
