"""Siracusa: a fabric controller and a PULP cluster of nine cores with DMA and N-EUREKA.

Latencies are what GVSoC's model of the chip (June 2025) charges; docs/reference/simulator.md says
where that is known to differ from silicon, and SIRACUSA_SILICON corrects what can be.
"""

from dataclasses import replace

from tilewright.run.sim.machine import (
    Cache,
    Core,
    Device,
    Domain,
    Kind,
    Machine,
    Memory,
    View,
    Window,
)  # fmt: skip

_KIB = 1024
_CLUSTER_CORES = 9
_FPUS = 4
_INTERCONNECT = 2  # cycles through the cluster's interconnect
_TO_SOC = 12  # cycles from the cluster to the system bus, and back
_APB = 8  # cycles of the peripheral bus

_C, _F, _D = View.CLUSTER, View.FABRIC, View.DMA
_FROM_CLUSTER = _INTERCONNECT + _TO_SOC


def _memory_windows() -> tuple[Window, ...]:
    l1, l2 = 256 * _KIB, 1984 * _KIB
    return (
        Window((_C, _D), 0x1000_0000, l1, "l1"),
        Window((_C,), 0x0000_0000, l1, "l1"),
        Window((_F,), 0x1000_0000, l1, "l1", latency=_FROM_CLUSTER),
        Window((_C,), 0x1010_0000, l1, "l1", kind=Kind.TEST_AND_SET),
        Window((_C,), 0x1040_0000, 8192 * _KIB, "wmem", latency=2 * _INTERCONNECT),
        Window((_D,), 0x1040_0000, 8192 * _KIB, "wmem"),
        Window((_F,), 0x1040_0000, 8192 * _KIB, "wmem", latency=_FROM_CLUSTER + _INTERCONNECT),
        Window((_C,), 0x1C00_0000, 64 * _KIB, "private", latency=_FROM_CLUSTER),
        Window((_F, _D), 0x1C00_0000, 64 * _KIB, "private"),
        Window((_F,), 0x0000_0000, 64 * _KIB, "private"),
        Window((_C,), 0x1C01_0000, l2, "l2", latency=_FROM_CLUSTER),
        Window((_F, _D), 0x1C01_0000, l2, "l2"),
    )


def _device(views: tuple[View, ...], base: int, size: int, which: Device, latency: int) -> Window:
    return Window(views, base, size, which, latency=latency, kind=Kind.DEVICE)


def _cluster_devices() -> tuple[Window, ...]:
    blocks = (
        (0x0000, Device.CLUSTER_CONTROL, 0x400),
        (0x0400, Device.TIMER, 0x400),
        (0x0800, Device.EVENT_UNIT, 0x800),
        (0x1000, Device.NEUREKA, 0x400),
        (0x1400, Device.ICACHE_CONTROL, 0x400),
        (0x1800, Device.MCHAN_EXTERNAL, 0x400),
    )
    demux = ((0x4000, Device.EVENT_UNIT_DEMUX, 0x400), (0x4400, Device.MCHAN_DEMUX, 0x400))
    near = tuple(
        _device((_C,), alias + offset, size, which, latency)
        for alias in (0x1020_0000, 0x0020_0000)
        for group, latency in ((blocks, _INTERCONNECT), (demux, 0))
        for offset, which, size in group
    )
    far = tuple(
        _device((_F,), 0x1020_0000 + offset, size, which, _FROM_CLUSTER)
        for offset, which, size in blocks
    )
    return near + far


def _soc_devices() -> tuple[Window, ...]:
    windows: list[Window] = []
    for views, latency in (((_C,), _FROM_CLUSTER + _APB), ((_F,), _APB)):
        windows += [  # the later window wins where two overlap
            _device(views, 0x1A10_0000, 0x10000, Device.PLAIN_REGISTERS, latency),
            _device(views, 0x1A10_F000, 0x1000, Device.STDOUT, latency),
            _device(views, 0x1A10_8800, 0x400, Device.FC_ICACHE_CONTROL, latency),
            _device(views, 0x1A10_B000, 0x800, Device.TIMER, latency),
        ]
    return tuple(windows)


def _cluster_core(index: int) -> Core:
    return Core(
        hartid=index,
        view=_C,
        domain=Domain.CLUSTER,
        extensions=("i", "m", "f", "c", "xpulp"),
        cache=Cache(sets=8 if index < _CLUSTER_CORES - 1 else 32, ways=4, refill=2),
        fetch_latency=_FROM_CLUSTER,
        shares_cache=True,
        fpu=index % _FPUS,
    )


def _fabric_controller() -> Core:
    return Core(
        hartid=0x3E0,
        view=_F,
        domain=Domain.FABRIC,
        extensions=("i", "m", "c", "xpulp"),
        cache=Cache(sets=32, ways=4, refill=2, is_on=False),
        fetch_latency=5,
        starts=True,
        starts_at=95,
    )


SIRACUSA = Machine(
    name="siracusa",
    cores=(*(_cluster_core(i) for i in range(_CLUSTER_CORES)), _fabric_controller()),
    memories=(
        Memory("l1", 256 * _KIB, banks=16),
        Memory("wmem", 8192 * _KIB),
        Memory("private", 64 * _KIB, domain=Domain.FABRIC),
        Memory("l2", 1984 * _KIB, banks=4, domain=Domain.FABRIC),
    ),
    windows=(*_memory_windows(), *_cluster_devices(), *_soc_devices()),
    cluster_period=13_882,
    fabric_period=20_000,
    shared_cache=Cache(sets=32, ways=4, refill=3, is_on=False),
)


def _as_silicon(core: Core) -> Core:
    # RI5CY multiplies in one cycle and loads floats like integers.
    return replace(core, timing=replace(core.timing, mul=0, mul_result=0, float_load=0))


SIRACUSA_SILICON = replace(SIRACUSA, cores=tuple(_as_silicon(c) for c in SIRACUSA.cores))
