"""Files that are damaged: bytes changed, lengths blown up, nodes wired in circles."""

from collections.abc import Callable, Sequence
from random import Random

import onnx
from onnx import helper

BIG = (-(2**62), -2, -1, 0, 1, 3, 7, 2**16, 2**24, 2**31 - 1, 2**31, 2**40, 2**62)
"""Numbers where sizes are expected."""

KINDS = (
    onnx.AttributeProto.UNDEFINED, onnx.AttributeProto.FLOAT, onnx.AttributeProto.INT,
    onnx.AttributeProto.STRING, onnx.AttributeProto.TENSOR, onnx.AttributeProto.GRAPH,
    onnx.AttributeProto.FLOATS, onnx.AttributeProto.INTS,
)  # fmt: skip

DEPTH = 400
"""Graphs within graphs; the format's own library stops reading at a hundred or so."""

Damage = Callable[[Random, bytes], bytes]
Rewires = Callable[[Random, onnx.ModelProto], None]


def damaged(random: Random, whole: bytes, *, is_onnx: bool) -> bytes:
    """The file with one to three things wrong."""
    data = whole
    for _ in range(random.randint(1, 3)):
        if is_onnx and random.random() < 0.6:
            data = _rewired(random, data)
        else:
            data = random.choice(BYTES)(random, data) or b"\0"
    return data


def _changed(random: Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(random.randint(1, 6)):
        made[random.randrange(len(made))] = random.randrange(256)
    return bytes(made)


def _flipped(random: Random, data: bytes) -> bytes:
    made = bytearray(data)
    made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def _truncated(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _cut(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data))
    return data[:start] + data[start + random.randint(1, 40) :]


def _doubled(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data))
    return data[:start] + data[start : start + random.randint(1, 200)] + data[start:]


def _blown_up(random: Random, data: bytes) -> bytes:
    """A large number over four or eight bytes: lengths, offsets and sizes of .tflite."""
    width = random.choice((4, 8))
    number = random.choice(BIG) % (1 << (8 * width))
    start = random.randrange(max(1, len(data) - width))
    if random.random() < 0.8:
        start -= start % 4
    return data[:start] + number.to_bytes(width, "little") + data[start + width :]


BYTES: Sequence[Damage] = (_changed, _flipped, _truncated, _cut, _doubled, _blown_up, _blown_up)


def _rewired(random: Random, data: bytes) -> bytes:
    try:
        model = onnx.load_from_string(data)
        random.choice(WIRES)(random, model)
        return model.SerializeToString()
    except Exception:  # no model any more: its library has many errors, and no common base for them
        return _changed(random, data or b"\0")


def _node(random: Random, model: onnx.ModelProto) -> onnx.NodeProto:
    return random.choice(model.graph.node)


def _in_a_circle(random: Random, model: onnx.ModelProto) -> None:
    """A node reads what is made after it, or itself."""
    made = [name for node in model.graph.node for name in node.output]
    node = _node(random, model)
    node.input[random.randrange(len(node.input))] = random.choice([*made, node.output[0], ""])


def _other_operator(random: Random, model: onnx.ModelProto) -> None:
    kinds = [schema.name for schema in onnx.defs.get_all_schemas()]
    _node(random, model).op_type = random.choice(kinds)


def _other_inputs(random: Random, model: onnx.ModelProto) -> None:
    node = _node(random, model)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)]
    if random.random() < 0.5:
        node.input.append(random.choice(names))
    else:
        del node.input[random.randrange(len(node.input))]


def _attribute(random: Random, model: onnx.ModelProto) -> None:
    node = _node(random, model)
    number = random.choice(BIG)
    if node.attribute and random.random() < 0.8:
        attribute = random.choice(node.attribute)
        attribute.i = number
        if attribute.ints:
            attribute.ints[random.randrange(len(attribute.ints))] = number
        if random.random() < 0.2:
            attribute.type = random.choice(KINDS)
    else:
        name = random.choice(("axis", "group", "axes", "kernel_shape", "to", "perm", "pads"))
        value = random.choice((number, [number], [1, number], "SAME", 0.5))
        node.attribute.append(helper.make_attribute(name, value))


def _tensor(random: Random, model: onnx.ModelProto) -> None:
    """A constant of another shape or type, or of more than there is."""
    tensor = random.choice(model.graph.initializer)
    match random.randrange(4):
        case 0 if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(BIG)
        case 1:
            tensor.data_type = random.randrange(30)
        case 2:
            tensor.dims.extend([1] * random.choice((1, 8, 70)))
        case _:
            tensor.raw_data = tensor.raw_data[: random.randrange(len(tensor.raw_data) + 1)]


def _numbers(random: Random, model: onnx.ModelProto) -> None:
    """Bytes of a constant: axes, shapes and sizes that fit nothing, scales that are none."""
    tensor = random.choice(model.graph.initializer)
    if tensor.raw_data:
        tensor.raw_data = bytes(random.choice((0, 127, 255)) for _ in tensor.raw_data)


def _shape(random: Random, model: onnx.ModelProto) -> None:
    """An input of a huge, negative, open or deep shape."""
    shape = random.choice(model.graph.input).type.tensor_type.shape
    if random.random() < 0.3:
        for _ in range(random.choice((1, 5, 60))):
            shape.dim.add().dim_value = random.choice((1, 1, 2, 100))
    elif shape.dim:
        shape.dim[random.randrange(len(shape.dim))].dim_value = random.choice(BIG)


def _type(random: Random, model: onnx.ModelProto) -> None:
    infos = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    random.choice(infos).type.tensor_type.elem_type = random.randrange(30)


def _nested(random: Random, model: onnx.ModelProto) -> None:
    """Branches within branches."""
    node = _node(random, model)
    inner = helper.make_graph([], "end", [], [])
    for _ in range(random.choice((1, 30, DEPTH))):
        branch = helper.make_node("If", [node.input[0]], [node.output[0]], then_branch=inner)
        inner = helper.make_graph([branch], "branch", [], [model.graph.output[0]])
    node.op_type = random.choice(("If", "Loop", "Scan"))
    node.attribute.append(helper.make_attribute("body", inner))
    node.attribute.append(helper.make_attribute("then_branch", inner))
    node.attribute.append(helper.make_attribute("else_branch", inner))


def _outside(random: Random, model: onnx.ModelProto) -> None:
    """A constant that claims to lie in another file."""
    tensor = random.choice(model.graph.initializer)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    places = ("/etc/passwd", "../../etc/passwd", "nothing.bin", "/dev/zero", ".", "a\0b")
    for key, value in (("location", random.choice(places)), ("offset", "-1"), ("length", "9" * 15)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def _again(random: Random, model: onnx.ModelProto) -> None:
    """A node, an input or an output twice."""
    graph = model.graph
    graph.node.append(_node(random, model))
    graph.input.append(random.choice(graph.input))
    graph.output.append(random.choice(graph.output))


def _opset(random: Random, model: onnx.ModelProto) -> None:
    model.opset_import[0].version = random.choice((-1, 0, 1, 6, 9, 11, 12, 26, 2**31))


WIRES: Sequence[Rewires] = (
    _in_a_circle, _other_operator, _other_inputs, _attribute, _attribute, _tensor, _numbers,
    _shape, _shape, _type, _nested, _outside, _again, _opset,
)  # fmt: skip
