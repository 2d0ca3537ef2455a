"""The ONNX door: a file becomes a source graph. Nothing behind it knows the word ONNX.

    file → OnnxModel → sorted, constants folded, QOperator written as QDQ → Graph

Layout is NHWC inside: operators over images are placed between transposes, which rewrite rules
cancel. Float models and models in QDQ or QOperator form are read; see onnx_tensors.py for how Q
and DQ nodes disappear.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tilewright.errors import (
    ModelError,
    OptionError,
    Refusal,
    UnsupportedError,
)
from tilewright.frontend.dialect.chains import has_integer_weights, with_shifts
from tilewright.frontend.dialect.importer import import_dialect, is_dialect
from tilewright.frontend.onnx_arithmetic import ARITHMETIC_IMPORTERS
from tilewright.frontend.onnx_constants import fold
from tilewright.frontend.onnx_control import CONTROL, unrolled
from tilewright.frontend.onnx_dense import DENSE_IMPORTERS
from tilewright.frontend.onnx_file import OnnxInput, OnnxModel, OnnxNode, read_onnx, sorted_nodes
from tilewright.frontend.onnx_forms import Form, written
from tilewright.frontend.onnx_functions import body_of, has_body, known_results
from tilewright.frontend.onnx_fused import FUSED_FORMS, RUNTIME_DOMAIN
from tilewright.frontend.onnx_gather import GATHER_IMPORTERS
from tilewright.frontend.onnx_layout import LAYOUT_IMPORTERS
from tilewright.frontend.onnx_norm_patterns import with_norms
from tilewright.frontend.onnx_norms import NORM_IMPORTERS
from tilewright.frontend.onnx_plain_quantisation import is_computed
from tilewright.frontend.onnx_pointwise import POINTWISE_IMPORTERS
from tilewright.frontend.onnx_pools import POOL_IMPORTERS
from tilewright.frontend.onnx_products import PRODUCT_IMPORTERS
from tilewright.frontend.onnx_qonnx import QONNX_FORMS, with_clips_first
from tilewright.frontend.onnx_qoperator import expanded
from tilewright.frontend.onnx_quantisation import (
    import_dequantize,
    import_quantize,
    stored_tensors,
)
from tilewright.frontend.onnx_recurrent import RECURRENT_IMPORTERS
from tilewright.frontend.onnx_reductions import REDUCTION_IMPORTERS
from tilewright.frontend.onnx_resize import RESIZE_IMPORTERS
from tilewright.frontend.onnx_sampling import SAMPLING_IMPORTERS
from tilewright.frontend.onnx_selections import SELECTION_IMPORTERS
from tilewright.frontend.onnx_steps import REALS, SHORT, element_of, is_integer, is_plain
from tilewright.frontend.onnx_tensors import HALVES, SELECTIONS, Constant, Importing
from tilewright.frontend.onnx_tiles import import_tiles, is_in_tiles
from tilewright.frontend.onnx_training import TRAINING_IMPORTERS
from tilewright.frontend.onnx_windows import WINDOW_IMPORTERS
from tilewright.frontend.sizes import need_plannable, need_plannable_since
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Origin, Value, ValueName
from tilewright.ir.types import DType, Shape, TensorType
from tilewright.ops.quantise import Dequantize

IMPORTERS: Mapping[str, Callable[[Importing, OnnxNode], None]] = {
    **WINDOW_IMPORTERS,
    **DENSE_IMPORTERS,
    **POINTWISE_IMPORTERS,
    **NORM_IMPORTERS,
    **LAYOUT_IMPORTERS,
    **GATHER_IMPORTERS,
    **ARITHMETIC_IMPORTERS,
    **REDUCTION_IMPORTERS,
    **SELECTION_IMPORTERS,
    **RESIZE_IMPORTERS,
    **RECURRENT_IMPORTERS,
    **POOL_IMPORTERS,
    **PRODUCT_IMPORTERS,
    **SAMPLING_IMPORTERS,
    **TRAINING_IMPORTERS,
    "QuantizeLinear": import_quantize,
    "DequantizeLinear": import_dequantize,
}


NO_TYPES: Mapping[str, DType] = MappingProxyType({})

SEVERAL = frozenset({
    "Split", "TopK", "Dropout", "LSTM", "GRU", "RNN", "MaxPool", "Adam", "Adagrad",
    "Momentum",
})  # fmt: skip
"""Operators whose importers make every output; others make their first one."""

REALS_ONLY = frozenset({
    *(set(WINDOW_IMPORTERS) - {"MaxPool"}), *DENSE_IMPORTERS, *NORM_IMPORTERS, "Softmax",
    "BatchNormalization", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu",
    "QuantizeLinear",
})  # fmt: skip
"""Operators whose importers take their operands for real numbers."""


def import_onnx(
    path: Path, input_shapes: Mapping[str, Shape], input_types: Mapping[str, DType] = NO_TYPES
) -> Graph:
    """The network in an .onnx file, in real numbers, with the quantisation that the file states.

    input_shapes  extents for inputs whose dimensions the file leaves open
    input_types   how inputs are stored, for files in the integer dialect, which do not say so
    Raises ModelError for a file that cannot be read or contradicts itself, UnsupportedError
    listing every operator that is not known, QuantisationError for missing or unusable scales,
    OptionError for input shapes that do not fit.
    """
    model = read_onnx(path)
    if is_dialect(model):
        return import_dialect(model, input_shapes, input_types)
    if has_integer_weights(model):
        said = {i.name: DType(i.dtype.name) for i in model.inputs if i.dtype.itemsize == 1}
        return import_dialect(with_shifts(model), input_shapes, {**said, **input_types})
    if input_types:
        raise OptionError(
            f"--input-type {next(iter(input_types))}: {path.name} says itself how its inputs are "
            "stored; the option is for files in the integer dialect"
        )
    _refuse_lost_outputs(model)
    if is_in_tiles(model):
        return import_tiles(model)
    constants = {name: Constant(array) for name, array in model.initialisers.items()}
    nodes = _prepared(model, constants)
    _refuse_unknown(model, nodes)
    notes: list[str] = []
    shapes = _input_shapes(model, input_shapes, notes)
    elements = {**model.elements, **{i.name: i.dtype.name for i in model.inputs}}
    computed = _computed(nodes, constants, elements)
    types = {i.name: _input_type(i, nodes, computed) for i in model.inputs}
    notes += _other_types(model, types)
    stored = stored_tensors(nodes, constants, types, elements)
    builder = GraphBuilder(model.name, Contract.FLOAT32, notes=notes)
    state = Importing(model, nodes, builder, constants, stored)
    state.elements.update((i.name, i.dtype.name) for i in model.inputs)
    state.elements.update((n, e) for n, e in model.elements.items() if n in constants)
    for item in model.inputs:
        _declare_input(state, item.name, TensorType(types[item.name], shapes[item.name]))
    for node in nodes:
        _import_plannable(state, node)
    for name in model.outputs:
        builder.outputs.append(_finished(state, name))
    if any(v.quantisation is not None for v in builder.values.values()):
        builder.contract = Contract.ONNX
    return builder.build()


def _other_types(model: OnnxModel, types: Mapping[str, DType]) -> list[str]:
    """What to say about inputs that are held in another type than the file's."""
    return [
        f"input {i.name}: {i.dtype} in the file, {types[i.name].value} here"
        for i in model.inputs
        if i.dtype.name != types[i.name].value
    ]


