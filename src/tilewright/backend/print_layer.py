"""A layer → one C function with its offsets and tables; code does not grow with the tiles.

Every number that is printed carries its name: designated initialisers in argument structs, an enum
for offsets, a comment with type and meaning for every operand.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tilewright.backend.c_names import CNames, base_name
from tilewright.backend.print_calls import call_lines, offload_lines
from tilewright.backend.print_constants import c_float, elements
from tilewright.backend.print_lines import wrapped
from tilewright.backend.print_loops import (
    guard,
    meaning,
    part_lines,
    plus,
    runs_of_tiles,
    signed,
    tile_count,
)
from tilewright.backend.print_notes import Notes, layer_comment
from tilewright.backend.print_tiles import Tables
from tilewright.ir.graph import ValueName
from tilewright.ir.index import Affine, Column, Index, Sliced, column
from tilewright.ir.plan import BufferName
from tilewright.ir.program import (
    Box,
    Call,
    InArena,
    InConstant,
    InTile,
    Join,
    Keep,
    Layer,
    Load,
    Loop,
    Offload,
    Operand,
    Place,
    Program,
    Simple,
    Store,
    Transfer,
    Wait,
    called,
)
from tilewright.ir.types import TensorType

TILE = re.compile(r"\btile\b")


def parameters(program: Program, layer: Layer, names: CNames) -> dict[str, str]:
    """Name → type of everything that a layer's function is given, in order."""
    found: dict[str, str] = {}
    bases: dict[str, str] = {}
    for name, type_, is_written in _tensors(layer):
        tensor = names.tensors[name]
        is_const = not is_written and found.get(tensor, "const").startswith("const")
        found[tensor] = f"{'const ' if is_const else ''}{type_.dtype.c} *"
    for memory in _near(layer):
        bases[base_name(program, memory)] = "uint8_t *"
    if any(isinstance(action, (Load, Store, Wait)) for action in layer.flat()):
        bases["channels"] = "tw_channel *"
    if any(isinstance(action, Offload | Join) for action in layer.flat()):
        bases["jobs"] = "tw_job *"
    return found | bases | {argument.name: "int32_t " for argument in layer.arguments}


def _tensors(layer: Layer) -> Iterator[tuple[ValueName, TensorType, bool]]:
    """Whole tensors in arenas that a layer touches, and whether it writes them."""
    for action in layer.flat():
        match action:
            case Call(inputs=inputs, output=output) | Offload(Call(inputs=inputs, output=output)):
                for operand in inputs:
                    if isinstance(operand.place, InArena):
                        yield operand.value.name, operand.value.type, False
                if isinstance(output.place, InArena):
                    yield output.value.name, output.value.type, True
            case Load(transfer) | Store(transfer):
                if isinstance(transfer.far, InArena):
                    yield transfer.value, transfer.type, isinstance(action, Store)
            case Wait() | Keep() | Join():
                pass


def _near(layer: Layer) -> Iterator[str]:
    """Memories in which it has buffers of its own."""
    for _, place in layer.tiles_used():
        yield place.memory
    for call in layer.calls:
        if call.scratch is not None:
            yield call.scratch.memory


