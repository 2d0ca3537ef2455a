"""The GNU ld script of one program: what lies in L1, L2 and weight memory."""

from collections.abc import Iterable

from tilewright.run.cluster.runner import filled
from tilewright.targets.siracusa.machine import (
    L1_BASE,
    L2_BASE,
    L2_BYTES,
    MASTER_STACK,
    SHARED_BYTES,
    WMEM_BASE,
    WMEM_BYTES,
    WORKER_STACK,
)

FC_STACK = 1024


def link_script(l1_arena: int, cores: int, in_wmem: Iterable[str] = ()) -> str:
    """The script's text.

    l1_arena  bytes of the network's block in L1
    in_wmem   arrays that lie in weight memory
    """
    stacks = MASTER_STACK + (cores - 1) * WORKER_STACK
    names = {
        "L1_BYTES": -(-l1_arena // 16) * 16 + SHARED_BYTES + stacks,
        "STACKS": stacks, "MASTER": MASTER_STACK, "WORKER": WORKER_STACK, "FC_STACK": FC_STACK,
        "L1_BASE": f"{L1_BASE:#x}", "L2_BASE": f"{L2_BASE:#x}", "L2_BYTES": L2_BYTES,
        "WMEM_BASE": f"{WMEM_BASE:#x}", "WMEM_BYTES": WMEM_BYTES,
        "WEIGHTS": " ".join(f"*(.rodata.{name})" for name in in_wmem),
    }  # fmt: skip
    return filled(_SCRIPT, names)


# L1 is no PT_LOAD segment: its content starts undefined, and loaders of other simulators refuse it.
_SCRIPT = """\
OUTPUT_ARCH(riscv)
ENTRY(_start)
MEMORY {
  L2 : ORIGIN = @L2_BASE@, LENGTH = @L2_BYTES@
  L1 : ORIGIN = @L1_BASE@, LENGTH = @L1_BYTES@
  WMEM : ORIGIN = @WMEM_BASE@, LENGTH = @WMEM_BYTES@
}
master_stack_bytes = @MASTER@;
worker_stack_bytes = @WORKER@;
PHDRS { load PT_LOAD; weights PT_LOAD; near PT_NULL; }
SECTIONS {
  .text : { KEEP(*(.text.start)) *(.text .text.*) . = ALIGN(16); } > L2 :load
  .wmem : ALIGN(16) {
    @WEIGHTS@
    . = ALIGN(16);
    inputs_start = .;
    KEEP(*(.tw_inputs))
    . = ALIGN(16);
  } > WMEM :weights
  .results (NOLOAD) : ALIGN(16) {
    layers_start = .;
    KEEP(*(.tw_layers))
    . = ALIGN(16);
    results_start = .;
  } > WMEM :near
  results_stop = ORIGIN(WMEM) + LENGTH(WMEM);
  .tw_constants : ALIGN(16) { *_weights.o(.rodata .rodata.*) . = ALIGN(4); } > L2 :load
  .rodata : ALIGN(16) {
    *(.rodata .rodata.* .srodata .srodata.*)
    . = ALIGN(4);
  } > L2 :load
  .data : {
    *(.data .data.* .sdata .sdata.*)
    . = ALIGN(4);
  } > L2 :load
  .bss (NOLOAD) : {
    bss_start = .;
    *(.bss .bss.* .sbss .sbss.* COMMON)
    . = ALIGN(4);
    bss_stop = .;
  } > L2 :near
  .fc_stack (NOLOAD) : ALIGN(16) {
    fc_stack_bottom = .;
    . += @FC_STACK@;
    fc_stack_top = .;
  } > L2 :near
  .tw_arena_l2 (NOLOAD) : ALIGN(16) { *(.tw_arena_l2) } > L2 :near
  unused_start = ALIGN(ADDR(.tw_arena_l2) + SIZEOF(.tw_arena_l2), 16);
  unused_stop = ORIGIN(L2) + LENGTH(L2);
  .tw_arena_l1 (NOLOAD) : ALIGN(16) { *(.tw_arena_l1) . = ALIGN(16); } > L1 :near
  .l1 (NOLOAD) : { *(.l1) } > L1 :near
  cluster_stacks_top = ORIGIN(L1) + LENGTH(L1);
  ASSERT(ADDR(.l1) + SIZEOF(.l1) <= cluster_stacks_top - @STACKS@, "L1 data reach the stacks")
  /DISCARD/ : { *(.comment) *(.eh_frame*) *(.riscv.attributes) }
}
"""
