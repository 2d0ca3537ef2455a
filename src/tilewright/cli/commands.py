"""From parsed arguments to one call of the API, and from its report to stdout."""

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console

from tilewright import api
from tilewright.api_models import write_model
from tilewright.api_networks import compile_networks_to
from tilewright.cli.evaluating import evaluated, evaluated_network, takes_network
from tilewright.cli.language import generated, inspected_checkpoint
from tilewright.cli.target_options import with_target_options
from tilewright.cli.terminal import say_error
from tilewright.cli.trust import conforming, fuzzed
from tilewright.errors import MismatchError, OptionError
from tilewright.ir.graph import Contract, ValueName
from tilewright.ir.target import Target
from tilewright.ir.types import Array, DType
from tilewright.midend.pins import PinWishes
from tilewright.pipeline import Options, load_target
from tilewright.report.text import Report, json_text
from tilewright.run.inputs import read_arrays

WIDTH = 100
"""Of tables where stdout is no terminal, in columns."""

Size = TypeVar("Size", int, tuple[int, int])

Finish = Callable[[], int]
"""Prints what a command found and returns the exit code; runs after progress has gone."""


def run_command(arguments: argparse.Namespace) -> Finish:
    """Do the work of a command."""
    return _COMMANDS[arguments.command](arguments)


def _inspect(arguments: argparse.Namespace) -> Finish:
    if (found := inspected_checkpoint(arguments.model)) is not None:
        return _printed(arguments, found)
    report = api.inspect_model(arguments.model, _target(arguments), _options(arguments))
    return _printed(arguments, report, 2 if report.problems else 0)


def _compile(arguments: argparse.Namespace) -> Finish:
    options = _options(arguments)
    if arguments.dump or arguments.stop_after:
        phase = arguments.stop_after or api.PHASES[-1]
        text = api.dump_phase(arguments.model, phase, _target(arguments), options)
        return lambda: _dumped(text if arguments.dump else "")
    folders = [folder for folder in (arguments.output, arguments.project) if folder is not None]
    if len(folders) != 1:
        raise OptionError(
            f"compile: {'two output folders' if folders else 'no output folder'}; give one with "
            "-o FOLDER or --project FOLDER, or look inside with --dump"
        )
    if arguments.others:
        return _compile_several(arguments, options)
    report = api.compile_to(
        arguments.model, folders[0], _target(arguments), options,
        is_project=bool(arguments.project), save_plan=arguments.save_plan,
    )  # fmt: skip
    return _printed(arguments, report)


def _compile_several(arguments: argparse.Namespace, options: Options) -> Finish:
    if arguments.project or arguments.save_plan:
        raise OptionError(
            "compile: --project and --save-plan are for one network; give -o FOLDER for several"
        )
    models = [arguments.model, *arguments.others]
    report = compile_networks_to(models, arguments.output, _target(arguments), options)
    return _printed(arguments, report)


