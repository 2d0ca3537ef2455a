"""Names for C: short identifiers that a person recognises, unique within one network."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tilewright.backend.stage import constants_by_pointer
from tilewright.ir.graph import ValueName
from tilewright.ir.plan import BufferName
from tilewright.ir.program import Program
from tilewright.ir.types import Array, TensorType

LONGEST = 28
OWN_NAMES = frozenset(
    {
        "arena",
        "arenas",
        "args",
        "base",
        "channels",
        "inputs",
        "jobs",
        "outputs",
        "scratch",
        "step",
        "tile",
    }
)
"""Variables of the generated run function."""
RESERVED = frozenset(
    {
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
    }
)


def identifier(text: str, longest: int = LONGEST) -> str:
    """A lower-case C identifier from any name: the last path component, other characters as _."""
    last = re.split(r"[/;:]", text.rstrip("/;:"))[-1] or text
    cleaned = re.sub(r"_+", "_", re.sub(r"[^0-9a-zA-Z]", "_", last)).strip("_").lower()
    cleaned = cleaned[:longest].strip("_") or "tensor"
    if cleaned[0].isdigit() or cleaned in RESERVED:
        cleaned = f"t_{cleaned}"
    return cleaned


def _unique(wishes: Iterable[str], taken: set[str]) -> list[str]:
    names: list[str] = []
    for wish in wishes:
        name, count = wish, 1
        while name in taken:
            count += 1
            name = f"{wish}_{count}"
        taken.add(name)
        names.append(name)
    return names


@dataclass(frozen=True, slots=True)
class CNames:
    """Every name that the generated C uses.

    tensors    value → pointer variable, and struct member where it is an input or output
    layers     layer index → function name
    constants  constant → array name
    tiles      tile buffer → the enum constant that says where it starts
    first_use  tile buffer → index of the first layer that uses it
    """

    tensors: Mapping[ValueName, str]
    layers: tuple[str, ...]
    constants: Mapping[ValueName, str]
    tiles: Mapping[BufferName, str]
    first_use: Mapping[BufferName, int]


def base_name(program: Program, memory: str) -> str:
    """The variable that points at a memory's arena."""
    return "base" if len(program.arena_bytes) == 1 else identifier(memory)


@dataclass(slots=True)
class ArrayNames:
    """Array names of one bundle, by content: entries share what is equal. Not frozen: it grows."""

    names: dict[tuple[str, TensorType, bytes], str] = field(
        default_factory=dict[tuple[str, TensorType, bytes], str]
    )

    def of(self, array: Array, memory: str, wish: str = "") -> str:
        """The name of an array there; ``wish``, or the next free one, where it has none."""
        key = memory, TensorType.of(array), array.tobytes()
        if key not in self.names:
            (self.names[key],) = _unique((wish,), {*self.names.values()})
        return self.names[key]


def c_names(program: Program, arrays: ArrayNames | None = None) -> CNames:
    """Names for a program. Inputs and outputs take their tensor's name, the rest their node's.

    arrays  names that other entries of the bundle use
    A view and what it views are one pointer, so they share one name.
    """
    arrays = arrays if arrays is not None else ArrayNames()
    taken: set[str] = {*OWN_NAMES} | {base_name(program, memory) for memory in program.arena_bytes}
    taken |= {argument.name for argument in program.arguments}
    by_owner: dict[ValueName, str] = {}
    wishes = [
        (value.name, value.origin.name if value.origin else value.name)
        for value in (operand.value for operand in (*program.inputs, *program.outputs))
    ]
    wishes += [(state.operand.value.name, state.name) for state in program.states]
    for name, wish in wishes:
        owner = program.viewed(name)
        if owner not in by_owner:
            (by_owner[owner],) = _unique((identifier(wish),), taken)
    for call in program.calls:
        if call.output.value.name not in by_owner:
            (by_owner[call.output.value.name],) = _unique((identifier(call.node.name),), taken)
    tensors = dict(by_owner)
    tensors |= {view: by_owner[program.viewed(view)] for view in program.views}
    layers = tuple(
        f"{program.name}_layer_{index:02d}_{identifier(layer.calls[-1].node.name)}"
        for index, layer in enumerate(program.layers)
    )
    constants: dict[ValueName, str] = {}
    for name, (index, pointer) in constants_by_pointer(program).items():
        node = identifier(program.calls[index].node.name)
        wish, memory = f"{program.bundle}_{node}_{pointer}", program.constants_in[name]
        constants[name] = arrays.of(program.constants[name], memory, wish)
    for state in program.states:
        if state.same_byte is None:
            wish = f"{program.bundle}_{identifier(state.name)}_initial"
            memory = program.constants_in[state.constant]
            constants[state.constant] = arrays.of(state.initial, memory, wish)
    constants |= {name: constants[same] for name, same in program.shared.items()}
    tiles, first_use = _tiles(program, tensors, constants)
    return CNames(tensors, layers, constants, tiles, first_use)


def _tiles(
    program: Program, tensors: Mapping[ValueName, str], constants: Mapping[ValueName, str]
) -> tuple[dict[BufferName, str], dict[BufferName, int]]:
    """A tile buffer is called after the first layer that uses it and its tensor or constant."""
    found: dict[BufferName, str] = {}
    first_use: dict[BufferName, int] = {}
    taken: set[str] = set()
    for index, layer in enumerate(program.layers):
        for value, place in layer.tiles_used():
            if place.buffer not in found:
                known = constants.get(value, tensors.get(value, "tile"))
                wish = f"{program.name}_{index:02d}_{known.removeprefix(f'{program.name}_')}"
                (found[place.buffer],) = _unique((wish.upper(),), taken)
                first_use[place.buffer] = index
    return found, first_use
