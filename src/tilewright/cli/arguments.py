"""Values that people type: sizes, shapes, lists of NAME=VALUE. The only place that parses them."""

import argparse
import re

_UNITS = {
    "": 1, "b": 1,
    "kb": 1000, "mb": 1000**2, "gb": 1000**3,
    "kib": 1024, "mib": 1024**2, "gib": 1024**3,
    "k": 1024, "m": 1024**2, "g": 1024**3,
}  # fmt: skip


def size(text: str) -> int:
    """Bytes from ``4096``, ``32KiB`` or ``32K`` (1024), ``64kB`` (1000), ``1.5MiB``."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = _UNITS.get(match.group(2).lower()) if match else None
    if match is None or unit is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; write bytes (4096) or a unit: kB, MB (1000s), KiB, MiB (1024s)"
        )
    count = float(match.group(1)) * unit
    if not count.is_integer():
        raise argparse.ArgumentTypeError(f"{text!r} is {count:g} bytes, not a whole number")
    return int(count)


def memory_sizes(text: str) -> dict[str, int]:
    """``ram=32KiB,flash=1MiB`` as bytes by memory."""
    sizes: dict[str, int] = {}
    for part in text.split(","):
        name, value = _pair(part, "ram=32KiB")
        if name in sizes:
            raise argparse.ArgumentTypeError(f"{text!r} gives {name} two sizes; leave one out")
        sizes[name] = size(value)
    return sizes


def memory_ranges(text: str) -> dict[str, tuple[int, int]]:
    """``L2=1MiB,L1=16KiB:256KiB``: smallest and largest bytes by memory."""
    ranges: dict[str, tuple[int, int]] = {}
    for part in text.split(","):
        name, value = _pair(part, "L1=16KiB:256KiB")
        low, colon, high = value.partition(":")
        if name in ranges:
            raise argparse.ArgumentTypeError(f"{text!r} gives {name} two sizes; leave one out")
        ranges[name] = (size(low), size(high) if colon else size(low))
        if not 0 < ranges[name][0] <= ranges[name][1]:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no range of sizes; write it like L1=16KiB:256KiB"
            )
    return ranges


def input_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """``x=1,3,96,96``: an input's name and its shape."""
    name, value = _pair(text, "x=1,3,96,96")
    try:
        shape = tuple(int(extent) for extent in value.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; write it like x=1,3,96,96")
    return name, shape


INPUT_TYPES = ("int8", "uint8", "int32")


def input_type(text: str) -> tuple[str, str]:
    """``x=uint8``: an input's name and how it is stored."""
    name, value = _pair(text, "x=uint8")
    if value not in INPUT_TYPES:
        raise argparse.ArgumentTypeError(f"{text!r}: there are {', '.join(INPUT_TYPES)}")
    return name, value


def engine_pin(text: str) -> tuple[str, str]:
    """``conv_3=npu``: a node and the engine that it runs on."""
    return _pair(text, "conv_2d_3=npu")


def state_pair(text: str) -> tuple[str, str]:
    """``h_out=h_in``: an output, and the input that it is in the next run."""
    return _pair(text, "h_out=h_in")


def positive(text: str) -> int:
    """A whole number, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def _pair(text: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE; write it like {example}")
    return name.strip(), value.strip()


def add_effort(parser: argparse.ArgumentParser) -> None:
    """What is looked for, and how long."""
    parser.add_argument(
        "--optimise", default="speed", metavar="NAME",
        help="speed: the fastest kernels that are worth their flash; size: fewer of them, as far "
        "as that costs less than a tenth of the time; fastest: whatever flash they take "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--effort", default="normal", metavar="NAME",
        help="how long to look for a plan: quick, normal or best (default: %(default)s)",
    )  # fmt: skip


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Where constants go."""
    parser.add_argument(
        "--weights", default="auto", metavar="NAME",
        help="where constants go: c, into C; blob, into a binary file that the C includes; auto: "
        "by size, into C up to 2 MiB (default: %(default)s)",
    )  # fmt: skip


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What a file leaves open about its inputs."""
    parser.add_argument(
        "--input-shape", metavar="NAME=N,N,...", type=input_shape, action="append", default=[],
        help="shape of an input that the file leaves open; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--input-type", metavar="NAME=TYPE", type=input_type, action="append", default=[],
        help="how an input of a file in the integer dialect is stored: int8 (default), uint8 or "
        "int32",
    )  # fmt: skip
    parser.add_argument(
        "--signature", metavar="NAME", default="",
        help="which signature of a .tflite file with several (default: its first subgraph)",
    )  # fmt: skip


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Sizes of memories, one each."""
    parser.add_argument(
        "--memory", metavar="NAME=SIZE,...", type=memory_sizes, action="append", default=[],
        help="sizes of the target's memories, as 4096, 32KiB or 64kB",
    )  # fmt: skip


def add_without(parser: argparse.ArgumentParser) -> None:
    """Engines that are left out."""
    parser.add_argument(
        "--without", metavar="ENGINE", action="append", default=[],
        help="leave an engine of the target out, as --without neureka",
    )  # fmt: skip
