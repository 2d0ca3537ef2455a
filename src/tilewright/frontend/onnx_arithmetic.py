"""Nodes that compute element by element on integers and truth, or on two tensors of reals."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_pointwise import POINTWISE_IMPORTERS, import_binary, import_unary
from tilewright.frontend.onnx_steps import (
    REALS,
    SHORT,
    Steps,
    element_of,
    is_integer,
    is_plain,
)
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.convert import Select, Shorten, ToReal, Truncate
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation

Importer = Callable[[Importing, OnnxNode], None]


def _arithmetic(kind: BinaryKind) -> Importer:
    """On integers by Binary; on reals by what there is for them, or by Binary."""

    def import_arithmetic(state: Importing, node: OnnxNode) -> None:
        names = (node.input(0), node.input(1))
        if any(is_plain(state, name) for name in names):
            _on_integers(state, node, kind)
        else:
            _on_reals(state, node, kind)

    return import_arithmetic


def _on_integers(state: Importing, node: OnnxNode, kind: BinaryKind) -> None:
    steps = Steps(state, node)
    element = element_of(state, node.input(0))
    a, b = steps.operand(0), steps.operand(1)
    if not (steps.is_whole(a) and steps.is_whole(b)):
        _of_two_types(steps, kind, (a, b))
        return
    made = steps.narrowed(steps.binary(kind, a, b), element)
    steps.finish(made, element)


def _of_two_types(steps: Steps, kind: BinaryKind, operands: tuple[ValueName, ValueName]) -> None:
    """Pow alone has them: computed in reals, in the type of the base."""
    a, b = (steps.do(ToReal(), x) if steps.is_whole(x) else x for x in operands)
    made = steps.binary(kind, a, b)
    element = element_of(steps.state, steps.node.input(0))
    if is_integer(element):
        made = steps.narrowed(steps.do(Truncate(), made), element)
    steps.finish(made, element)


def _on_reals(state: Importing, node: OnnxNode, kind: BinaryKind) -> None:
    is_constant = state.is_constant(node.input(1))
    if kind in (BinaryKind.ADD, BinaryKind.MUL):
        POINTWISE_IMPORTERS["Add" if kind is BinaryKind.ADD else "Mul"](state, node)
    elif kind is BinaryKind.SUB and is_constant:
        POINTWISE_IMPORTERS["Sub"](state, node)
    elif kind is BinaryKind.DIV and is_constant and np.all(state.numbers(node, 1, "divisor")):
        POINTWISE_IMPORTERS["Div"](state, node)
    else:
        import_binary(Binary(kind))(state, node)


def import_mod(state: Importing, node: OnnxNode) -> None:
    """Mod; with ``fmod`` the sign is the dividend's."""
    kind = BinaryKind.FMOD if node.integer("fmod", 0) else BinaryKind.MOD
    _arithmetic(kind)(state, node)


def import_shift(state: Importing, node: OnnxNode) -> None:
    """BitShift."""
    direction = node.text("direction", "")
    if direction not in ("LEFT", "RIGHT"):
        raise ModelError(f"{node}: direction is {direction!r}; LEFT or RIGHT")
    _on_integers(state, node, BinaryKind.LEFT if direction == "LEFT" else BinaryKind.RIGHT)


def _truth(kind: BinaryKind, *, swaps: bool = False) -> Importer:
    """A comparison; ``swaps``: of the second operand with the first."""

    def import_truth(state: Importing, node: OnnxNode) -> None:
        steps = Steps(state, node)
        a, b = steps.operand(0), steps.operand(1)
        steps.end(Binary(kind), *((b, a) if swaps else (a, b)), element="bool")

    return import_truth


def _logical(kind: BinaryKind) -> Importer:
    def import_logical(state: Importing, node: OnnxNode) -> None:
        steps = Steps(state, node)
        element = element_of(state, node.input(0))
        steps.end(Binary(kind), steps.operand(0), steps.operand(1), element=element)

    return import_logical


def import_not(state: Importing, node: OnnxNode) -> None:
    """Not."""
    steps = Steps(state, node)
    steps.finish(steps.denied(steps.operand(0)), "bool")


def import_bitwise_not(state: Importing, node: OnnxNode) -> None:
    """BitwiseNot."""
    steps = Steps(state, node)
    element = element_of(state, node.input(0))
    made = steps.binary(BinaryKind.XOR, steps.operand(0), steps.integers(np.array(-1)))
    steps.finish(steps.narrowed(made, element), element)


