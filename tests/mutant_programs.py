"""Programs in which one action is missing, elsewhere, or says one other number."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from mutants import OF_PLANS, Drawn, Mutant, staged
from tilewright.ir.index import Column
from tilewright.ir.program import (
    Action,
    Box,
    Call,
    Index,
    InTile,
    Join,
    Keep,
    Layer,
    Load,
    Loop,
    Offload,
    Operand,
    Program,
    Shifted,
    Simple,
    Store,
    Transfer,
    Wait,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One action of a layer; ``loop``: the position of its loop among the layer's actions."""

    action: Simple
    loop: int | None
    shift: int = 0


def slots_of(layer: Layer) -> list[Slot]:
    slots: list[Slot] = []
    for number, action in enumerate(layer.actions):
        if isinstance(action, Loop):
            slots += [Slot(item.action, number, item.shift) for item in action.body]
        else:
            slots.append(Slot(action, None))
    return slots


def layer_of(layer: Layer, slots: list[Slot]) -> Layer | None:
    """The layer with these slots; None where its loop would be torn or empty."""
    actions: list[Action] = []
    last: int | None = None
    seen: set[int] = set()
    for slot in slots:
        if slot.loop is None:
            actions.append(slot.action)
        elif slot.loop == last:
            loop = actions[-1]
            assert isinstance(loop, Loop)
            item = Shifted(slot.shift, slot.action)
            actions[-1] = replace(loop, body=(*loop.body, item))
        else:
            if slot.loop in seen:
                return None
            seen.add(slot.loop)
            old = layer.actions[slot.loop]
            assert isinstance(old, Loop)
            actions.append(Loop(old.tiles, (Shifted(slot.shift, slot.action),)))
        last = slot.loop
    loops = sum(isinstance(action, Loop) for action in layer.actions)
    if len(seen) != loops:
        return None
    made = replace(layer, actions=tuple(actions))
    calls = {call.output.value.name: call for call in made.calls}
    seen_later = tuple(calls[call.output.value.name] for call in layer.observed)
    return replace(made, observed=seen_later)


def other(random: Random, index: Index, steps: list[int]) -> Index:
    """The index with one number, or all of them, changed by one of ``steps``."""
    step = random.choice(steps)
    if isinstance(index, int):
        return max(index + step, 0)
    if random.random() < 0.5:
        return Column(tuple(max(value + step, 0) for value in index.values))
    place = random.randrange(len(index.values))
    values = list(index.values)
    values[place] = random.choice([max(values[place] + step, 0), random.choice(values)])
    return Column(tuple(values))


def flipped(random: Random, when: Index) -> Index | None:
    """Another tile does it, or does it not."""
    if isinstance(when, int):
        return None
    place = random.randrange(len(when.values))
    values = (1 - v if i == place else v for i, v in enumerate(when.values))
    return Column(tuple(values))


Edit = Callable[[Random, Program, list[Slot], int], list[Slot] | None]


