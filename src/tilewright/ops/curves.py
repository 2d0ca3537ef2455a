"""Functions of one real number, which elementwise operators apply point by point."""

from collections.abc import Callable, Mapping
from enum import Enum
from math import erf, pi, sqrt

import numpy as np

from tilewright.ir.types import Array


class Curve(Enum):
    """Activations and functions that are computed point by point.

    Where a curve has parameters they are alpha and beta: HardSigmoid clip(alpha * x + beta, 0, 1);
    LeakyRelu, Elu, Celu, ThresholdedRelu: alpha; Selu: alpha, and gamma as beta; Swish:
    x * sigmoid(alpha * x); Shrink: lambda as alpha, bias as beta.
    """

    SIGMOID = "Sigmoid"
    TANH = "Tanh"
    HARD_SWISH = "HardSwish"
    HARD_SIGMOID = "HardSigmoid"
    LEAKY_RELU = "LeakyRelu"
    ABS = "Abs"
    NEG = "Neg"
    SIGN = "Sign"
    FLOOR = "Floor"
    CEIL = "Ceil"
    ROUND = "Round"
    SQRT = "Sqrt"
    RECIPROCAL = "Reciprocal"
    EXP = "Exp"
    LOG = "Log"
    ERF = "Erf"
    SIN = "Sin"
    COS = "Cos"
    TAN = "Tan"
    ASIN = "Asin"
    ACOS = "Acos"
    ATAN = "Atan"
    SINH = "Sinh"
    COSH = "Cosh"
    ASINH = "Asinh"
    ACOSH = "Acosh"
    ATANH = "Atanh"
    ELU = "Elu"
    SELU = "Selu"
    CELU = "Celu"
    SOFTPLUS = "Softplus"
    SOFTSIGN = "Softsign"
    MISH = "Mish"
    SWISH = "Swish"
    GELU = "Gelu"
    GELU_TANH = "GeluTanh"
    THRESHOLDED_RELU = "ThresholdedRelu"
    SHRINK = "Shrink"


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: Array) -> Array:
    return np.array([erf(v) for v in x.reshape(-1)], np.float64).reshape(x.shape)


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1.0 + _erf(x / sqrt(2.0)))


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(sqrt(2.0 / pi) * (x + 0.044715 * x**3)))


def _shrunk(x: Array, a: float, b: float) -> Array:
    return np.where(x < -a, x + b, np.where(x > a, x - b, 0.0 * x))


_PLAIN: Mapping[Curve, Callable[[Array], Array]] = {
    Curve.SIGMOID: _sigmoid,
    Curve.TANH: np.tanh,
    Curve.HARD_SWISH: lambda x: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0),
    Curve.ABS: np.abs,
    Curve.NEG: np.negative,
    Curve.SIGN: np.sign,
    Curve.FLOOR: np.floor,
    Curve.CEIL: np.ceil,
    Curve.ROUND: np.round,
    Curve.SQRT: np.sqrt,
    Curve.RECIPROCAL: lambda x: 1.0 / x,
    Curve.EXP: np.exp,
    Curve.LOG: np.log,
    Curve.ERF: _erf,
    Curve.SIN: np.sin,
    Curve.COS: np.cos,
    Curve.TAN: np.tan,
    Curve.ASIN: np.arcsin,
    Curve.ACOS: np.arccos,
    Curve.ATAN: np.arctan,
    Curve.SINH: np.sinh,
    Curve.COSH: np.cosh,
    Curve.ASINH: np.arcsinh,
    Curve.ACOSH: np.arccosh,
    Curve.ATANH: np.arctanh,
    Curve.SOFTPLUS: _softplus,
    Curve.SOFTSIGN: lambda x: x / (1.0 + np.abs(x)),
    Curve.MISH: lambda x: x * np.tanh(_softplus(x)),
    Curve.GELU: _gelu,
    Curve.GELU_TANH: _gelu_tanh,
}

_WITH_PARAMETERS: Mapping[Curve, Callable[[Array, float, float], Array]] = {
    Curve.HARD_SIGMOID: lambda x, a, b: np.clip(a * x + b, 0.0, 1.0),
    Curve.LEAKY_RELU: lambda x, a, b: np.where(x < 0, a * x, x),
    Curve.ELU: lambda x, a, b: np.where(x < 0, a * np.expm1(x), x),
    Curve.SELU: lambda x, a, b: b * np.where(x < 0, a * np.expm1(x), x),
    Curve.CELU: lambda x, a, b: np.where(x < 0, a * np.expm1(x / a), x),
    Curve.SWISH: lambda x, a, b: x * _sigmoid(a * x),
    Curve.THRESHOLDED_RELU: lambda x, a, b: np.where(x > a, x, 0.0),
    Curve.SHRINK: _shrunk,
}


def curve_at(curve: Curve, x: Array, alpha: float, beta: float) -> Array:
    """The curve at x, in float64; outside of its domain NaN, at its poles an infinity."""
    with np.errstate(all="ignore"):
        if curve in _PLAIN:
            return _PLAIN[curve](x)
        return _WITH_PARAMETERS[curve](x, alpha, beta)