def _import_plannable(state: Importing, node: OnnxNode) -> None:
    """Raises ModelError for results that no plan has room for."""
    known = len(state.builder.values)
    _import_node(state, node)
    need_plannable_since(state.builder, known)


def _computed(
    nodes: tuple[OnnxNode, ...], constants: Mapping[str, Constant], elements: Mapping[str, str]
) -> frozenset[str]:
    """Names of the DequantizeLinear nodes that are computed as the file says."""
    return frozenset(
        node.name
        for node in nodes
        if node.kind == "DequantizeLinear" and is_computed(node, constants, elements)
    )


def _prepared(model: OnnxModel, constants: dict[str, Constant]) -> tuple[OnnxNode, ...]:
    """Nodes in order of data flow, without those whose results are constants, all in QDQ form."""
    known = (*constants, *(i.name for i in model.inputs))
    left: list[OnnxNode] = []
    for node in sorted_nodes(model.nodes, known, model.name):
        constant = fold(node, constants)
        if constant is None:
            for form in written(QONNX_FORMS, Form(node, constants)):
                left += expanded(form, constants)
        else:
            constants[node.output] = constant
    prepared: list[OnnxNode] = []
    for node in left:
        constant = fold(node, constants)
        if constant is None:
            prepared.append(node)
        else:
            constants[node.output] = constant
    prepared = with_clips_first(prepared, constants, model.outputs)
    return with_norms(prepared, constants, model.outputs)


