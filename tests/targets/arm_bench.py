"""Runs drawn cases on an emulated Cortex-M: one image that holds all operands and results."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tilewright
from case import Case
from targets.kernel_bench import bytes_read, forward_distance
from tilewright.ir.target import Kernel
from tilewright.ir.types import Array, TensorType

RUNTIME = Path(tilewright.__path__[0]) / "runtime"
GUARD = 16
"""Bytes after output and scratch that must stay as they were."""

BOARD = """
#include "tilewright.h"
#include <string.h>

enum { CPACR = 0xE000ED88, GUARD = 16, FILL = 0xA5, REPORT = 0x20, STOPPED = 0x20026, GOOD = 42 };

int main(void);
extern const struct { int (*run)(void); } cases[];
extern const int32_t case_count;

static void leave(int code) {
  const uint32_t block[2] = {STOPPED, (uint32_t)code};
  register uint32_t operation __asm__("r0") = REPORT;
  register const void *argument __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" ::"r"(operation), "r"(argument) : "memory");
  for (;;) {
  }
}

void reset(void) {
  *(volatile uint32_t *)CPACR |= 0xF << 20;
  __asm__ volatile("dsb\\n\\tisb");
  leave(main());
}
void fault(void) { leave(GOOD + 1); }

__attribute__((section(".vectors"), used)) void *const vectors[16] = {
    (void *)0x20400000, reset, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault};

/// Whether bytes differ, or any of the GUARD bytes behind them has been written.
int differs(const int8_t *made, const int8_t *expected, int32_t count) {
  int wrong = memcmp(made, expected, (size_t)count) != 0;
  for (int32_t i = 0; i < GUARD; i++) {
    wrong |= (uint8_t)made[count + i] != FILL;
  }
  return wrong;
}