def _dumped(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _run(arguments: argparse.Namespace) -> Finish:
    inputs = read_arrays(Path(arguments.input)) if arguments.input else None
    output, timeline = (_writable(arguments.output), _writable(arguments.timeline))
    settings = api.RunSettings(
        arguments.repeat, arguments.seed, counts=arguments.count, profiles=arguments.profile,
        sanitizes=arguments.sanitize,
    )  # fmt: skip
    report = api.run_model(
        arguments.model, _target(arguments), _options(arguments), inputs=inputs, settings=settings
    )
    if output is not None:
        write_arrays(output, report.outputs)
    if timeline is not None:
        if report.timeline is None:
            raise OptionError(
                f"--timeline: target {report.target} records none; simulated chips do, as siracusa"
            )
        timeline.write_text(report.timeline, encoding="utf-8")
    return _printed(arguments, report, 0 if report.runs_identical else MismatchError.exit_code)


def _writable(name: str | None) -> Path | None:
    """Where a file can go. Raises OptionError before anything has been computed."""
    path = Path(name) if name else None
    if path is not None and (not path.parent.is_dir() or path.is_dir()):
        raise OptionError(f"{path}: cannot be written: {path.parent} is no folder, or it is one")
    return path


def _verify(arguments: argparse.Namespace) -> Finish:
    inputs = read_arrays(Path(arguments.input)) if arguments.input else arguments.samples
    options = _options(arguments)
    report = api.verify_model(
        arguments.model, _target(arguments), options, inputs=inputs, sanitizes=arguments.sanitize
    )
    return _printed(arguments, report, 0 if report.holds else MismatchError.exit_code)


def _conformance(arguments: argparse.Namespace) -> Finish:
    report = conforming(arguments)
    return _printed(arguments, report, MismatchError.exit_code if report.wrong else 0)


def _fuzz(arguments: argparse.Namespace) -> Finish:
    report, holds = fuzzed(arguments)
    return _printed(arguments, report, 0 if holds else MismatchError.exit_code)


def _check(arguments: argparse.Namespace) -> Finish:
    report = api.check_model(arguments.model, _target(arguments), _options(arguments))
    return _printed(arguments, report, 0 if report.fits else 2)


def _explore(arguments: argparse.Namespace) -> Finish:
    ranges = _each_once(arguments.memory)
    varied = [name for name, (low, high) in ranges.items() if low < high]
    if len(varied) != 1:
        raise OptionError(
            "explore: --memory must give one memory a smallest and a larger largest size, "
            f"{len(varied) or 'none'} has them; write it like L1=16KiB:256KiB"
        )
    arguments.memory = [{n: low for n, (low, _) in ranges.items() if n not in varied}]
    report = api.explore_model(
        arguments.model, varied[0], ranges[varied[0]], _target(arguments), _options(arguments)
    )
    finish = _printed(arguments, report, 0 if report.best else 2)
    return lambda: _plotted(arguments.plot, report.plot, finish)


def _each_once(several: Sequence[Mapping[str, Size]]) -> dict[str, Size]:
    """All of ``--memory NAME=SIZE``, given at once or one by one.

    Raises OptionError for a name that has two sizes.
    """
    memory: dict[str, Size] = {}
    for sizes in several:
        for name, size in sizes.items():
            if memory.setdefault(name, size) != size:
                raise OptionError(f"--memory {name}: given twice, with two sizes; leave one out")
    return memory


def _plotted(path: str | None, plot: Callable[[], str], finish: Finish) -> int:
    """The table first: it took long, and the file may be one that cannot be written."""
    code = finish()
    if path:
        api.write_text(Path(path), plot())
    return code


def _compare(arguments: argparse.Namespace) -> Finish:
    report = api.compare_plans(arguments.before, arguments.after)
    exceeded = report.exceeds(arguments.cycles, arguments.bytes)
    finish = _printed(arguments, report)

    def judged() -> int:
        finish()
        for text in exceeded:
            say_error(text)
        return MismatchError.exit_code if exceeded else 0

    return judged


def _explain(arguments: argparse.Namespace) -> Finish:
    report = api.explain_model(
        arguments.model,
        _target(arguments),
        _options(arguments),
        rule=arguments.rule,
        node=arguments.node,
    )
    return _printed(arguments, report)


def _generate(arguments: argparse.Namespace) -> Finish:
    return _printed(arguments, generated(arguments))


def _evaluate(arguments: argparse.Namespace) -> Finish:
    if takes_network(arguments):
        options = Options(contract=_contract(arguments.contract))
        return _printed(arguments, evaluated_network(arguments, _target(arguments), options))
    return _printed(arguments, evaluated(arguments))


def _sim(arguments: argparse.Namespace) -> Finish:
    from tilewright.run.sim.command import execute

    return lambda: execute(arguments)


def _place(arguments: argparse.Namespace) -> Finish:
    report = api.place_pieces(arguments.problem, arguments.output, arguments.capacity)
    return _printed(arguments, report)


def _model(arguments: argparse.Namespace) -> Finish:
    report = write_model(
        arguments.network, arguments.output, arguments.sequence, arguments.layers, arguments.seed
    )
    return _printed(arguments, report)


def _targets(arguments: argparse.Namespace) -> Finish:
    return _printed(arguments, api.list_targets())


def _doctor(arguments: argparse.Namespace) -> Finish:
    report = api.doctor()
    return _printed(arguments, report, 0 if report.is_healthy else 3)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], Finish]] = {
    "inspect": _inspect,
    "compile": _compile,
    "run": _run,
    "generate": _generate,
    "evaluate": _evaluate,
    "verify": _verify,
    "check": _check,
    "conformance": _conformance,
    "fuzz": _fuzz,
    "explore": _explore,
    "compare": _compare,
    "explain": _explain,
    "sim": _sim,
    "place": _place,
    "model": _model,
    "targets": _targets,
    "doctor": _doctor,
}


def _target(arguments: argparse.Namespace) -> Target:
    return with_target_options(load_target(arguments.target), arguments)


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        contract=_contract(arguments.contract),
        input_shapes=dict(arguments.input_shape),
        input_types={name: DType(type_) for name, type_ in arguments.input_type},
        signature=arguments.signature,
        allow_float=arguments.allow_float,
        prune=not arguments.no_prune,
        memory=_each_once(arguments.memory),
        without=tuple(arguments.without),
        name=_identifier(arguments.name),
        effort=arguments.effort,
        optimise=arguments.optimise,
        plan=Path(arguments.plan) if arguments.plan else None,
        pins=_pins(arguments),
        weights=arguments.weights,
        states=tuple(arguments.state),
        initial=read_arrays(Path(arguments.state_initial)) if arguments.state_initial else {},
    )


def _pins(arguments: argparse.Namespace) -> PinWishes:
    if arguments.command == "inspect":
        return PinWishes()
    return PinWishes(
        dict(arguments.engine), tuple(arguments.single_buffer), tuple(arguments.whole),
        tuple(arguments.near),
    )  # fmt: skip


def _contract(name: str | None) -> Contract | None:
    known = [contract.value for contract in Contract if contract is not Contract.LLM]
    if name is not None and name not in known:
        raise OptionError(f"--contract {name}: there are {', '.join(known)}")
    return None if name is None else Contract(name)


def _identifier(name: str | None) -> str | None:
    if name is not None and not (name.isascii() and name.isidentifier()):
        raise OptionError(f"--name {name}: not a C identifier; use letters, digits and _")
    return name


class _Console(Console):
    """Leaves a closed pipe to the entry point, which knows the exit code for it."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _printed(arguments: argparse.Namespace, report: Report, code: int = 0) -> Finish:
    def finish() -> int:
        if arguments.json:
            print(json_text(report))
        else:
            width = None if sys.stdout.isatty() else WIDTH
            report.show(_Console(width=width, highlight=False))
        return code

    return finish


def write_arrays(path: Path, arrays: Mapping[ValueName, Array]) -> None:
    """An .npz file, whole or not at all. Any array name is fine. Raises OptionError."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
