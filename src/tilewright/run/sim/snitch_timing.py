"""How long things take on a Snitch cluster; two named sets are in machines/snitch.py."""

from dataclasses import dataclass
from typing import TypeAlias

PerUnit: TypeAlias = tuple[int, int, int, int, int, int, int]
"""Add and multiply, move and minimum, comparison, conversion, division, load, store."""


@dataclass(frozen=True, slots=True)
class SnitchTiming:
    """Cycles, unless a name says otherwise. Order and meaning as tw_snitch_timing of core/snitch.h.

    load_result       from issue until the result is at the write port; used one cycle later
    mul_blocks        that a multiplication holds the core beyond the first, where units are private
    mul_result        as load_result, where one multiplier and one divider serve all cores
    jump              of jal and jalr beyond the first
    loads_hold        a core whose bank is taken waits in the load, not where the value is used
    amo_bank          that an atomic holds its bank
    far_result        as load_result, outside the TCDM; far_period: half cycles between two accesses
    far_store         until a store outside is done
    barrier           beyond the first from the last arrival on
    fp_queue          instructions that the floating-point sequencer holds
    fp_dispatch       from the core's issue to the subsystem's
    fp_latency        until a dependent instruction may issue
    fp_to_integer     until the core may use the result
    fp_drains         results for the core, and loads, wait until the pipeline is empty
    fp_load_holds     an integer instruction right after a floating-point load waits for its data
    stream_latency    from a stream's request to its data
    same_stream       an instruction whose two operands are one stream takes a cycle more
    line_shift        log2 of an instruction cache line's bytes
    dma_is_split      bursts of 4 KiB inwards are not overlapped, the TCDM is not disturbed
    dma_start         from the command to the first beat; dma_far_read: more from outside the TCDM
    dma_line          half cycles that a line takes at least
    dma_result        as load_result, of Xdma's instructions
    """

    load_result: int
    mul_blocks: int
    mul_result: int
    shares_units: bool
    jump: int
    waits_for_destination: bool
    has_write_port: bool
    loads_hold: bool
    stores_conflict: bool
    amo_bank: int
    amo_result: int
    far_result: int
    far_period: int
    far_store: int
    barrier: int
    fp_queue: int
    fp_dispatch: int
    fp_latency: PerUnit
    fp_to_integer: PerUnit
    fp_drains: bool
    has_fdiv: bool
    fp_load_holds: bool
    stream_latency: int
    same_stream: bool
    line_shift: int
    prefetches: bool
    traps_misaligned: bool
    dma_is_split: bool
    dma_start: int
    dma_far_read: int
    dma_line: int
    dma_result: int

    def as_numbers(self) -> tuple[int, ...]:
        """The numbers in the order of tw_snitch_timing."""
        return (
            self.load_result, self.mul_blocks, self.mul_result, int(self.shares_units), self.jump,
            int(self.waits_for_destination), int(self.has_write_port), int(self.loads_hold),
            int(self.stores_conflict),
            self.amo_bank, self.amo_result, self.far_result,
            self.far_period, self.far_store, self.barrier, self.fp_queue, self.fp_dispatch,
            *self.fp_latency, *self.fp_to_integer, int(self.fp_drains), int(self.has_fdiv),
            int(self.fp_load_holds), self.stream_latency, int(self.same_stream), self.line_shift,
            int(self.prefetches), int(self.traps_misaligned), int(self.dma_is_split),
            self.dma_start, self.dma_far_read, self.dma_line, self.dma_result,
        )  # fmt: skip
