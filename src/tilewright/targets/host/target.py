"""The machine that compiles: any 64-bit Linux with a C compiler.

Required tools         a C11 compiler (gcc or clang) for `run` and `verify`; none for `compile`
Environment variables  CC: the compiler to use
Build products         the bundle's folder of C; `run` builds a program in a temporary folder
Known limits           memories are unlimited unless --memory ram=SIZE,flash=SIZE says otherwise
"""

from tilewright.ir.target import Engine, Memory, Role, Target, Toolchain
from tilewright.targets.packs.portable.pack import PORTABLE

HOST = Target(
    name="host",
    summary="this machine, portable C11 kernels",
    memories=(
        Memory("ram", size=None, align=4, holds=frozenset({Role.ACTIVATION, Role.SCRATCH})),
        Memory("flash", size=None, align=4, holds=frozenset({Role.WEIGHT, Role.TABLE})),
    ),
    engines=(Engine("cpu", kind="core", works_in="ram", kernels=PORTABLE),),
    toolchain=Toolchain("host", "cc", ("-std=c11", "-O3", "-march=x86-64-v3")),
    constants_in="flash",
)
