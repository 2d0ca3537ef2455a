"""Which commands and options there are. Nothing here imports the compiler: --help stays fast."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilewright import __version__
from tilewright.cli.arguments import (
    add_effort,
    add_inputs,
    add_memory,
    add_weights,
    add_without,
    engine_pin,
    memory_ranges,
    memory_sizes,
    positive,
    size,
    state_pair,
)
from tilewright.cli.command import WRITE_MODEL, Command, add_model
from tilewright.cli.evaluating import EVALUATE, add_evaluate
from tilewright.cli.language import GENERATE, add_generate
from tilewright.cli.trust import CONFORMANCE, FUZZ, add_compare, add_conformance, add_fuzz
from tilewright.cli.words import NearParser
from tilewright.run.sim.command import add_arguments as add_sim_arguments

EXIT_CODES = """\
exit codes:
  0    all is well
  1    two implementations that must agree gave different numbers
  2    your input is at fault: the model, an option, an array, a folder; or the network does not fit
  3    a program or package that the command needs is missing; tilewright doctor says which
  70   a bug in tilewright
  130  interrupted"""


COMMANDS = (
    Command(
        "inspect",
        "what is in a model, and what of it can be compiled",
        ("tilewright inspect model.tflite", "tilewright inspect model.onnx --json"),
    ),
    Command(
        "compile",
        "write a folder of C11 that computes the network",
        (
            "tilewright compile model.tflite -o out/",
            "tilewright compile model.onnx -o out/ --input-shape x=1,3,96,96 --name detector",
            "tilewright compile wake.tflite words.tflite --name speech -o out/",
            "tilewright compile model.tflite --target cortex-m55 --project firmware/",
            "tilewright compile model.tflite -o out/ --weights blob",
            "tilewright compile model.tflite --stop-after plan --dump",
            "tilewright compile model.tflite -o out/ --memory ram=32KiB --save-plan plan.json",
            "tilewright compile model.tflite -o out/ --memory ram=32KiB --plan plan.json",
            "tilewright compile model.tflite -o out/ --memory L1=32KiB,L2=1MiB --whole conv_2d_3",
        ),
    ),
    Command(
        "run",
        "compile, build and run on an input; print outputs, memory and counts",
        (
            "tilewright run model.tflite",
            "tilewright run model.tflite --input in.npz --output out.npz --json",
            "tilewright run model.onnx --count",
            "tilewright run model.tflite --target cortex-m4 --profile",
        ),
    ),
    GENERATE,
    EVALUATE,
    Command(
        "verify",
        "compare operator definitions, generated C and a third party",
        (
            "tilewright verify model.tflite",
            "tilewright verify model.onnx --input in.npz --sanitize",
        ),
    ),
    Command(
        "check",
        "RAM and flash, and what is alive where RAM is fullest; needs no C compiler",
        (
            "tilewright check model.tflite",
            "tilewright check model.tflite --memory ram=32KiB,flash=256KiB",
            "tilewright check model.tflite --budget L2=512KiB,L1=64KiB",
        ),
    ),
    Command(
        "explore",
        "how fast the network is in smaller and larger memories",
        (
            "tilewright explore model.tflite --memory L1=16KiB:256KiB",
            "tilewright explore model.tflite --memory ram=8KiB:64KiB --json",
        ),
    ),
    Command(
        "compare",
        "what changed between two stored plans",
        (
            "tilewright compare before.json after.json",
            "tilewright compare before.json after.json --cycles 1 --bytes 0",
        ),
        "BEFORE AFTER [options]",
    ),
    Command(
        "explain",
        "why a node was rewritten or not, and why it runs on its kernel",
        (
            "tilewright explain model.onnx",
            "tilewright explain model.onnx --node conv2d_3",
            "tilewright explain model.onnx --rule fuse_clip",
        ),
    ),
    CONFORMANCE,
    FUZZ,
    Command(
        "sim",
        "run a RISC-V program on a simulated PULP cluster",
        (
            "tilewright sim program.elf",
            "tilewright sim examples/hello_cluster/hello.c",
            "tilewright sim program.elf --profile --timeline out.json",
        ),
        "PROGRAM [options]",
    ),
    Command(
        "place",
        "offsets for pieces of memory with given lifetimes, below a given capacity",
        ("tilewright place problem.csv --capacity 1048576 -o placed.csv",),
        "PROBLEM.csv --capacity BYTES -o OUT.csv [options]",
    ),
    WRITE_MODEL,
    Command("targets", "what there is to compile for", ("tilewright targets",), "[options]"),
    Command(
        "doctor",
        "what is installed, what is missing, how to get it",
        ("tilewright doctor", "tilewright doctor --json"),
        "[options]",
    ),
)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The parser of the whole command line, and each command's own."""

    parser: NearParser
    commands: Mapping[str, NearParser]


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The same help on every terminal: 100 columns, examples as they stand."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