def _several(kind: BinaryKind) -> Importer:
    """Min, Max, Sum, Mean: any number of tensors. Two are one operator, with the file's scales;
    the links of a chain have none."""

    def import_several(state: Importing, node: OnnxNode) -> None:
        if len(node.inputs) == 2 and node.kind != "Mean":
            _arithmetic(kind)(state, node)
            return
        steps = Steps(state, node)
        operands = [steps.operand(i) for i in range(len(node.inputs))]
        made = reduce(lambda a, b: steps.binary(kind, a, b), operands)
        if node.kind == "Mean":
            count = steps.reals(np.array(1.0 / len(operands)))
            made = steps.binary(BinaryKind.MUL, made, count)
        steps.finish(made, element_of(state, node.input(0)))

    return import_several


def _signed(curve: Curve) -> Importer:
    """Abs, Neg, Sign of reals by a curve, of integers in pieces."""
    real = import_unary(lambda _: Activation(curve))

    def import_signed(state: Importing, node: OnnxNode) -> None:
        if not is_plain(state, node.input(0)):
            real(state, node)
            return
        steps = Steps(state, node)
        element = element_of(state, node.input(0))
        x, zero = steps.operand(0), steps.integers(np.array(0))
        made = steps.binary(BinaryKind.SUB, zero, x)
        if curve is Curve.ABS:
            made = steps.binary(BinaryKind.MAX, x, made)
        elif curve is Curve.SIGN:
            above = steps.binary(BinaryKind.LESS, zero, x)
            below = steps.binary(BinaryKind.LESS, x, zero)
            made = steps.binary(BinaryKind.SUB, above, below)
        steps.finish(steps.narrowed(made, element), element)

    return import_signed


def _on_either(kind: str) -> Importer:
    """An importer of reals; integers (Relu, Clip) by extremes."""
    real = POINTWISE_IMPORTERS[kind]

    def import_clipped(state: Importing, node: OnnxNode) -> None:
        is_bounded = all(state.is_constant(n) for n in node.inputs[1:] if n)
        if not is_plain(state, node.input(0)) and is_bounded:
            real(state, node)
            return
        steps = Steps(state, node)
        made = steps.operand(0)
        if kind == "Relu":
            made = steps.binary(BinaryKind.MAX, made, steps.integers(np.array(0)))
        for index, extreme in ((1, BinaryKind.MAX), (2, BinaryKind.MIN)):
            if node.has(index):
                made = steps.binary(extreme, made, steps.operand(index))
        steps.finish(made, element_of(state, node.input(0)))

    return import_clipped


def import_where(state: Importing, node: OnnxNode) -> None:
    """Where: the three tensors in one shape, then element by element."""
    steps = Steps(state, node)
    operands = [steps.operand(i) for i in range(3)]
    shape = np.broadcast_shapes(*(steps.shape(x) for x in operands))
    made = [steps.expanded(x, tuple(map(int, shape))) for x in operands]
    steps.end(Select(), *made, element=element_of(state, node.input(1)))


def import_cast(state: Importing, node: OnnxNode) -> None:
    """Cast, and CastLike after the type of a tensor."""
    from onnx.helper import tensor_dtype_to_np_dtype

    name = node.input(0)
    have = element_of(state, name)
    if node.kind == "CastLike":
        want = element_of(state, node.input(1))
    else:
        try:
            want = np.dtype(tensor_dtype_to_np_dtype(node.integer("to", 0))).name
        except (KeyError, ValueError, TypeError):
            raise ModelError(f"{node}: casts to element type {node.integer('to', 0)}") from None
    known = (want in REALS or is_integer(want)) and (have in REALS or is_integer(have))
    if not known:
        raise UnsupportedError(f"{node}: casts from {have} to {want}, which is not supported")
    if have == want or (want in ("float32", "float64") and have in REALS):
        state.alias(node.output, name)
        state.elements[node.output] = want
        if name in state.integers:
            state.integers.add(node.output)
        return
    steps = Steps(state, node)
    steps.finish(_cast(steps, steps.operand(0), have, want), want)


def _cast(steps: Steps, x: ValueName, have: str, want: str) -> ValueName:
    if have in REALS and want in REALS:
        if want == "float4_e2m1fn":  # which has no NaN
            zeros = steps.reals(np.zeros(steps.shape(x)))
            x = steps.do(Select(), steps.binary(BinaryKind.EQUAL, x, x), x, zeros)
        return steps.do(_short(steps.node, want), x)
    if have in REALS:
        if want == "bool":
            equal = steps.binary(BinaryKind.EQUAL, x, steps.reals(np.array(0.0)))
            return steps.denied(equal)
        return steps.narrowed(steps.do(Truncate(), x), want)
    if want in REALS:
        made = steps.do(ToReal(), x)
        return steps.do(SHORT[want], made) if want in SHORT else made
    return steps.denied(steps.denied(x)) if want == "bool" else steps.narrowed(x, want)


def _short(node: OnnxNode, want: str) -> Shorten:
    """A type of fewer bits; without saturation eight-bit ones go to infinity, or to NaN."""
    short = SHORT[want]
    if node.integer("saturate", 1) or not want.startswith("float8"):
        return short
    return replace(short, beyond=np.inf if want == "float8_e5m2" else np.nan)