def _refuse_lost_outputs(model: OnnxModel) -> None:
    made = {name for node in model.nodes for name in node.outputs}
    made.update(model.initialisers, (item.name for item in model.inputs))
    lost = [name for name in model.outputs if name not in made]
    if lost or len(set(model.outputs)) != len(model.outputs):
        raise ModelError(
            f"{model.name}: outputs {', '.join(model.outputs)}: "
            + (f"nothing makes {', '.join(lost)}" if lost else "one is listed twice")
        )


def _refuse_unknown(model: OnnxModel, nodes: tuple[OnnxNode, ...]) -> None:
    unknown = [
        node
        for node in nodes
        if node.kind not in IMPORTERS
        and not _may_fold(node)
        and not has_body(node.kind, model.opset)
        and node.kind not in CONTROL
        and node.kind not in FUSED_FORMS
    ]
    if unknown:
        kinds = sorted({node.kind for node in unknown})
        raise UnsupportedError(
            f"{model.name}: {len(unknown)} of {len(nodes)} nodes have operators that are not "
            f"supported ({', '.join(kinds)})",
            tuple(
                Refusal(str(node), f"makes {node.output}; {_reason(node.kind)}") for node in unknown
            ),
        )


def _may_fold(node: OnnxNode) -> bool:
    """Shape arithmetic, which becomes constant once shapes are known."""
    return node.kind in ("Slice", "Floor", "Ceil", "Neg", "ConstantOfShape")


def _reason(kind: str) -> str:
    match kind:
        case _:
            return "no importer has this operator"


def _input_shapes(
    model: OnnxModel, given: Mapping[str, Shape], notes: list[str]
) -> dict[str, Shape]:
    """The shape of every input, from the file and the user."""
    names = {i.name for i in model.inputs}
    for name in given:
        if name not in names:
            raise OptionError(
                f"--input-shape {name}: the network's inputs are {', '.join(sorted(names))}"
            )
    return {i.name: _input_shape(i, given.get(i.name), notes) for i in model.inputs}


def _input_shape(item: OnnxInput, given: Shape | None, notes: list[str]) -> Shape:
    text = "x".join(str(d) if d is not None else "?" for d in item.dims)
    if given is not None:
        fits = len(given) == len(item.dims) and all(
            g > 0 and (g == d or not isinstance(d, int))
            for g, d in zip(given, item.dims, strict=True)
        )
        if not fits:
            raise OptionError(
                f"--input-shape {item.name}={','.join(map(str, given))}: does not fit "
                f"{item.name}, which the file gives as {text}"
            )
        return given
    shape = [d if isinstance(d, int) else 0 for d in item.dims]
    if shape and not isinstance(item.dims[0], int):
        shape[0] = 1
        notes.append(f"input {item.name} ({text}): batch size {item.dims[0] or '?'} taken as 1")
    if any(n < 1 for n in shape):
        wanted = ",".join(str(n) if n > 0 else "?" for n in shape)
        raise ModelError(
            f"input {item.name}: its shape {text} is not fixed\n"
            f"  try      --input-shape {item.name}={wanted} with a number for each ?"
        )
    return tuple(shape)


def _input_type(item: OnnxInput, nodes: tuple[OnnxNode, ...], computed: frozenset[str]) -> DType:
    """How an input is stored: reals as float32, plain integers and truth as int32, what stands for
    reals as the file has it."""
    element = item.dtype.name
    if element in REALS:
        return DType.F32
    if element in ("int8", "uint8") and _stands_for_reals(item.name, nodes, computed):
        return DType(element)
    if is_integer(element):
        return DType.S32
    raise UnsupportedError(f"input {item.name}: is {element}; reals, integers and bool are known")