def build_parser() -> CommandLine:
    """The whole command line."""
    parser = NearParser(
        prog="tilewright",
        usage="tilewright COMMAND [options]",
        description="Quantised neural networks in, minimal-runtime C out.",
        epilog=f"Every command has --help with examples.\n\n{EXIT_CODES}",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"tilewright {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="tilewright"
    )
    made = {
        command.name: commands.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            usage=f"tilewright {command.name} {command.takes}".rstrip(),
            epilog=_examples(command.examples),
            formatter_class=_Formatter,
        )
        for command in COMMANDS
    }
    for name in ("inspect", "compile", "run", "verify", "check", "explore", "explain"):
        _add_model_options(made[name])
        if name != "inspect":
            _add_pins(made[name])
        add_without(made[name])
        if name != "explore":
            add_memory(made[name])
    for name in ("compile", "run", "verify"):
        add_weights(made[name])
    _add_compile(made["compile"])
    _add_run(made["run"])
    _add_verify(made["verify"])
    _add_explain(made["explain"])
    _add_place(made["place"])
    _add_explore(made["explore"])
    add_compare(made["compare"])
    _add_check(made["check"])
    _add_from_elsewhere(made)
    for command in made.values():
        _add_common(command)
    return CommandLine(parser, made)


def _add_from_elsewhere(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Options of commands that have a module of their own."""
    add_conformance(made["conformance"])
    add_fuzz(made["fuzz"])
    add_generate(made["generate"])
    add_evaluate(made["evaluate"])
    add_sim_arguments(made["sim"])
    add_model(made["model"])


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--budget", metavar="NAME=SIZE,...", type=memory_sizes, action="append", dest="memory",
        help="the same as --memory",
    )  # fmt: skip


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument(
        "--debug", action="store_true", help="print the traceback of an internal error"
    )


def _examples(lines: Sequence[str]) -> str:
    return "\n".join(["examples:", *(f"  {line}" for line in lines)])


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(weights="auto", allow_float=True)
    parser.add_argument("model", metavar="MODEL", help="a .tflite or .onnx file")
    parser.add_argument(
        "--target", default="host", metavar="NAME",
        help="what to compile for; tilewright targets lists them (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--contract", metavar="NAME",
        help="arithmetic contract: tflite, onnx, pulp or float32 (default: the file format's)",
    )  # fmt: skip
    add_inputs(parser)
    parser.add_argument(
        "--state", metavar="OUT=IN", type=state_pair, action="append", default=[],
        help="output OUT is input IN in the next run; the network keeps it; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--state-initial", metavar="FILE.npz",
        help="what inputs of --state are before the first run (default: real zeros)",
    )  # fmt: skip
    parser.add_argument(
        "--name", help="C identifier of the network (default: from the file's name)"
    )
    parser.add_argument(
        "--no-float", dest="allow_float", action="store_false",
        help="refuse what is not quantised between quantised layers, instead of computing it in "
        "float32",
    )  # fmt: skip
    parser.add_argument("--allow-float", action="store_true", help=argparse.SUPPRESS)
    add_effort(parser)
    parser.add_argument(
        "--plan", metavar="PLAN.json", help="use a stored plan instead of looking for one"
    )
    parser.add_argument(
        "--no-prune", action="store_true", help="keep channels whose weights are all zero"
    )


def _add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "others", metavar="MODEL", nargs="*",
        help="further networks for the same bundle and the same arena, one at a time",
    )  # fmt: skip
    parser.add_argument(
        "--save-plan", metavar="PLAN.json", help="write the plan, for --plan and for compare"
    )
    parser.add_argument(
        "-o", "--library", dest="output", metavar="FOLDER",
        help="where to write the C: sources and headers for a project of your own",
    )  # fmt: skip
    parser.add_argument("--output", dest="output", help=argparse.SUPPRESS)
    parser.add_argument(
        "--project", metavar="FOLDER",
        help="where to write firmware for the target's board: the C, reset code, linker script, "
        "Makefile and CMake presets",
    )  # fmt: skip
    parser.add_argument(
        "--stop-after", metavar="PHASE",
        help="stop after import, simplify, lower, optimise, plan or program; write nothing",
    )  # fmt: skip
    parser.add_argument(
        "--dump", action="store_true",
        help="print what the last phase made, as text (without --stop-after: the program)",
    )  # fmt: skip


def _add_pins(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine", metavar="NODE=ENGINE", type=engine_pin, action="append", default=[],
        help="the node runs on this engine of the target; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--single-buffer", metavar="NODE", action="append", default=[],
        help="no tensor of the run that the node is computed in has two copies near",
    )  # fmt: skip
    parser.add_argument(
        "--whole", metavar="NODE", action="append", default=[],
        help="the node is computed by itself and at once, not in tiles",
    )  # fmt: skip
    parser.add_argument(
        "--near", metavar="TENSOR", action="append", default=[],
        help="the tensor, or the node's that is given, lies near in full while it is needed",
    )  # fmt: skip


def _add_explore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memory", metavar="NAME=SIZE:SIZE,...", type=memory_ranges, action="append",
        required=True, help="smallest and largest size of one memory; others as for compile",
    )  # fmt: skip
    parser.add_argument("--plot", metavar="FILE.svg", help="also draw the curve")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input", metavar="IN.npz",
        help="arrays that match the inputs by name, or by order where names differ; a leading "
        "extra dimension is a batch of inferences (default: one seeded random input)",
    )  # fmt: skip
    parser.add_argument(
        "--output", metavar="OUT.npz",
        help="where to write the outputs: graph output names, stored type and shape",
    )  # fmt: skip
    parser.add_argument(
        "--timeline", metavar="FILE.json",
        help="write what cores, DMA and accelerator did when, for Perfetto (simulated chips)",
    )  # fmt: skip
    parser.add_argument(
        "--repeat", type=positive, default=2, metavar="N",
        help="run the whole input N times in one process (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--count", action="store_true",
        help="count the instructions of one inference after a first one, per layer (valgrind; "
        "emulated boards always count)",
    )  # fmt: skip
    parser.add_argument(
        "--profile", action="store_true",
        help="count, and say where: by layer, by kernel, by C function",
    )  # fmt: skip
    parser.add_argument(
        "--sanitize", action="store_true",
        help="build with the address and undefined-behaviour sanitizers",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N",
        help="of the random input (default: %(default)s)",
    )  # fmt: skip


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input", metavar="IN.npz", help="as for run (default: --samples random inputs)"
    )
    parser.add_argument(
        "--samples", type=positive, default=3, metavar="N",
        help="how many seeded random inputs to compare on (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--sanitize", action="store_true",
        help="build with the address and undefined-behaviour sanitizers",
    )  # fmt: skip


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "problem", metavar="PROBLEM.csv",
        help="columns id, lower, upper (time of death, not included), size; one piece per line",
    )  # fmt: skip
    parser.add_argument(
        "--capacity", metavar="BYTES", type=size, required=True,
        help="where every piece must end at the latest, as 4096, 32KiB or 64kB",
    )  # fmt: skip
    parser.add_argument(
        "-o", dest="output", metavar="OUT.csv", required=True,
        help="where to write the same columns, and offset as the last one",
    )  # fmt: skip


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rule", metavar="NAME", help="only what this rewrite rule said")
    parser.add_argument("--node", metavar="NAME", help="only what was said about this node")
