"""The timeline as Chrome and Perfetto trace JSON: tracks of cores, DMA and accelerator.

Times are cluster cycles, shown as microseconds. Trace Event Format, complete events ("X").
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from tilewright.errors import OptionError
from tilewright.run.sim.simulator import LOSSES, Simulator

_REGION, _DMA, JOBS_TRACK = 32, 64, 66
_LAYERS = 99
_PROCESS = 1

_Event: TypeAlias = dict[str, str | int | dict[str, str]]


def timeline_text(sim: Simulator, layers: Sequence[tuple[str, int, int]] = ()) -> str:
    """What record_timeline kept, and a track of ``layers``: names, first and last cycle."""
    events: list[_Event] = [_name(track, name) for track, name in _tracks(sim)]
    events += [_interval(*interval) for interval in sim.intervals()]
    if layers:
        events.append(_name(_LAYERS, "layers"))
        events += [_event(_LAYERS, name, start, end) for name, start, end in layers]
    return json.dumps({"traceEvents": events})


def write_timeline(sim: Simulator, path: Path) -> None:
    """Write what record_timeline kept. Raises OptionError where the file cannot be written."""
    try:
        path.write_text(timeline_text(sim), encoding="utf-8")
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None


def _tracks(sim: Simulator) -> list[tuple[int, str]]:
    accelerator = "N-EUREKA" if sim.machine.ita is None else "ITA"
    cores = [(i, f"core {i}") for i in range(len(sim.machine.cores))]
    return [*cores, (_DMA, "DMA to L1"), (_DMA + 1, "DMA from L1"), (JOBS_TRACK, accelerator)]


def _name(track: int, name: str) -> _Event:
    return {
        "name": "thread_name", "ph": "M", "pid": _PROCESS, "tid": track, "args": {"name": name},
    }  # fmt: skip


def _interval(track: int, what: int, start: int, end: int) -> _Event:
    return _event(_thread(track), _what(track, what), start, end)


def _event(thread: int, name: str, start: int, end: int) -> _Event:
    return {
        "name": name, "ph": "X", "pid": _PROCESS, "tid": thread, "ts": start, "dur": end - start,
    }  # fmt: skip


def _thread(track: int) -> int:
    return track - _REGION if _REGION <= track < _DMA else track


def _what(track: int, what: int) -> str:
    if track < _REGION:
        return f"asleep: {LOSSES[what]}"
    if track < _DMA:
        return f"region {what}"
    return f"{what} bytes" if track < JOBS_TRACK else f"job {what}"
