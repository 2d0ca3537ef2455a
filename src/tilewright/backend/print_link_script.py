"""Board → GNU ld script: every section in the region where the plan wants it."""

from collections.abc import Iterator

from tilewright.ir.board import Board

ARENA_SECTION = ".tw_arena"
"""Holds the network's arena, and nothing else."""

WEIGHTS_SECTION = ".tw_weights"
"""Holds weights and tables: all of *_weights.c."""


def print_link_script(board: Board, arena_in: str, stack_bytes: int | None = None) -> str:
    """The script's text. ``arena_in``: the region of ARENA_SECTION.

    Sections have the names that a size report should show. An object that defines the arena puts
    it into ARENA_SECTION; without one the section is empty.
    """
    return "\n".join(_lines(board, arena_in, stack_bytes or board.stack_bytes)) + "\n"


def _lines(board: Board, arena_in: str, stack_bytes: int) -> Iterator[str]:
    code, data = board.code_in, board.data_in
    yield f"/* {board.name}: where sections lie. */"
    yield "ENTRY(reset)"
    yield ""
    yield "MEMORY {"
    for region in board.regions:
        yield f"  {region.name} : ORIGIN = {region.origin:#010x}, LENGTH = {region.size:#x}"
    yield "}"
    yield ""
    yield "SECTIONS {"
    yield f"  .vectors : {{ KEEP(*(.vectors)) }} > {board.vectors_in}"
    yield f"  .text : {{ *(.text .text.*) }} > {code}"
    yield f"  {WEIGHTS_SECTION} : {{ *_weights.o(.rodata .rodata.*) }} > {code}"
    yield f"  .rodata : {{ *(.rodata .rodata.*) }} > {code}"
    yield "  .data : ALIGN(4) {"
    yield "    data_start = .;"
    yield "    *(.data .data.*)"
    yield "    . = ALIGN(4);"
    yield "    data_stop = .;"
    yield f"  }} > {data} AT > {code}"
    yield "  data_load = LOADADDR(.data);"
    yield "  .bss (NOLOAD) : ALIGN(4) {"
    yield "    bss_start = .;"
    yield "    *(.bss .bss.* COMMON)"
    yield "    . = ALIGN(4);"
    yield "    bss_stop = .;"
    yield f"  }} > {data}"
    yield "  .stack (NOLOAD) : ALIGN(8) {"
    yield "    stack_bottom = .;"
    yield f"    . += {stack_bytes};"
    yield "    stack_top = .;"
    yield f"  }} > {data}"
    yield f"  {ARENA_SECTION} (NOLOAD) : ALIGN(16) {{ *({ARENA_SECTION}) }} > {arena_in}"
    yield f"  unused_start = ALIGN(ADDR({ARENA_SECTION}) + SIZEOF({ARENA_SECTION}), 16);"
    yield f"  unused_stop = ORIGIN({arena_in}) + LENGTH({arena_in});"
    yield "  /DISCARD/ : { *(.ARM.exidx* .ARM.extab*) }"
    yield "}"