def _stands_for_reals(name: str, nodes: tuple[OnnxNode, ...], computed: frozenset[str]) -> bool:
    """Whether some DequantizeLinear reads the tensor, maybe behind movements; those that are
    computed as the file says do not count."""
    names = {name}
    for node in nodes:
        if node.inputs and node.inputs[0] in names:
            if node.kind == "DequantizeLinear" and node.name not in computed:
                return True
            if node.kind in SELECTIONS:
                names.update(node.outputs)
    return False


def _declare_input(state: Importing, name: str, type_: TensorType) -> None:
    quantisation = None
    if not type_.dtype.is_float:
        state.integers.add(name)
        quantisation = state.stored[name].quantisation if name in state.stored else None
    need_plannable(state.model.name, name, type_)
    value = Value(ValueName(name), type_, quantisation, Origin(name))
    state.values[name] = state.builder.input(value)


MALFORMED = (LookupError, ArithmeticError, TypeError, RuntimeError, MemoryError)
"""What numpy and Python say of numbers that fit nothing: axes that there are not, shapes of a
thousand dimensions or a petabyte."""


def _import_node(state: Importing, node: OnnxNode) -> None:
    constant = fold(node, state.constants)
    if constant is not None:
        state.constants[node.output] = constant
        return
    try:
        known = known_results(node, state.constants, state.model.opset)
        if known is not None:
            state.constants.update(known)
            return
        _import_by_kind(state, node)
    except ValueError as error:
        raise ModelError(f"{node}: makes {node.output}: {error}") from None
    except MALFORMED as error:
        raise ModelError(
            f"{node}: its inputs and attributes do not fit one another: {type(error).__name__}: "
            f"{error}; onnx.checker.check_model(path, full_check=True) may say more"
        ) from error
    _inherit_element(state, node)


def _import_by_kind(state: Importing, node: OnnxNode) -> None:
    if node.kind in IMPORTERS:
        operands = node.inputs[:1] if node.kind == "QuantizeLinear" else node.inputs
        plain = [n for n in operands if n and n not in state.constants and is_plain(state, n)]
        if node.kind in REALS_ONLY and plain:
            raise UnsupportedError(
                f"{node}: computes with the integers of {', '.join(plain)}; this operator is "
                "supported on real numbers"
            )
        if node.kind in SEVERAL or not any(state.is_read(n) for n in node.outputs[1:] if n):
            IMPORTERS[node.kind](state, node)
            return
    body = _body(state, node)
    if body is None:
        raise UnsupportedError(f"{node}: makes {node.output} from activations, not from constants")
    for step in body:
        _import_node(state, step)


def _body(state: Importing, node: OnnxNode) -> Iterable[OnnxNode] | None:
    """Simpler nodes in the place of one; None where nobody writes them."""
    if node.kind in CONTROL:
        return unrolled(state, node)
    is_own = node.domain == RUNTIME_DOMAIN or not has_body(node.kind, state.model.opset)
    if node.kind in FUSED_FORMS and is_own:
        return written(FUSED_FORMS, Form(node, state.constants, state.shape))
    return body_of(state, node)


def _inherit_element(state: Importing, node: OnnxNode) -> None:
    """Results have the element type of the input, unless an importer has said otherwise."""
    first = next((name for name in node.inputs if name), None)
    if first is None:
        return
    for name in filter(None, node.outputs):
        is_new = name not in state.elements and name not in state.constants
        if is_new and state.is_known(name) and is_plain(state, name) == is_plain(state, first):
            state.elements[name] = element_of(state, first)


def _finished(state: Importing, name: str) -> ValueName:
    """The value of a graph output, under its name; real numbers where the file says so."""
    if name not in state.constants and name not in state.integers and state.is_stored(name):
        stored = state.any_value(name)
        value = state.builder.values[stored]
        assert value.quantisation is not None
        op = Dequantize(value.quantisation.scale, value.quantisation.zero_point)
        real = Value(state.builder.fresh(name), op.infer(value.type), None, Origin(name))
        return state.builder.node(f"{name}.dequantize", op, (stored,), real)
    declared = state.model.elements.get(name, "")
    if declared in HALVES and name not in state.constants and not is_plain(state, name):
        value = state.any_value(name)
        short = Value(state.builder.fresh(name), state.builder.values[value].type)
        return state.builder.node(f"{name}.shorten", SHORT[declared], (value,), short)
    return state.finish_output(name)
