"""A plan and the judge, in one call; programs in which one call is not as planned."""

from collections.abc import Callable
from dataclasses import replace

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.program import Call, Loop, Offload, Program, Simple, TileCall
from tilewright.ir.target import Target
from tilewright.pipeline import judged_program


def check_plan(plan: Plan, graph: Graph, target: Target) -> None:
    """Raises PlanError where the plan, or the program that it means, breaks an invariant."""
    judged_program(graph, plan, target, "net")


Pieces = tuple[TileCall | None, ...]


def with_pieces(program: Program, made: ValueName, change: Callable[[Pieces], Pieces]) -> Program:
    """The program in which the call that makes a value computes other pieces of it."""

    def edited(action: Simple) -> Simple:
        call = action.call if isinstance(action, Offload) else action
        if not isinstance(call, Call) or call.output.value.name != made:
            return action
        new = replace(call, pieces=change(call.pieces))
        return replace(action, call=new) if isinstance(action, Offload) else new

    layers = (
        replace(
            layer,
            actions=tuple(
                replace(
                    action,
                    body=tuple(replace(item, action=edited(item.action)) for item in action.body),
                )
                if isinstance(action, Loop)
                else edited(action)
                for action in layer.actions
            ),
        )
        for layer in program.layers
    )
    return replace(program, layers=tuple(layers))


def with_piece(
    program: Program, made: ValueName, tile: int, change: Callable[[TileCall], TileCall | None]
) -> Program:
    """The same for one tile."""

    def one(pieces: Pieces) -> Pieces:
        piece = pieces[tile]
        assert piece is not None
        return (*pieces[:tile], change(piece), *pieces[tile + 1 :])

    return with_pieces(program, made, one)
