"""A .tflite file as data: tensors, operators and buffers, checked but not yet interpreted.

Slots are positions in the tables of the published schema (tensorflow/lite/schema/schema.fbs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError, OptionError, UnsupportedError
from tilewright.frontend.tflite_reader import Bytes, Table
from tilewright.ir.types import Array, Shape

TENSOR_TYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool",
    7: "int16", 8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64",
    13: "resource", 14: "variant", 15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16",
}  # fmt: skip

OPERATOR_NAMES = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 7: "EMBEDDING_LOOKUP", 8: "FLOOR", 9: "FULLY_CONNECTED",
    11: "L2_NORMALIZATION", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU",
    20: "RELU_N1_TO_1", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR", 24: "RNN", 25: "SOFTMAX",
    26: "SPACE_TO_DEPTH", 27: "SVDF", 28: "TANH", 31: "CALL", 34: "PAD",
    35: "UNIDIRECTIONAL_SEQUENCE_RNN", 36: "GATHER", 37: "BATCH_TO_SPACE_ND",
    38: "SPACE_TO_BATCH_ND", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 42: "DIV", 43: "SQUEEZE",
    44: "UNIDIRECTIONAL_SEQUENCE_LSTM", 45: "STRIDED_SLICE", 47: "EXP", 48: "TOPK_V2",
    49: "SPLIT", 50: "LOG_SOFTMAX",
    52: "BIDIRECTIONAL_SEQUENCE_LSTM", 53: "CAST",
    54: "PRELU", 55: "MAXIMUM", 56: "ARG_MAX", 57: "MINIMUM", 58: "LESS", 59: "NEG", 60: "PADV2",
    61: "GREATER", 62: "GREATER_EQUAL", 63: "LESS_EQUAL", 64: "SELECT", 65: "SLICE", 66: "SIN",
    67: "TRANSPOSE_CONV", 69: "TILE", 70: "EXPAND_DIMS", 71: "EQUAL", 72: "NOT_EQUAL", 73: "LOG",
    74: "SUM", 75: "SQRT", 76: "RSQRT", 77: "SHAPE", 78: "POW", 79: "ARG_MIN", 81: "REDUCE_PROD",
    82: "REDUCE_MAX", 83: "PACK", 84: "LOGICAL_OR", 86: "LOGICAL_AND", 87: "LOGICAL_NOT",
    88: "UNPACK", 89: "REDUCE_MIN", 90: "FLOOR_DIV", 91: "REDUCE_ANY", 92: "SQUARE",
    93: "ZEROS_LIKE", 94: "FILL", 95: "FLOOR_MOD", 96: "RANGE", 97: "RESIZE_NEAREST_NEIGHBOR",
    98: "LEAKY_RELU", 99: "SQUARED_DIFFERENCE", 100: "MIRROR_PAD", 101: "ABS", 102: "SPLIT_V",
    104: "CEIL", 105: "REVERSE_V2", 106: "ADD_N", 108: "COS", 110: "RANK", 111: "ELU",
    112: "REVERSE_SEQUENCE", 114: "QUANTIZE", 116: "ROUND", 117: "HARD_SWISH", 118: "IF",
    119: "WHILE", 123: "SELECT_V2",
    126: "BATCH_MATMUL", 128: "CUMSUM", 129: "CALL_ONCE", 130: "BROADCAST_TO", 140: "REDUCE_ALL",
    142: "VAR_HANDLE", 143: "READ_VARIABLE", 144: "ASSIGN_VARIABLE", 145: "BROADCAST_ARGS",
    150: "GELU", 152: "RELU_0_TO_1", 158: "SIGN",
}  # fmt: skip
"""Builtin operator codes that the importer knows; all others are named by package ``tflite``."""

CUSTOM = 32

READABLE = frozenset({
    "float32", "float16", "int32", "uint8", "int64", "int16", "int8", "bool", "int4",
})  # fmt: skip
"""Element types whose buffers become arrays."""


@dataclass(frozen=True, slots=True)
class TfliteTensor:
    """One tensor as the file declares it.

    shape      as stored; dimensions that were unknown when the file was written are 1 or -1
    signature  the same with -1 for every unknown dimension; empty where all are known
    data       the stored constant's bytes; None for tensors that are computed
    scales     empty where the tensor is not quantised
    """

    index: int
    name: str
    dtype: str
    shape: Shape
    signature: Shape
    data: bytes | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    is_sparse: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.dtype}[{'x'.join(map(str, self.shape))}])"

    def array(self) -> Array:
        """The constant. Raises ModelError where its size contradicts the shape."""
        assert self.data is not None
        if self.dtype not in READABLE:
            raise UnsupportedError(
                f"tensor {self}: constants of type {self.dtype} are not supported; convert the "
                "network with int8 weights"
            )
        if self.dtype == "int4":
            return self._nibbles(self.data)
        element = np.dtype(self.dtype).newbyteorder("<")
        promised = prod(self.shape) * element.itemsize
        self._check_size(len(self.data), promised)
        stored = np.frombuffer(self.data, element).reshape(self.shape)
        return stored.astype(np.dtype(self.dtype))

    def _nibbles(self, data: bytes) -> Array:
        """Four-bit integers as int8; the first of two lies in the low half of its byte."""
        size = prod(self.shape)
        self._check_size(len(data), -(-size // 2))
        pairs = np.frombuffer(data, np.int8)
        halves = np.stack([(pairs << 4).astype(np.int8) >> 4, pairs >> 4], axis=-1)
        return halves.reshape(-1)[:size].reshape(self.shape).astype(np.int8)

    def _check_size(self, size: int, promised: int) -> None:
        if promised != size or min(self.shape, default=1) < 1:
            raise ModelError(
                f"tensor {self}: its buffer holds {size} bytes, shape and type ask for "
                f"{promised}; the file is damaged"
            )


@dataclass(frozen=True, slots=True)
class TfliteOperator:
    """One operator; an input of -1 is an operand that was left out.

    kind     the schema's name of the operator, such as CONV_2D; CUSTOM and its name otherwise
    options  attributes; None where all have their defaults
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """One subgraph of a model.

    subgraphs   all of the model, in its order: this one, bodies of control flow, what is called
                once, other signatures; only the subgraph that is compiled has them
    signatures  names that the model gives subgraphs to be run by, likewise → number
    """

    name: str
    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: "tuple[TfliteFile, ...]" = ()
    signatures: Mapping[str, int] = field(default_factory=dict[str, int])


