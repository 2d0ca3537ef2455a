"""The GNU ld script of one program: what lies in L1 and in L2."""

from tilewright.run.cluster.runner import filled
from tilewright.targets.snitch.machine import (
    CORES,
    L1_BASE,
    L2_BASE,
    L2_BYTES,
    MASTER_STACK,
    RESERVED_BYTES,
    RESULTS_BASE,
    RESULTS_BYTES,
    WORKER_STACK,
)


def link_script(l1_arena: int) -> str:
    """The script's text. ``l1_arena``: bytes of the network's block in L1."""
    names = {
        "L1_BYTES": -(-l1_arena // 16) * 16 + RESERVED_BYTES,
        "STACKS": MASTER_STACK + CORES * WORKER_STACK,
        "MASTER": MASTER_STACK, "WORKER": WORKER_STACK,
        "L1_BASE": f"{L1_BASE:#x}", "L2_BASE": f"{L2_BASE:#x}", "L2_BYTES": L2_BYTES,
        "RESULTS_BASE": f"{RESULTS_BASE:#x}", "RESULTS_BYTES": RESULTS_BYTES,
    }  # fmt: skip
    return filled(_SCRIPT, names)


# L1 is no PT_LOAD segment: its content starts undefined.
_SCRIPT = """\
OUTPUT_ARCH(riscv)
ENTRY(_start)
MEMORY {
  L2 : ORIGIN = @L2_BASE@, LENGTH = @L2_BYTES@
  RESULTS : ORIGIN = @RESULTS_BASE@, LENGTH = @RESULTS_BYTES@
  L1 : ORIGIN = @L1_BASE@, LENGTH = @L1_BYTES@
}
master_stack_bytes = @MASTER@;
worker_stack_bytes = @WORKER@;
PHDRS { load PT_LOAD; given PT_LOAD; near PT_NULL; }
SECTIONS {
  .text : { KEEP(*(.text.start)) *(.text .text.*) . = ALIGN(64); } > L2 :load
  .tw_inputs : ALIGN(64) {
    inputs_start = .;
    KEEP(*(.tw_inputs))
    . = ALIGN(16);
  } > RESULTS :given
  .results (NOLOAD) : ALIGN(16) {
    layers_start = .;
    KEEP(*(.tw_layers))
    . = ALIGN(16);
    results_start = .;
  } > RESULTS :near
  results_stop = ORIGIN(RESULTS) + LENGTH(RESULTS);
  .tw_constants : ALIGN(64) { *_weights.o(.rodata .rodata.*) . = ALIGN(4); } > L2 :load
  .rodata : ALIGN(16) {
    *(.rodata .rodata.* .srodata .srodata.*)
    . = ALIGN(4);
  } > L2 :load
  .data : {
    __global_pointer$ = . + 0x800;
    *(.data .data.* .sdata .sdata.*)
    . = ALIGN(4);
  } > L2 :load
  .htif : ALIGN(64) {
    tohost = .;
    QUAD(0)
    . = ALIGN(64);
    fromhost = .;
    QUAD(0)
  } > L2 :load
  .bss (NOLOAD) : {
    bss_start = .;
    *(.bss .bss.* .sbss .sbss.* COMMON)
    . = ALIGN(4);
    bss_stop = .;
  } > L2 :near
  .tw_arena_l2 (NOLOAD) : ALIGN(64) { *(.tw_arena_l2) } > L2 :near
  unused_start = ALIGN(ADDR(.tw_arena_l2) + SIZEOF(.tw_arena_l2), 16);
  unused_stop = ORIGIN(L2) + LENGTH(L2);
  .tw_arena_l1 (NOLOAD) : ALIGN(16) { *(.tw_arena_l1) . = ALIGN(16); } > L1 :near
  .l1 (NOLOAD) : { *(.l1) } > L1 :near
  cluster_stacks_top = ORIGIN(L1) + LENGTH(L1);
  ASSERT(ADDR(.l1) + SIZEOF(.l1) <= cluster_stacks_top - @STACKS@, "L1 data reach the stacks")
  /DISCARD/ : { *(.comment) *(.eh_frame*) *(.riscv.attributes) }
}
"""