@dataclass(frozen=True, slots=True)
class LayerText:
    """Prints one layer. ``number``: its index in the program."""

    program: Program
    names: CNames
    number: int
    tables: Tables
    notes: Notes

    @staticmethod
    def of(program: Program, names: CNames, number: int, notes: Notes | None = None) -> "LayerText":
        """With tables of its own."""
        return LayerText(program, names, number, Tables(names.layers[number]), notes or Notes())

    @property
    def layer(self) -> Layer:
        """What is printed."""
        return self.program.layers[self.number]

    def text(self) -> list[str]:
        """Comment, offsets and tables, then the function."""
        given = parameters(self.program, self.layer, self.names)
        listed = [f"{c}{parameter}" for parameter, c in given.items()]
        name = self.names.layers[self.number]
        lines = wrapped(f"static TW_LAYER void {name}(", listed, ") {")
        straight: list[Simple] = []
        has_scopes = len(self.layer.calls) > 1
        for action in self.layer.actions:
            if isinstance(action, Loop):
                lines += _indented(self._straight(straight, has_scopes=has_scopes))
                lines += _indented(self._loop(action))
                straight = []
            else:
                straight.append(action)
        lines += _indented(self._straight(straight, has_scopes=has_scopes))
        if self.layer.observed:
            lines += [f"  tw_settle(jobs + {job});" for job in self.layer.left_open]
        for call in self.layer.observed:
            value, index = call.output.value, self.program.observed.index(call)
            tensor = self.names.tensors[value.name]
            size = call.numbers.output_bytes if call.numbers else value.type.nbytes
            lines.append(f"  tw_observe({index}, {tensor}, {size});")
        return [
            *layer_comment(self.layer, self.number, self.notes),
            *self._offsets(),
            *self.tables.text(),
            *lines,
            "}",
        ]

    def _offsets(self) -> Iterator[str]:
        """An enum with the place of every buffer that is this layer's own."""
        lines: list[str] = []
        for buffer, offset in self._new_tiles().items():
            known = self.notes.buffers.get(buffer)
            copies = f"{known.copies} x " if known and known.copies > 1 else ""
            note = f" // {copies}{known.size // known.copies} bytes" if known else ""
            lines.append(f"  {self.names.tiles[buffer]} = {offset},{note}")
        for call in self.layer.calls:
            if call.scratch is not None:
                note = f" // {call.scratch_bytes} bytes"
                lines.append(f"  {self._scratch_name(call)} = {call.scratch.offset},{note}")
        if lines:
            memories = " and ".join(dict.fromkeys(_near(self.layer)))
            yield f"enum {{ // byte offsets in {memories}"
            yield from lines
            yield "};"

    def _new_tiles(self) -> dict[BufferName, int]:
        """Tile buffers that no layer before has used → offset."""
        return {
            place.buffer: place.offset
            for _, place in self.layer.tiles_used()
            if self.names.first_use[place.buffer] == self.number
        }

    def _scratch_name(self, call: Call) -> str:
        """The enum constant of a call's working memory."""
        calls = [c for c in self.layer.calls if c.scratch is not None]
        which = f"_{calls.index(call)}" if len(calls) > 1 else ""
        return f"{self.program.name}_{self.number:02d}_scratch{which}".upper()

    def _loop(self, loop: Loop) -> Iterator[str]:
        steps, tiles = loop.iterations, str(loop.tiles)
        if loop.part is not None:
            tiles = "tiles"
            yield f"const int32_t tiles = {tile_count(loop.part)};"
        if len(steps) == loop.tiles:  # nothing is done ahead or afterwards
            yield f"for (int32_t tile = 0; tile < {tiles}; ++tile) {{"
            block = [item.action for item in loop.body]
            lines = [line for some in self._by_condition(block) for line in some]
            yield from _indented([*part_lines(loop, lines), *lines])
            yield "}"
            return
        stop = plus(tiles, steps.stop - loop.tiles)
        yield f"for (int32_t step = {steps.start}; step < {stop}; ++step) {{"
        for shift, block in runs_of_tiles(loop.body):
            lines = [line for some in self._by_condition(block) for line in some]
            lines = [*part_lines(loop, lines), *lines]
            test = guard(shift, loop, tiles)
            yield f"  {f'if ({test}) ' if test else ''}{{ // {meaning(shift)}"
            if any(TILE.search(line) for line in lines):
                yield f"    const int32_t tile = step{signed(shift)};"
            yield from _indented(_indented(lines))
            yield "  }"
        yield "}"

    def _by_condition(self, block: list[Simple]) -> Iterator[list[str]]:
        """Actions that the same tiles do stand under one ``if``; a call has a scope of its own."""
        pairs = ((self.tables.condition(action.when), action) for action in block)
        for condition, group in groupby(pairs, key=lambda pair: pair[0]):
            lines = self._straight([action for _, action in group], has_scopes=True)
            yield [f"if ({condition}) {{", *_indented(lines), "}"] if condition else lines

    def _straight(self, actions: Sequence[Simple], *, has_scopes: bool) -> list[str]:
        """Actions one after another. What a call waits for stands between its arguments and the
        call: they are filled in while transfers and engines are at work.

        has_scopes  whether each call has a scope of its own
        """
        lines: list[str] = []
        waits: list[str] = []
        for action in actions:
            call = called(action)
            if isinstance(action, Wait | Join):
                waits += self._action(action)
            elif call is not None:
                text = [*self._arguments(call), *waits, *self._action(action)]
                lines += ["{", *_indented(text), "}"] if has_scopes else text
                waits = []
            else:
                lines += [*waits, *self._action(action)]
                waits = []
        return [*lines, *waits]

    def _action(self, action: Simple) -> Iterator[str]:
        match action:
            case Call():
                items = self._items(action)
                yield from call_lines(action, self._symbol(action), items, self._scratch(action))
            case Offload(call, job):
                at, items = f"jobs + {job}", self._items(call)
                yield from offload_lines(call, at, self._symbol(call), items, self._scratch(call))
            case Join() if action.left != 0:
                left = self.tables.number(action.left, "left")
                what = self.notes.label(action.value)
                yield f"tw_join_but(jobs + {action.job}, {left}); // for {what}"
            case Join():
                yield f"tw_join(jobs + {action.job}); // for {self.notes.label(action.value)}"
            case Load(transfer):
                yield from self._transfer("tw_load", transfer)
            case Store(transfer):
                yield from self._transfer("tw_store", transfer)
            case Wait():
                what = self.notes.label(action.value)
                yield f"tw_wait({self._channel(action.channel)}); // for {what}"
            case Keep():
                front = self._near(action.place)
                start = self.tables.number(action.start, "kept_from")
                size = self.tables.number(action.size, "kept")
                arguments = [front, f"{front} + {start}", f"(size_t){size}"]
                yield from wrapped("memmove(", arguments, ");")

    def _transfer(self, function: str, transfer: Transfer) -> Iterator[str]:
        far = self._far(transfer.value, transfer.type, transfer.far)
        near = self._near(transfer.near)
        channel = self._channel(transfer.channel)
        box = f"&(tw_box){{{self._box(transfer.box)}}}"
        yield from wrapped(f"{function}(", [channel, near, far, box], ");")

    def _box(self, box: Box) -> str:
        parts = [f".run = {self.tables.number(box.run, 'run')}"]
        if box.counts:
            counts = ", ".join(self.tables.number(c, "count") for c in reversed(box.counts))
            strides = ", ".join(map(str, reversed(box.strides)))
            parts += [f".count = {{{counts}}}", f".stride = {{{strides}}}"]
        return ", ".join(parts)

    def _channel(self, channel: Index) -> str:
        return self.tables.sum("channels", channel, "channel")

    def _near(self, place: InTile) -> str:
        base = base_name(self.program, place.memory)
        return self.tables.sum(f"{base} + {self.names.tiles[place.buffer]}", place.plus, "at")

    def _far(self, value: ValueName, type_: TensorType, place: Place) -> str:
        if isinstance(place, InTile):  # on the way between far and near
            return self._near(place)
        base = self.names.tensors.get(value, "")
        if isinstance(place, InConstant):
            array = self.program.constants[place.name]
            base, type_ = elements(self.names.constants[place.name], array), TensorType.of(array)
        return self.tables.sum(base, _elements(place.plus, type_.dtype.nbytes), "from")

    def _pointer(self, operand: Operand) -> str:
        if isinstance(operand.place, InTile):
            return f"(void *)({self._near(operand.place)})"
        return self._far(operand.value.name, operand.value.type, operand.place)

    def _arguments(self, call: Call) -> Iterator[str]:
        """The kernel's argument struct with every member named."""
        yield f"const {call.kernel.struct} args = {{"
        for pointer, operand in zip(call.kernel.pointers, (*call.inputs, call.output), strict=True):
            yield f"    .{pointer} = {self._pointer(operand)},"
        for member, value in self._fields(call).items():
            yield f"    .{member} = {value},"
        yield "};"

    def _scratch(self, call: Call) -> str | None:
        """Where the scratch of all cores starts."""
        if call.scratch is None:
            return None
        base = base_name(self.program, call.scratch.memory)
        return f"{base} + {self._scratch_name(call)}"

    def _items(self, call: Call) -> str:
        if call.numbers is not None:
            return self.tables.number(call.numbers.items, "items")
        items = tuple(call.kernel.items(p.op, p.signature) for p in call.filled)
        return self.tables.number(column(items), "items")

    def _symbol(self, call: Call) -> str:
        return f"{self.program.bundle}_{call.kernel.symbol}"

    def _bounded(self, value: Index | float, member: str) -> str:
        """C for a member of an argument struct that may depend on arguments."""
        if isinstance(value, float):
            return c_float(value)
        return str(value) if isinstance(value, Affine) else self.tables.number(value, member)

    def _fields(self, call: Call) -> dict[str, str]:
        if call.numbers is not None:
            return {name: self._bounded(n, name) for name, n in call.numbers.fields.items()}
        rows = [call.kernel.fields(p.op, p.signature) for p in call.filled]
        fields: dict[str, str] = {}
        for member in rows[0]:
            values = tuple(row[member] for row in rows)
            if isinstance(values[0], float):
                assert len(set(values)) == 1, f"{call.node}: {member} differs between tiles"
                fields[member] = c_float(values[0])
            else:
                index = column(tuple(int(value) for value in values))
                fields[member] = self.tables.number(index, member)
        return fields


def tile_tables(program: Program, names: CNames) -> dict[str, int]:
    """Bytes of every table that tells tiles apart: constants of the program, like weights."""
    sizes: dict[str, int] = {}
    for number, layer in enumerate(program.layers):
        if layer.tiles > 1:
            printed = LayerText.of(program, names, number)
            printed.text()
            sizes |= printed.tables.sizes()
    return sizes


def _elements(plus: Index, size: int) -> Index:
    if isinstance(plus, int):
        return plus // size
    if isinstance(plus, Affine | Sliced):
        return plus.divided(size)
    return Column(tuple(value // size for value in plus.values))


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    yield from (f"  {line}" for line in lines)
