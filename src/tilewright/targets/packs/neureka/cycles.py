"""How long a job of N-EUREKA takes: exact where nothing else uses L1.

Per output tile and tile of output channels: fetch sums that are added to, then for every tile of
input channels load and multiply, then rescale, then write. With prefetching a multiplication runs
beside the next load.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tilewright.targets.packs.neureka.job import TILE, Job, Mode, Out, last_of, tiles

AROUND = 8
"""From the store that starts a job to the core that goes on when it is over."""

BETWEEN = 1
"""From the end of a job to the start of the one that waits behind it."""


@dataclass(frozen=True, slots=True)
class _Tile:
    """One output tile; ``pixels`` of input are read for it."""

    channels: int
    rows: int
    columns: int
    pixels: int
    is_last: bool
    """Of its output channels."""
    is_partial: bool
    """The last output channels, and no full tile of 32."""


def job_cycles(job: Job, *, in_weight_memory: bool = True) -> int:
    """From the start of a job to its end, on an idle L1.

    in_weight_memory  where weights lie; matters where every channel is on its own
    """
    total, hidden = AROUND, 0
    multiply = _multiply_cycles(job, in_weight_memory=in_weight_memory)
    setup = {Mode.DEPTHWISE: 34, Mode.WINDOW: 6, Mode.POINT: 7 if job.prefetches else 10}[job.mode]
    for tile in _tiles(job):
        work = multiply[tile.channels]
        total += _fetch_cycles(job, tile)
        load = max(tile.pixels, 42) if job.mode is Mode.POINT else tile.pixels
        for part in range(job.in_tiles):
            total += 6 + load
            if not job.prefetches:
                total += setup + work
                continue
            total += max(0, hidden - (load + 3)) + setup
            is_last = tile.is_last and part == job.in_tiles - 1
            total += work if is_last else 0
            # What the engine's model hides of a depthwise product is one channel's share.
            beside = job.weight_bits if job.mode is Mode.DEPTHWISE else work
            hidden = setup + (0 if is_last else beside)
        total += _finish_cycles(job, tile)
        hidden = 0 if tile.is_last else hidden
    return total


def _tiles(job: Job) -> Iterator[_Tile]:
    n_rows, n_columns = tiles(job.rows, TILE), tiles(job.columns, TILE)
    for o in range(job.out_tiles):
        is_end = o == job.out_tiles - 1
        channels = last_of(job.outputs, job.sub_out) if is_end else job.sub_out
        for i in range(n_rows):
            rows = last_of(job.rows, TILE) if i == n_rows - 1 else TILE
            in_rows = rows + job.kernel - 1 - (job.pads[2] if i == n_rows - 1 else 0)
            for j in range(n_columns):
                columns = last_of(job.columns, TILE) if j == n_columns - 1 else TILE
                in_columns = columns + job.kernel - 1 - (job.pads[3] if j == n_columns - 1 else 0)
                is_last = i == n_rows - 1 and j == n_columns - 1
                yield _Tile(
                    channels, rows, columns, in_rows * in_columns, is_last,
                    is_end and channels != 32,
                )  # fmt: skip


def _multiply_cycles(job: Job, *, in_weight_memory: bool) -> dict[int, int]:
    """Output channels of a tile → cycles."""
    sizes = {job.sub_out, last_of(job.outputs, job.sub_out)}
    if job.mode is Mode.POINT:
        return {size: size for size in sizes}
    if job.mode is Mode.WINDOW:
        return {size: size * job.weight_bits + 8 for size in sizes}
    return {size: (size if in_weight_memory else 1) * job.weight_bits for size in sizes}


def _fetch_cycles(job: Job, tile: _Tile) -> int:
    """Reading the sums that are added to."""
    return 10 + tile.rows * tile.columns * tiles(tile.channels, 8) if job.adds else 0


def _finish_cycles(job: Job, tile: _Tile) -> int:
    """Rescaling and writing. Columns beyond the tile's take time, too, but in the last row."""
    cycles = 3 if job.mode is Mode.POINT else 0
    if job.rescale is not None:
        bits = job.rescale.scale_bits
        scales = tiles(tile.channels, 32 // bits) if tile.is_partial else bits
        cycles += scales + 21 + (job.rescale.shift is None)
    beats = tiles(tile.channels, 8) if job.out is Out.SUMS else 1
    return cycles + ((tile.rows - 1) * TILE + tile.columns) * beats
