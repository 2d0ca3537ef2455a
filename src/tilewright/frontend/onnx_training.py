"""Steps of training, and operators of the ai.onnx.ml domain that are plain arithmetic."""

from collections.abc import Callable, Mapping

import numpy as np

from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_steps import Steps
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ops.binary import BinaryKind
from tilewright.ops.convert import ToReal
from tilewright.ops.curves import Curve
from tilewright.ops.gather import Gather

Importer = Callable[[Importing, OnnxNode], None]


def _mul(steps: Steps, x: ValueName, factor: float) -> ValueName:
    return steps.binary(BinaryKind.MUL, x, steps.reals(np.array(factor)))


def _add(steps: Steps, a: ValueName, b: ValueName) -> ValueName:
    return steps.binary(BinaryKind.ADD, a, b)


def _groups(node: OnnxNode, kinds: int) -> range:
    """Numbers of the tensors that are optimised; inputs are R, T, then ``kinds`` lists."""
    return range((len(node.inputs) - 2) // kinds)


def _gradient(steps: Steps, x: ValueName, g: ValueName) -> ValueName:
    """With what the penalty on large weights adds."""
    return _add(steps, _mul(steps, x, steps.node.number("norm_coefficient", 0.0)), g)


def import_adagrad(state: Importing, node: OnnxNode) -> None:
    """Adagrad: steps divided by the root of all squares so far."""
    steps = Steps(state, node)
    count = len(_groups(node, 3))
    time = float(state.numbers(node, 1, "T").reshape(-1)[0])
    factor = 1.0 / (1.0 + time * node.number("decay_factor", 0.0))
    rate = _mul(steps, steps.operand(0), factor)
    for i in _groups(node, 3):
        x, g, h = (steps.operand(2 + i + kind * count) for kind in range(3))
        g = _gradient(steps, x, g)
        squares = _add(steps, h, steps.binary(BinaryKind.MUL, g, g))
        root = steps.curve(Curve.SQRT, squares)
        root = _add(steps, root, steps.reals(np.array(node.number("epsilon", 1e-6))))
        step = steps.binary(BinaryKind.DIV, steps.binary(BinaryKind.MUL, rate, g), root)
        steps.finish(steps.binary(BinaryKind.SUB, x, step), output=i)
        steps.finish(squares, output=i + count)


def import_momentum(state: Importing, node: OnnxNode) -> None:
    """Momentum, standard or Nesterov's."""
    steps = Steps(state, node)
    count = len(_groups(node, 3))
    is_later = float(state.numbers(node, 1, "T").reshape(-1)[0]) > 0
    alpha = node.number("alpha", 0.0)
    beta = node.number("beta", 1.0) if is_later else 1.0
    for i in _groups(node, 3):
        x, g, v = (steps.operand(2 + i + kind * count) for kind in range(3))
        g = _gradient(steps, x, g)
        speed = _add(steps, _mul(steps, v, alpha), _mul(steps, g, beta))
        way = speed
        if node.text("mode", "standard") == "nesterov":
            way = _add(steps, g, _mul(steps, speed, alpha))
        step = steps.binary(BinaryKind.MUL, steps.operand(0), way)
        steps.finish(steps.binary(BinaryKind.SUB, x, step), output=i)
        steps.finish(speed, output=i + count)


def import_adam(state: Importing, node: OnnxNode) -> None:
    """Adam: means of gradients and of their squares."""
    steps = Steps(state, node)
    count = len(_groups(node, 4))
    time = float(state.numbers(node, 1, "T").reshape(-1)[0])
    alpha, beta = node.number("alpha", 0.9), node.number("beta", 0.999)
    factor = float(np.sqrt(1 - beta**time) / (1 - alpha**time)) if time > 0 else 1.0
    rate = _mul(steps, steps.operand(0), factor)
    for i in _groups(node, 4):
        x, g, v, h = (steps.operand(2 + i + kind * count) for kind in range(4))
        g = _gradient(steps, x, g)
        mean = _add(steps, _mul(steps, v, alpha), _mul(steps, g, 1 - alpha))
        square = steps.binary(BinaryKind.MUL, g, g)
        squares = _add(steps, _mul(steps, h, beta), _mul(steps, square, 1 - beta))
        root = steps.curve(Curve.SQRT, squares)
        root = _add(steps, root, steps.reals(np.array(node.number("epsilon", 1e-6))))
        step = steps.binary(BinaryKind.DIV, steps.binary(BinaryKind.MUL, rate, mean), root)
        made = steps.binary(BinaryKind.SUB, x, step)
        made = _mul(steps, made, 1 - node.number("norm_coefficient_post", 0.0))
        for place, result in enumerate((made, mean, squares)):
            steps.finish(result, output=i + place * count)


def import_binarizer(state: Importing, node: OnnxNode) -> None:
    """Binarizer: 1 above the threshold, else 0."""
    steps = Steps(state, node)
    threshold = steps.reals(np.array(node.number("threshold", 0.0)))
    above = steps.binary(BinaryKind.LESS, threshold, steps.operand(0))
    steps.finish(steps.do(ToReal(), above), "float32")


def import_feature_extractor(state: Importing, node: OnnxNode) -> None:
    """ArrayFeatureExtractor: columns of the last dimension."""
    steps = Steps(state, node)
    x = steps.operand(0)
    index = state.numbers(node, 1, "columns").reshape(-1)
    made = steps.do(Gather(len(steps.shape(x)) - 1), x, steps.integers(index))
    if len(steps.shape(x)) == 1:
        made = steps.reshaped(made, (1, index.size))
    steps.finish(made)


TRAINING_IMPORTERS: Mapping[str, Importer] = {
    "Adagrad": import_adagrad,
    "Adam": import_adam,
    "Momentum": import_momentum,
    "Binarizer": import_binarizer,
    "ArrayFeatureExtractor": import_feature_extractor,
}
