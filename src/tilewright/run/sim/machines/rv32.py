"""Plain RV32 machines: one core, one memory, one cycle per access.

The map is that of QEMU's ``virt`` board as far as it goes (memory at 0x8000_0000, a 16550 at
0x1000_0000, the test finisher at 0x10_0000), so the same ELF file runs there too.
"""

from tilewright.run.sim.machine import (
    Cache,
    Core,
    Device,
    Domain,
    Kind,
    Machine,
    Memory,
    Timing,
    View,
    Window,
)  # fmt: skip

_ALL = (View.CLUSTER,)


def _machine(name: str, extensions: tuple[str, ...]) -> Machine:
    core = Core(
        hartid=0,
        view=View.CLUSTER,
        domain=Domain.CLUSTER,
        extensions=extensions,
        cache=Cache(sets=0, ways=0, refill=0, is_on=False),
        fetch_latency=0,
        timing=Timing(mul=0, mul_result=0, mulh=0, float_load=0, float_divide=13, divide_fixed=31),
        starts=True,
    )
    return Machine(
        name=name,
        cores=(core,),
        memories=(Memory("ram", 0x80_0000),),
        windows=(
            Window(_ALL, 0x8000_0000, 0x80_0000, "ram"),
            Window(_ALL, 0x1000_0000, 0x100, Device.UART, kind=Kind.DEVICE),
            Window(_ALL, 0x0010_0000, 0x1000, Device.FINISHER, kind=Kind.DEVICE),
        ),
        cluster_period=10_000,
        fabric_period=10_000,
    )


RV32IMAC = _machine("rv32imac", ("i", "m", "a", "c"))
RV32IMFC = _machine("rv32imfc", ("i", "m", "a", "f", "c"))
