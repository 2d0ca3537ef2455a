"""Transfers over several hops become one transfer per hop.

Between two memories that no DMA joins, a part of a tensor stops in a relay buffer in each memory on
the way. All hops but the last are waited for at once: the core stands still while they move, and
only the last one goes on beside the kernels::

    load    far ==> relay | wait | relay --> near        wait where the tile is needed
    store   near ==> relay | wait | relay --> far        wait where the relay is needed again
"""

from collections.abc import Iterator
from dataclasses import replace

from tilewright.ir.index import Column
from tilewright.ir.program import (
    Action,
    Box,
    Index,
    InTile,
    Layer,
    Load,
    Loop,
    Shifted,
    Simple,
    Store,
    Transfer,
    Wait,
    column,
)


def hop_by_hop(layer: Layer) -> Layer:
    """The same layer; every transfer in it uses one DMA."""
    return replace(layer, actions=tuple(_expanded(layer.actions)))


def _expanded(actions: tuple[Action, ...]) -> Iterator[Action]:
    for action in actions:
        if isinstance(action, Loop):
            body = (Shifted(item.shift, hop) for item in action.body for hop in _hops(item.action))
            yield replace(action, body=tuple(body))
        else:
            yield from _hops(action)


def _hops(action: Simple) -> Iterator[Simple]:
    match action:
        case Load(transfer) if transfer.hops:
            *before, last = _inwards(transfer)
            for hop in before:
                yield from (Load(hop), _end(hop))
            yield Load(last)
        case Store(transfer) if transfer.hops:
            *before, last = reversed([*_inwards(transfer)])
            for hop in before:
                yield from (Store(hop), _end(hop))
            yield Store(last)
        case _:
            yield action


def _end(hop: Transfer) -> Wait:
    return Wait(hop.channel, hop.value, hop.when)


def _inwards(transfer: Transfer) -> Iterator[Transfer]:
    """One transfer per hop, from far to near; what lies in a relay is dense."""
    far, box = transfer.far, transfer.box
    dense = Box(_bytes_of(transfer), (), ())
    for hop in transfer.hops:
        yield replace(transfer, dma=hop.dma, far=far, near=hop.relay, box=box, hops=())
        far, box = hop.relay, dense
    yield replace(transfer, far=far, box=box, hops=())


def _bytes_of(transfer: Transfer) -> Index:
    relay: InTile = transfer.hops[0].relay
    numbers = (transfer.box.run, *transfer.box.counts, relay.plus, transfer.when)
    tiles = max((len(n.values) for n in numbers if isinstance(n, Column)), default=1)
    return column(tuple(transfer.box.size(tile) for tile in range(tiles)))