def removed(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    del random, program
    return [slot for i, slot in enumerate(slots) if i != at]


def moved(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """At another place of the layer, near its own more often."""
    del program
    step = random.choice([-3, -2, -1, -1, 1, 1, 2, 3])
    to = at + step
    if not 0 <= to < len(slots) or slots[to].loop != slots[at].loop:
        return None
    rest = [slot for i, slot in enumerate(slots) if i != at]
    return [*rest[:to], slots[at], *rest[to:]]


def shifted(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """For a tile before or after."""
    del program
    slot = slots[at]
    if slot.loop is None:
        return None
    return changed(slots, at, replace(slot, shift=slot.shift + random.choice([-1, 1])))


def changed(slots: list[Slot], at: int, slot: Slot) -> list[Slot]:
    return [slot if i == at else old for i, old in enumerate(slots)]


def retimed(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """For other tiles."""
    del program
    slot = slots[at]
    match slot.action:
        case Load(transfer) | Store(transfer):
            when = flipped(random, transfer.when)
            made: Simple | None = (
                when is not None and type(slot.action)(replace(transfer, when=when))
            ) or None
        case Wait() | Join() | Keep():
            when = flipped(random, slot.action.when)
            made = None if when is None else replace(slot.action, when=when)
        case _:
            made = None
    return None if made is None else changed(slots, at, replace(slot, action=made))


def repieced(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """In other pieces, or in none."""
    del program
    slot, action = slots[at], slots[at].action
    call = action.call if isinstance(action, Offload) else action
    if not isinstance(call, Call):
        return None
    old = call.piece_items
    choices = [0, 2 * old, max(old // 2, 1), old + 1] if old else [1, 4, 8]
    items = random.choice([c for c in choices if c != old])
    new = replace(call, piece_items=items)
    made = replace(action, call=new) if isinstance(action, Offload) else new
    return changed(slots, at, replace(slot, action=made))


def rechannelled(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """On another channel."""
    slot = slots[at]
    if not isinstance(slot.action, Load | Store | Wait):
        return None
    old = slot.action.channel if isinstance(slot.action, Wait) else slot.action.transfer.channel
    channel = other(random, old, [-1, 1])
    most = max(channel.values) if isinstance(channel, Column) else channel
    if channel == old or most >= program.channels:
        return None
    if isinstance(slot.action, Wait):
        made: Simple = replace(slot.action, channel=channel)
    else:
        made = type(slot.action)(replace(slot.action.transfer, channel=channel))
    return changed(slots, at, replace(slot, action=made))


def boxed(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """A transfer of another box, from or to somewhere else; kept rows likewise."""
    del program
    slot, action = slots[at], slots[at].action
    if isinstance(action, Keep):
        member = random.choice(["start", "size"])
        value = other(random, getattr(action, member), [-4, -1, 1, 4])
        return changed(slots, at, replace(slot, action=replace(action, **{member: value})))
    if not isinstance(action, Load | Store):
        return None
    made = type(action)(_other_transfer(random, action.transfer))
    return None if made == action else changed(slots, at, replace(slot, action=made))


def _other_transfer(random: Random, transfer: Transfer) -> Transfer:
    box = transfer.box
    match random.choice(["run", "counts", "strides", "far", "near"]):
        case "counts" if box.counts:
            place = random.randrange(len(box.counts))
            counts = list(box.counts)
            counts[place] = other(random, counts[place], [-1, 1])
            return replace(transfer, box=replace(box, counts=tuple(counts)))
        case "strides" if box.strides:
            place = random.randrange(len(box.strides))
            strides = list(box.strides)
            strides[place] += random.choice([-4, -1, 1, 4])
            return replace(transfer, box=Box(box.run, box.counts, tuple(strides)))
        case "far":
            width = transfer.type.dtype.nbytes
            plus = other(random, transfer.far.plus, [-width, width, 4 * width])
            return replace(transfer, far=replace(transfer.far, plus=plus))
        case "near":
            plus = other(random, transfer.near.plus, [-16, -4, 4, 16])
            return replace(transfer, near=replace(transfer.near, plus=plus))
        case _:
            return replace(transfer, box=replace(box, run=other(random, box.run, [-1, 1, 4])))


def displaced(random: Random, program: Program, slots: list[Slot], at: int) -> list[Slot] | None:
    """A kernel looks for an operand elsewhere: in the other copy, a row further."""
    del program
    slot, action = slots[at], slots[at].action
    call = action.call if isinstance(action, Offload) else action
    if not isinstance(call, Call):
        return None
    operands = [*call.inputs, call.output]
    number = random.randrange(len(operands))
    width = operands[number].value.type.dtype.nbytes
    operands[number] = _displaced(random, operands[number], width)
    new = replace(call, inputs=tuple(operands[:-1]), output=operands[-1])
    if new == call:
        return None
    made = replace(action, call=new) if isinstance(action, Offload) else new
    return changed(slots, at, replace(slot, action=made))


def _displaced(random: Random, operand: Operand, width: int) -> Operand:
    place = operand.place
    if not isinstance(place, InTile) and isinstance(place.plus, int):
        return operand  # whole tensors have one name in the C
    plus = other(random, place.plus, [-4 * width, -width, width, 4 * width, 16 * width])
    return replace(operand, place=replace(place, plus=plus))


OF_LAYERS: dict[str, tuple[type | tuple[type, ...], Edit]] = {
    "wait": (Wait, removed),
    "join": (Join, removed),
    "position": (object, moved),
    "shift": (object, shifted),
    "tiles": (object, retimed),
    "piece": ((Call, Offload), repieced),
    "channel": ((Load, Store, Wait), rechannelled),
    "box": ((Load, Store, Keep), boxed),
    "place": ((Call, Offload), displaced),
}
KINDS = (*OF_PLANS, *OF_LAYERS, "order")


def mutate(random: Random, drawn: Drawn, kind: str) -> Mutant | None:
    """One change of a kind; None where the program has nothing of the kind, or it changes none."""
    program: Program | None
    if kind in OF_PLANS:
        plan = OF_PLANS[kind](random, drawn)
        if plan is None:
            return None
        program = staged(drawn, plan)
    elif kind == "order":
        layers = list(drawn.program.layers)
        if len(layers) < 2:
            return None
        at = random.randrange(len(layers) - 1)
        layers[at : at + 2] = [layers[at + 1], layers[at]]
        program = replace(drawn.program, layers=tuple(layers))
    else:
        program = _with_edit(random, drawn.program, kind)
        if program is None:
            return None
    is_same = program is not None and program.layers == drawn.program.layers
    return None if is_same else Mutant(kind, program)


def _with_edit(random: Random, program: Program, kind: str) -> Program | None:
    wanted, edit = OF_LAYERS[kind]
    places = [
        (number, at)
        for number, layer in enumerate(program.layers)
        for at, action in enumerate(layer.flat())
        if isinstance(action, wanted)
    ]
    if not places:
        return None
    number, at = random.choice(places)
    layer = program.layers[number]
    slots = edit(random, program, slots_of(layer), at)
    made = None if slots is None else layer_of(layer, slots)
    if made is None:
        return None
    layers = [made if i == number else old for i, old in enumerate(program.layers)]
    return replace(program, layers=tuple(layers))
