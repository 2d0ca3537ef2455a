"""The clock that skips iterations tells the time of one that looks at all of them."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilewright.ir.graph import ValueName
from tilewright.midend.tiling.clock import Clock, Event, Kind

steady = settings(
    derandomize=True, deadline=None, max_examples=300, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
BESIDE = {ValueName("made"): "npu"}


@st.composite
def loops(draw: st.DrawFn) -> tuple[list[Event], int]:
    """(events, iterations): two tensors that are loaded, one that is stored, work on two engines;
    costs repeat themselves for most of the time."""
    tiles = draw(st.integers(1, 40))
    ahead = draw(st.integers(0, 1))

    def costs(before: int) -> tuple[int, ...]:
        changes = draw(st.lists(st.sampled_from([0, 3, 50]), min_size=3, max_size=3))
        period = draw(st.sampled_from([1, 1, 2, 7, 40]))
        alike = [changes[tile // period % 3] for tile in range(tiles)]
        return (0,) * before + tuple(alike) + (0,) * (3 - before)

    names = [ValueName(name) for name in ("a", "b", "y")]
    loads = {name: costs(0) for name in names[:2]}
    stores = costs(1)
    events = [Event(Kind.START, "dma", name, loads[name], 0) for name in names[:2]]
    events += [
        Event(Kind.WAIT, "dma", name, _later(loads[name], ahead), ahead) for name in names[:2]
    ]
    copies = draw(st.integers(1, 2))
    events.append(Event(Kind.WAIT, "out", names[2], _later(stores, copies), 1 + copies))
    if draw(st.booleans()):
        events.append(Event(Kind.BEGIN, "npu", names[2], costs(1), 1))
        events.append(Event(Kind.JOIN, "npu", names[2], costs(1), 1))
    events.append(Event(Kind.WORK, "", names[2], costs(1), 1))
    events.append(Event(Kind.START, "out", names[2], stores, 1))
    return events, tiles + 3


def _later(costs: tuple[int, ...], by: int) -> tuple[int, ...]:
    return (0,) * by + costs[: len(costs) - by]


def plainly(events: list[Event], iterations: int) -> tuple[int, dict[str, int], dict[str, int]]:
    """Every iteration, one after another: (core, engines, queues)."""
    now, jobs, free = 0, {"npu": 0}, {"dma": 0, "out": 0}
    done: dict[tuple[ValueName, int], int] = {}
    for iteration in range(iterations):
        for kind, who, name, costs, behind in events:
            cycles = costs[iteration]
            if not cycles:
                continue
            if kind is Kind.WORK:
                now += cycles
            elif kind is Kind.WAIT:
                now = max(now, done.get((name, iteration - behind), 0))
            elif kind is Kind.START:
                free[who] = max(now, free[who]) + cycles
                done[name, iteration - behind] = free[who]
            elif kind is Kind.BEGIN:
                jobs[who] = max(now, jobs[who]) + cycles
            else:
                now = max(now, jobs[who])
    return now, jobs, free


@steady
@given(loops())
def test_skipped_iterations_take_the_time_that_they_would(drawn: tuple[list[Event], int]) -> None:
    events, iterations = drawn
    now, jobs, free = plainly(events, iterations)
    clock = Clock({"dma": None, "out": None}, BESIDE)
    clock.run(events)
    assert clock.now == now
    assert max([now, *jobs.values(), *free.values()]) == max(
        [clock.now, *clock.jobs.values(), *clock.free.values()]
    )


def test_of_a_thousand_tiles_that_are_alike_few_are_looked_at() -> None:
    x = ValueName("x")
    events = [
        Event(Kind.START, "dma", x, (*[7] * 1000, 0), 0),
        Event(Kind.WAIT, "dma", x, (0, *[7] * 1000), 1),
        Event(Kind.WORK, "", x, (0, *[11] * 1000), 1),
    ]
    clock = Clock({"dma": None}, {})
    clock.run(events)
    assert clock.now == plainly(events, 1001)[0]
    assert clock.steps < 10
