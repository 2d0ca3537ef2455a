"""What must hold of the plans of one network's entries together: one arena serves them all."""

from collections.abc import Mapping

from tilewright.check.memory import PlanError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan


def check_entries(plans: Mapping[str, tuple[Graph, Plan]]) -> None:
    """Raises PlanError naming the first entry whose plan does not go with the others.

    Entries exclude each other in time, so their buffers may lie anywhere; what lives from one run
    to the next lies at one place in all of them, and nothing of any entry ever touches it.
    """
    where: dict[str, tuple[str, tuple[str, int, int]]] = {}
    for entry, (graph, plan) in plans.items():
        for state in graph.states:
            buffer = plan.buffer_of(state.before)
            if buffer is None:
                raise PlanError(f"entry {entry} keeps no place for state {state.name}")
            place = buffer.memory, buffer.offset, graph.type(state.before).nbytes
            first, known = where.setdefault(state.name, (entry, place))
            if known != place:
                places = f"at {known} in entry {first}, at {place} in {entry}"
                raise PlanError(f"state {state.name} lies {places}")
    for entry, (graph, plan) in plans.items():
        if missing := sorted(where.keys() - {state.name for state in graph.states}):
            raise PlanError(f"entry {entry} keeps no place for state {missing[0]}")
        kept = {plan.buffer_of(state.before) for state in graph.states}
        for buffer in plan.buffers:
            for memory, offset, size in (place for _, place in where.values()):
                is_apart = buffer.offset >= offset + size or buffer.bytes.stop <= offset
                if buffer not in kept and buffer.memory == memory and not is_apart:
                    raise PlanError(f"{buffer.name} of entry {entry} lies in a state")