def read_tflite(path: Path, signature: str = "") -> TfliteFile:
    """The file's contents: the subgraph of a signature, or the first one.

    Raises ModelError where it cannot be read or contradicts itself, OptionError for a signature
    that it does not have.
    """
    try:
        file = Bytes(path.name, path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    model = file.root(b"TFL3")
    version = model.integer(0, "uint32")
    if version != 3:
        raise ModelError(f"{path.name}: schema version {version}; only version 3 is known")
    subgraphs = model.tables(2)
    if not subgraphs:
        raise ModelError(f"{path.name}: holds no subgraph")
    buffers = tuple(_buffer(file, table) for table in model.tables(4))
    codes = model.tables(1)
    parts = tuple(_subgraph(file, path.stem, table, buffers, codes) for table in subgraphs)
    signatures = {table.text(2): table.integer(4, "uint32") for table in model.tables(7)}
    number = _chosen(file.name, signature, signatures, len(parts))
    read = replace(parts[number], subgraphs=parts, signatures=signatures)
    _check_indices(file.name, read)
    return read


def _chosen(file: str, signature: str, signatures: Mapping[str, int], parts: int) -> int:
    """The number of the subgraph to compile."""
    if not signature:
        return 0
    if signature not in signatures:
        known = ", ".join(signatures) or "it has none"
        raise OptionError(f"{file}: has no signature {signature}; its signatures: {known}")
    if signatures[signature] >= parts:
        raise ModelError(
            f"{file}: signature {signature} is subgraph {signatures[signature]} of {parts}"
        )
    return signatures[signature]


def _subgraph(
    file: Bytes,
    name: str,
    table: Table,
    buffers: tuple[bytes | None, ...],
    codes: tuple[Table, ...],
) -> TfliteFile:
    tensors = tuple(_tensor(file.name, i, t, buffers) for i, t in enumerate(table.tables(0)))
    operators = tuple(_operator(file.name, i, t, codes) for i, t in enumerate(table.tables(3)))
    return TfliteFile(
        name, _uniquely_named(tensors), operators, table.integers(1), table.integers(2)
    )


def _buffer(file: Bytes, table: Table) -> bytes | None:
    """Constant data, in the table or (for files beyond 2 GiB) behind the tables."""
    offset, size = table.integer(1, "uint64"), table.integer(2, "uint64")
    if offset > 1:
        return file.slice(offset, size)
    stored = table.array(0, "uint8")
    return None if stored is None or not stored.size else stored.tobytes()


def _tensor(file: str, index: int, table: Table, buffers: tuple[bytes | None, ...]) -> TfliteTensor:
    name = table.text(3) or f"tensor_{index}"
    code, buffer = table.integer(1, "int8"), table.integer(2, "uint32")
    if code not in TENSOR_TYPES:
        raise ModelError(f"{file}: tensor {index} {name!r} has unknown element type {code}")
    if buffer >= len(buffers):
        raise ModelError(
            f"{file}: tensor {index} {name!r} refers to buffer {buffer} of {len(buffers)}"
        )
    quantisation = table.table(4)
    scales, zeros, axis = _quantisation(file, name, quantisation)
    return TfliteTensor(
        index, name, TENSOR_TYPES[code], table.integers(0), table.integers(7),
        buffers[buffer], scales, zeros, axis, table.table(6) is not None,
    )  # fmt: skip


def _quantisation(
    file: str, name: str, table: Table | None
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    """Scales, zero points (as many) and the axis they run along."""
    stored = None if table is None else table.array(2, "float32")
    if table is None or stored is None or not stored.size:
        return (), (), 0
    scales = tuple(float(s) for s in stored)
    zeros = table.integers(3, "int64") or (0,)
    zeros = zeros * len(scales) if len(zeros) == 1 else zeros
    if len(zeros) != len(scales):
        raise ModelError(
            f"{file}: tensor {name!r} has {len(scales)} scales and {len(zeros)} zero points"
        )
    return scales, zeros, table.integer(6, "int32")


def _operator(file: str, index: int, table: Table, codes: tuple[Table, ...]) -> TfliteOperator:
    which = table.integer(0, "uint32")
    if which >= len(codes):
        raise ModelError(f"{file}: operator {index} has code {which} of {len(codes)}")
    code = codes[which]
    # Files written before the codes outgrew a byte carry them in the first, deprecated field.
    builtin = max(code.integer(0, "int8"), code.integer(3, "int32"))
    kind = f"CUSTOM {code.text(1)}" if builtin == CUSTOM else operator_name(builtin)
    return TfliteOperator(index, kind, table.integers(1), table.integers(2), table.table(4))


def operator_name(code: int) -> str:
    """The schema's name of a builtin operator."""
    if code in OPERATOR_NAMES:
        return OPERATOR_NAMES[code]
    # Imported here because it takes 0.1 s and only messages about unsupported networks need it.
    from tflite.BuiltinOperator import BuiltinOperator

    names = {number: name for name, number in vars(BuiltinOperator).items()}
    return str(names.get(code, f"builtin operator {code}"))


def _uniquely_named(tensors: tuple[TfliteTensor, ...]) -> tuple[TfliteTensor, ...]:
    """Tensors with names that differ: converters repeat them, values may not."""
    taken: set[str] = set()
    unique: list[TfliteTensor] = []
    for t in tensors:
        name = t.name if t.name not in taken else f"{t.name}#{t.index}"
        taken.add(name)
        unique.append(replace(t, name=name))
    return tuple(unique)


def _check_indices(file: str, read: TfliteFile) -> None:
    """Every tensor that is referred to exists; only operands may be left out, as -1."""
    for number, other in enumerate(read.subgraphs):
        if other.operators:
            _check_operands(f"{file}: subgraph {number}", other)
    _check_operands(file, read)
    if not read.outputs:
        raise ModelError(f"{file}: the network has no outputs")


def _check_operands(file: str, read: TfliteFile) -> None:
    count = len(read.tensors)
    named = (
        ("the network's inputs", read.inputs, 0),
        ("the network's outputs", read.outputs, 0),
        *((f"the inputs of operator {op.index}", op.inputs, -1) for op in read.operators),
        *((f"the outputs of operator {op.index}", op.outputs, 0) for op in read.operators),
    )
    for what, indices, lowest in named:
        wrong = [i for i in indices if not lowest <= i < count]
        if wrong:
            raise ModelError(f"{file}: {what} refer to tensors {wrong}, the file has {count}")
