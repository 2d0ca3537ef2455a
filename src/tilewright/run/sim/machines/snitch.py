"""A Snitch cluster: eight compute cores, a core that drives DMA and accelerator, and ITA.

Two sets of times: GVSOC is what GVSoC's `pulp.snitch.snitch_cluster_single` (June 2025) charges,
RTL what the cluster's hardware takes in simulation. docs/reference/simulator.md lists every
difference.
"""

from dataclasses import replace

from tilewright.run.sim.machine import (
    Cache,
    Core,
    Device,
    Domain,
    Ita,
    Kind,
    Machine,
    Memory,
    View,
    Window,
)  # fmt: skip
from tilewright.run.sim.snitch_timing import SnitchTiming

_KIB = 1024
_COMPUTE_CORES = 8
_ALL = (View.CLUSTER, View.DMA)
_FAR = 1  # marks memory outside the TCDM; what it costs is in the timing
_OUTER_BYTES = 32 * _KIB * _KIB
_EXTENSIONS = ("i", "m", "a", "f", "d", "xssr", "xfrep")

GVSOC = SnitchTiming(
    load_result=2,
    mul_blocks=4,
    mul_result=0,
    shares_units=False,
    jump=1,
    waits_for_destination=False,
    has_write_port=False,
    loads_hold=False,
    stores_conflict=False,
    amo_bank=1,
    amo_result=0,
    far_result=9,
    far_period=0,
    far_store=0,
    barrier=0,
    fp_queue=16,
    fp_dispatch=1,
    fp_latency=(4, 2, 2, 3, 11, 1, 1),
    fp_to_integer=(2, 2, 2, 2, 2, 2, 2),
    fp_drains=True,
    has_fdiv=True,
    fp_load_holds=True,
    stream_latency=1,
    same_stream=True,
    line_shift=5,
    prefetches=False,
    traps_misaligned=False,
    dma_is_split=True,
    dma_start=2,
    dma_far_read=0,
    dma_line=2,
    dma_result=0,
)

RTL = SnitchTiming(
    load_result=3,
    mul_blocks=0,
    mul_result=3,
    shares_units=True,
    jump=0,
    waits_for_destination=True,
    has_write_port=True,
    loads_hold=True,
    stores_conflict=True,
    amo_bank=3,
    amo_result=3,
    far_result=10,
    far_period=9,
    far_store=8,
    barrier=1,
    fp_queue=32,
    fp_dispatch=2,
    fp_latency=(4, 2, 2, 3, 11, 4, 1),
    fp_to_integer=(3, 3, 2, 3, 3, 3, 3),
    fp_drains=False,
    has_fdiv=False,
    fp_load_holds=False,
    stream_latency=1,
    same_stream=False,
    line_shift=6,
    prefetches=True,
    traps_misaligned=True,
    dma_is_split=False,
    dma_start=8,
    dma_far_read=3,
    dma_line=3,
    dma_result=3,
)


def _core(index: int, extensions: tuple[str, ...], misa: int) -> Core:
    return Core(
        hartid=index,
        view=View.CLUSTER,
        domain=Domain.CLUSTER,
        extensions=extensions,
        cache=Cache(sets=0, ways=0, refill=0),
        fetch_latency=0,
        starts=True,
        is_snitch=True,
        misa=misa,
    )


def _machine(timing: SnitchTiming, cache: Cache, misa: int, fill: int, *more: str) -> Machine:
    compute = tuple(_core(i, (*_EXTENSIONS, *more), misa) for i in range(_COMPUTE_CORES))
    dma = _core(_COMPUTE_CORES, ("i", "m", "a", "f", "d", "xdma", *more), misa)
    return Machine(
        name="snitch",
        cores=(*compute, dma),
        memories=(
            Memory("tcdm", 128 * _KIB, banks=32, word=8, fill=fill),
            Memory("outer", _OUTER_BYTES),
        ),
        windows=(
            Window(_ALL, 0x1000_0000, 128 * _KIB, "tcdm"),
            Window((View.CLUSTER,), 0x1002_0000, 64 * _KIB, Device.SNITCH_PERIPHERALS,
                   kind=Kind.DEVICE),
            Window(_ALL, 0x1003_0000, 64 * _KIB, Device.ZERO_MEMORY, kind=Kind.DEVICE),
            Window(_ALL, 0x8000_0000, _OUTER_BYTES, "outer", latency=_FAR),
        ),
        cluster_period=2_353,  # 425 MHz
        fabric_period=2_353,
        shared_cache=cache,
        snitch=timing,
    )  # fmt: skip


SNITCH_GVSOC = _machine(GVSOC, Cache(sets=128, ways=2, refill=3), 0x4004_112D, 0x57, "c")
SNITCH_RTL = _machine(RTL, Cache(sets=128, ways=2, refill=10), 0x4080_1129, 0)


def _with_ita(machine: Machine, name: str, ita: Ita) -> Machine:
    window = Window((View.CLUSTER,), 0x1004_0000, _KIB, Device.ITA, kind=Kind.DEVICE)
    return replace(machine, name=name, ita=ita, windows=(*machine.windows, window))


_NEWEST = Ita(contexts=4, softmax_shift=0)
_SHIFT_5 = Ita(contexts=2, softmax_shift=5)
SNITCH_ITA_GVSOC = _with_ita(SNITCH_GVSOC, "snitch-ita", _NEWEST)
SNITCH_ITA_RTL = _with_ita(SNITCH_RTL, "snitch-ita", _NEWEST)
SNITCH_ITA5_GVSOC = _with_ita(SNITCH_GVSOC, "snitch-ita-shift5", _SHIFT_5)
SNITCH_ITA5_RTL = _with_ita(SNITCH_RTL, "snitch-ita-shift5", _SHIFT_5)
