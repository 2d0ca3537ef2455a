"""Board → GNU ld script: every section in the region where the plan wants it."""

from collections.abc import Iterator, Mapping

from tilewright.targets.cortex_m.board import Board

ARENA_SECTION = ".tw_arena"
"""Holds the network's arena, and nothing else."""

CONSTANTS_SECTION = ".tw_constants"
"""Holds weights and tables: all of NAME_weights.c, each array at a multiple of 4 bytes, as the plan
counts them. Compilers would align some arrays further."""

FLASH_SECTIONS = (".vectors", ".text", CONSTANTS_SECTION, ".rodata", ".data")
"""What is stored where the program is stored."""


def print_link_script(
    board: Board, network: str, arena_in: str, sizes: Mapping[str, int], stack_bytes: int
) -> str:
    """The script's text; a size report shows its sections by name.

    arena_in  region of ARENA_SECTION: what the program puts there as its arena
    sizes     region → bytes, where fewer than the board's may be used
    """
    lines = _lines(board, network, arena_in, sizes)
    return "\n".join(lines).replace("STACK_BYTES", str(stack_bytes)) + "\n"


def _lines(board: Board, network: str, arena_in: str, sizes: Mapping[str, int]) -> Iterator[str]:
    code, data = board.code_in, board.data_in
    yield f"/* Network {network} on {board.name}. */"
    yield "ENTRY(reset)"
    yield ""
    yield "MEMORY {"
    for region in board.regions:
        size = min(region.size, sizes.get(region.name, region.size))
        yield f"  {region.name} : ORIGIN = {region.origin:#010x}, LENGTH = {size}"
    yield "}"
    yield ""
    yield "SECTIONS {"
    yield f"  .vectors : {{ KEEP(*(.vectors)) }} > {board.vectors_in}"
    yield f"  .text : {{ *(.text .text.*) }} > {code}"
    # Make and tilewright name object files alike, CMake does not.
    objects = f"*{network}_weights.o *{network}_weights.c.o*".split()
    constants = " ".join(f"{name}(.rodata .rodata.*)" for name in objects)
    yield f"  {CONSTANTS_SECTION} : ALIGN(4) SUBALIGN(4) {{ {constants} . = ALIGN(4); }} > {code}"
    yield f"  .rodata : ALIGN(4) {{ *(.rodata .rodata.*) }} > {code}"
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
    yield f"  {ARENA_SECTION} (NOLOAD) : ALIGN(16) {{ *({ARENA_SECTION}) }} > {arena_in}"
    yield "  .stack (NOLOAD) : ALIGN(8) {"
    yield "    stack_bottom = .;"
    yield "    . += STACK_BYTES;"
    yield "    stack_top = .;"
    yield f"  }} > {data}"
    last = ".stack" if arena_in == data else ARENA_SECTION
    yield f"  unused_start = ALIGN(ADDR({last}) + SIZEOF({last}), 16);"
    yield f"  unused_stop = ORIGIN({arena_in}) + LENGTH({arena_in});"
    yield "  /DISCARD/ : { *(.ARM.exidx* .ARM.extab*) }"
    yield "}"