int main(void) {
  for (int32_t i = 0; i < case_count; i++) {
    if (cases[i].run() != 0) {
      return GOOD + 2 + i;
    }
  }
  return GOOD;
}
"""

LINKER_SCRIPT = """
MEMORY {
  code : ORIGIN = 0, LENGTH = 4M
  ram : ORIGIN = 0x20000000, LENGTH = 3M
}
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.data*) } > code
  .ARM.exidx : { *(.ARM.exidx*) } > code
  .bss (NOLOAD) : { *(.bss*) *(COMMON) } > ram
}
"""

COMPILE = (
    "arm-none-eabi-gcc", "-std=c11", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard",
    "-mfpu=fpv4-sp-d16",
)  # fmt: skip
EMULATE = (
    "qemu-system-arm", "-machine", "mps2-an386", "-display", "none", "-monitor", "none",
    "-serial", "none", "-no-reboot", "-semihosting-config", "enable=on,target=native", "-kernel",
)  # fmt: skip
GOOD, FAULT = 42, 43
MOST_CASES = 255 - FAULT
"""Exit codes end at 255."""


def missing_tool() -> str | None:
    """The first program that is not installed."""
    return next((t for t in (COMPILE[0], EMULATE[0]) if shutil.which(t) is None), None)


@dataclass(frozen=True)
class Image:
    """Cases in one program.

    is_shared  the output follows the first input in the same memory, as closely as it may
    """

    cases: Sequence[tuple[Kernel, Case]]
    is_shared: bool = False

    def run(self, folder: Path, level: str = "-O2") -> None:
        """Raise AssertionError naming the first case that differs from its definition."""
        assert len(self.cases) <= MOST_CASES
        (folder / "board.c").write_text(BOARD)
        (folder / "board.ld").write_text(LINKER_SCRIPT)
        (folder / "cases.c").write_text(self._text())
        kernels = {kernel.source for kernel, _ in self.cases}
        includes = {f"-I{p.parent}" for k, _ in self.cases for p in (k.source, *k.includes)}
        program = folder / "cases.elf"
        _check(
            *COMPILE, level, f"-I{RUNTIME}", *sorted(includes), str(folder / "board.c"),
            str(folder / "cases.c"), *map(str, sorted(kernels)), "-nostartfiles",
            "--specs=nano.specs", "-T", str(folder / "board.ld"), "-o", str(program),
        )  # fmt: skip
        done = subprocess.run(
            [*EMULATE, str(program)], capture_output=True, timeout=60, check=False
        )
        code = done.returncode
        assert code != FAULT, f"{level}: the processor took a fault"
        assert code >= GOOD, f"{level}: the emulator ended with {code}: {done.stderr.decode()}"
        if code > GOOD:
            kernel, case = self.cases[code - FAULT - 1]
            raise AssertionError(f"{level}: {kernel.symbol} differs from the definition: {case}")

    def _text(self) -> str:
        headers = sorted({kernel.header.name for kernel, _ in self.cases})
        parts = [f'#include "{name}"' for name in headers]
        parts += ["#include <string.h>", "int differs(const int8_t *, const int8_t *, int32_t);"]
        parts += [
            _case_text(i, kernel, case, closest(kernel, case) if self.is_shared else None)
            for i, (kernel, case) in enumerate(self.cases)
        ]
        table = ", ".join(f"{{run_{i}}}" for i in range(len(self.cases)))
        parts.append(f"const struct {{ int (*run)(void); }} cases[] = {{{table}}};")
        parts.append(f"const int32_t case_count = {len(self.cases)};")
        return "\n".join(parts)


def closest(kernel: Kernel, case: Case) -> int:
    """The smallest distance from the output's first byte to the first input's."""
    assert kernel.streaming is not None
    signature = case.signature
    reads = bytes_read(case.op, signature, 0, kernel.streaming.block_axes)
    return forward_distance(reads, signature.inputs[0].nbytes, signature.output.nbytes)


def _case_text(i: int, kernel: Kernel, case: Case, distance: int | None) -> str:
    """Operands, expected output and a function that says whether the kernel differs.

    distance  from output to first input in shared memory; None: each has its own
    """
    op, signature = case.op, case.signature
    constants = tuple(None if k < case.varying else a for k, a in enumerate(case.inputs))
    packed = kernel.pack(op, constants)
    operands = [a if p is None else p for a, p in zip(case.inputs, packed, strict=True)]
    expected = op.evaluate(*case.inputs)
    scratch = kernel.scratch_bytes(op, signature)
    arrays = [_array(f"in_{i}_{k}", a) for k, a in enumerate(operands)]
    pointers = [f".{name} = in_{i}_{k}" for k, name in enumerate(kernel.pointers[:-1])]
    y_at, size, copied = 0, expected.size, ""
    differs = f"differs(y, expected_{i}, {expected.size})"
    if distance is not None:
        x_at, y_at, in_bytes = max(distance, 0), max(-distance, 0), signature.inputs[0].nbytes
        size = max(x_at + in_bytes, y_at + expected.size)
        copied = f"memcpy(bytes + {x_at}, in_{i}_0, {in_bytes});"
        pointers[0] = f".{kernel.pointers[0]} = bytes + {x_at}"
        differs = f"memcmp(y, expected_{i}, {expected.size}) != 0"
    members = ", ".join(
        [
            *pointers,
            f".{kernel.pointers[-1]} = y",
            *(f".{name} = {value}" for name, value in kernel.fields(op, signature).items()),
        ]
    )
    items = kernel.items(op, signature)
    middle = items // 3
    return f"""
{chr(10).join(arrays)}
{_array(f"expected_{i}", expected)}
static int run_{i}(void) {{
  static _Alignas(4) int8_t bytes[{size} + {GUARD}], working[{scratch} + {GUARD}];
  memset(bytes, 0xA5, sizeof bytes);
  memset(working, 0xA5, sizeof working);
  {copied}
  int8_t *const y = bytes + {y_at};
  const {kernel.struct} args = {{{members}}};
  {kernel.symbol}(&args, (tw_work){{0, {middle}, 0, working}});
  {kernel.symbol}(&args, (tw_work){{{middle}, {items}, 0, working}});
  int wrong = {differs};
  return wrong | differs(working + {scratch}, working + {scratch}, 0);
}}"""


def _array(name: str, array: Array) -> str:
    flat = np.ascontiguousarray(array).reshape(-1)
    numbers = ", ".join(str(v) if v > -(2**31) else "INT32_MIN" for v in flat.tolist())
    return f"static const {TensorType.of(array).dtype.c} {name}[] = {{{numbers}}};"


def _check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