def import_is_nan(state: Importing, node: OnnxNode) -> None:
    """IsNaN: what differs from itself."""
    steps = Steps(state, node)
    x = steps.operand(0)
    steps.finish(steps.denied(steps.binary(BinaryKind.EQUAL, x, x)), "bool")


def import_is_inf(state: Importing, node: OnnxNode) -> None:
    """IsInf, of either sign or of one."""
    steps = Steps(state, node)
    x = steps.operand(0)
    found = [
        steps.binary(BinaryKind.EQUAL, x, steps.reals(np.array(value)))
        for name, value in (("detect_positive", np.inf), ("detect_negative", -np.inf))
        if node.integer(name, 1)
    ]
    if not found:
        steps.finish(steps.expanded(steps.integers(np.array(0)), steps.shape(x)), "bool")
        return
    steps.finish(reduce(lambda a, b: steps.binary(BinaryKind.OR, a, b), found), "bool")


def _curve(
    curve: Curve, alpha: tuple[str, float] = ("", 0.0), beta: tuple[str, float] = ("", 0.0)
) -> Importer:
    return import_unary(
        lambda node: Activation(
            curve,
            node.number(*alpha) if alpha[0] else alpha[1],
            node.number(*beta) if beta[0] else beta[1],
        )
    )


def import_gelu(state: Importing, node: OnnxNode) -> None:
    """Gelu, exact or by tanh."""
    exact = node.text("approximate", "none") == "none"
    _curve(Curve.GELU if exact else Curve.GELU_TANH)(state, node)


PLAIN_CURVES = (
    Curve.FLOOR, Curve.CEIL, Curve.ROUND, Curve.SQRT, Curve.RECIPROCAL, Curve.EXP, Curve.LOG,
    Curve.ERF, Curve.SIN, Curve.COS, Curve.TAN, Curve.ASIN, Curve.ACOS, Curve.ATAN, Curve.SINH,
    Curve.COSH, Curve.ASINH, Curve.ACOSH, Curve.ATANH, Curve.SOFTPLUS, Curve.SOFTSIGN, Curve.MISH,
)  # fmt: skip

ARITHMETIC_IMPORTERS: Mapping[str, Importer] = {
    **{curve.value: _curve(curve) for curve in PLAIN_CURVES},
    "Elu": _curve(Curve.ELU, ("alpha", 1.0)),
    "Selu": _curve(
        Curve.SELU, ("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)
    ),
    "Celu": _curve(Curve.CELU, ("alpha", 1.0)),
    "Swish": _curve(Curve.SWISH, ("alpha", 1.0)),
    "ThresholdedRelu": _curve(Curve.THRESHOLDED_RELU, ("alpha", 1.0)),
    "Shrink": _curve(Curve.SHRINK, ("lambd", 0.5), ("bias", 0.0)),
    "Gelu": import_gelu,
    **{curve.value: _signed(curve) for curve in (Curve.ABS, Curve.NEG, Curve.SIGN)},
    "Relu": _on_either("Relu"),
    "Clip": _on_either("Clip"),
    "Add": _arithmetic(BinaryKind.ADD),
    "Sub": _arithmetic(BinaryKind.SUB),
    "Mul": _arithmetic(BinaryKind.MUL),
    "Div": _arithmetic(BinaryKind.DIV),
    "Pow": _arithmetic(BinaryKind.POW),
    "PRelu": _arithmetic(BinaryKind.PRELU),
    "Mod": import_mod,
    "BitShift": import_shift,
    "Min": _several(BinaryKind.MIN),
    "Max": _several(BinaryKind.MAX),
    "Sum": _several(BinaryKind.ADD),
    "Mean": _several(BinaryKind.ADD),
    "Equal": _truth(BinaryKind.EQUAL),
    "Less": _truth(BinaryKind.LESS),
    "LessOrEqual": _truth(BinaryKind.LESS_EQUAL),
    "Greater": _truth(BinaryKind.LESS, swaps=True),
    "GreaterOrEqual": _truth(BinaryKind.LESS_EQUAL, swaps=True),
    "And": _logical(BinaryKind.AND),
    "Or": _logical(BinaryKind.OR),
    "Xor": _logical(BinaryKind.XOR),
    "BitwiseAnd": _logical(BinaryKind.AND),
    "BitwiseOr": _logical(BinaryKind.OR),
    "BitwiseXor": _logical(BinaryKind.XOR),
    "Not": import_not,
    "BitwiseNot": import_bitwise_not,
    "Where": import_where,
    "Cast": import_cast,
    "CastLike": import_cast,
    "IsNaN": import_is_nan,
    "IsInf": import_is_inf,
}
