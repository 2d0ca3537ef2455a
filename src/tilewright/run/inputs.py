"""From the arrays that a user has to batches that a network takes; random ones without any.

Arrays match the network's inputs by name, or by order where no name matches. A leading extra
dimension is a batch of inferences; so is the first dimension where the network's own is 1.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tilewright.errors import OptionError
from tilewright.ir.graph import Graph, Value, ValueName
from tilewright.ir.types import Array, DType
from tilewright.ops.gather import Gather, GatherSum
from tilewright.ops.quantise import Quantize

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of one or more inferences.

    arrays      [inferences, *shape] per network input, of its stored type
    is_batched  whether the user gave a batch dimension: outputs then have one, too
    """

    arrays: Mapping[ValueName, Array]
    inferences: int
    is_batched: bool

    def one(self, index: int) -> dict[ValueName, Array]:
        """The inputs of one inference."""
        return {name: array[index, ...] for name, array in self.arrays.items()}


def random_batch(graph: Graph, inferences: int, seed: int) -> Batch:
    """Seeded random inputs over each input's whole range.

    Stored integers: all values of the type. Indices: rows of the smallest table. Real numbers:
    what a Quantize that reads them can tell apart, else -1 .. 1.
    """
    rng = np.random.default_rng(seed)
    arrays: dict[ValueName, Array] = {}
    for name in graph.given:
        dtype, shape = graph.type(name).dtype, (inferences, *graph.type(name).shape)
        if dtype is DType.F32:
            low, high = _real_range(graph, name)
            arrays[name] = rng.uniform(low, high, shape).astype(np.float32)
        elif dtype is DType.S32:
            arrays[name] = rng.integers(0, _smallest_table(graph), shape, dtype.numpy)
        else:
            arrays[name] = rng.integers(dtype.low, dtype.high, shape, dtype.numpy, endpoint=True)
    return Batch(arrays, inferences, is_batched=False)


def first_inferences(batch: Batch, inferences: int) -> Batch:
    """The leading part of a batch."""
    arrays = {name: array[:inferences] for name, array in batch.arrays.items()}
    return replace(batch, arrays=arrays, inferences=min(inferences, batch.inferences))


def _real_range(graph: Graph, name: ValueName) -> tuple[float, float]:
    for node in graph.readers(name):
        if isinstance(node.op, Quantize):
            q = node.op
            return q.scale * (q.dtype.low - q.zero_point), q.scale * (q.dtype.high - q.zero_point)
    return -1.0, 1.0


def _smallest_table(graph: Graph) -> int:
    """Rows that every table has of which something is chosen."""
    tables = (
        op.rows if isinstance(op, GatherSum) else graph.type(node.inputs[0]).shape[op.axis]
        for node in graph.nodes
        if isinstance(op := node.op, Gather | GatherSum)
    )
    return min(tables, default=1)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file, in its order. Raises OptionError where it cannot be read."""
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise OptionError(f"{path}: one bare array; save it by name: np.savez(path, x=array)")
        with archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise OptionError(f"{path}: no such file; give an .npz file with --input") from None
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, BadZipFile, EOFError) as error:
        raise OptionError(
            f"{path}: not an .npz file of plain arrays ({error}); write it with numpy.savez"
        ) from None


def match_inputs(graph: Graph, arrays: Mapping[str, Array]) -> Batch:
    """Arrays as the batch that the network takes.

    Raises OptionError naming input, array, shape and type where they do not fit.
    """
    chosen = _chosen(graph, arrays)
    batches = {name: _as_batch(graph.values[name], *chosen[name]) for name in graph.given}
    counts = {name: array.shape[0] for name, (array, _) in batches.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise OptionError(f"inputs have different numbers of inferences ({listed})")
    return Batch(
        {name: array for name, (array, _) in batches.items()},
        next(iter(counts.values())),
        any(is_batched for _, is_batched in batches.values()),
    )


def _chosen(graph: Graph, arrays: Mapping[str, Array]) -> dict[ValueName, tuple[str, Array]]:
    """Input → the array for it and its name in the file."""
    wanted = graph.given
    missing = [name for name in wanted if name not in arrays]
    if not missing:
        _tell_ignored(arrays, list(wanted))
        return {name: (name, arrays[name]) for name in wanted}
    if len(missing) < len(wanted) or len(arrays) < len(wanted):
        have = ", ".join(arrays) or "nothing"
        raise OptionError(
            f"no array for {'input' if len(missing) == 1 else 'inputs'} {', '.join(missing)}; "
            f"the file has {have}; the network takes {', '.join(wanted)}"
        )
    by_order = list(arrays.items())[: len(wanted)]
    _tell_ignored(arrays, [name for name, _ in by_order])
    return dict(zip(wanted, by_order, strict=True))


def _tell_ignored(arrays: Mapping[str, Array], used: list[str]) -> None:
    ignored = [name for name in arrays if name not in used]
    if ignored:
        logger.info("input: took %s, ignored %s", ", ".join(used), ", ".join(ignored))


def _as_batch(value: Value, name: str, array: Array) -> tuple[Array, bool]:
    shape, given = value.type.shape, tuple(array.shape)
    typed = _as_stored(value, name, array)
    if given == shape:
        return typed[np.newaxis], False
    has_extra = given[1:] == shape
    if has_extra or (shape[:1] == (1,) and given[1:] == shape[1:]):
        if given[0] == 0:
            raise OptionError(f"input {value.name}: array {name} is an empty batch")
        return typed.reshape(given[0], *shape), True
    raise OptionError(
        f"input {value.name}: array {name} has shape {list(given)}, wanted {list(shape)}, or "
        f"{['batch', *shape]}".replace("'", "")
    )


def _as_stored(value: Value, name: str, array: Array) -> Array:
    """The same numbers in the stored type; never a rounding, never a wrap-around."""
    dtype = value.type.dtype
    if array.dtype == dtype.numpy:
        return np.ascontiguousarray(array)
    if dtype is DType.F32 and array.dtype.kind == "f":
        return array.astype(np.float32)
    if not dtype.is_float and array.dtype.kind in "iub" and array.size:
        if dtype.low <= int(array.min()) and int(array.max()) <= dtype.high:
            return array.astype(dtype.numpy)
        raise OptionError(
            f"input {value.name}: array {name} holds {array.min()} .. {array.max()}, {dtype.value} "
            f"holds {dtype.low} .. {dtype.high}"
        )
    how = f"; quantise it first ({value.quantisation})" if value.quantisation else ""
    raise OptionError(
        f"input {value.name}: array {name} is {array.dtype.name}, wanted {dtype.value}{how}"
    )
