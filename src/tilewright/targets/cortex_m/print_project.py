"""Bundle → a folder that builds to a program for a board: by Make, or by CMake.

NAME.c ... kernels/   the bundle
main.c                one inference: where a user starts
board/                reset code, linker script, what an emulator needs
Makefile, CMakeLists.txt, CMakePresets.json, README.md
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import c_names
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain
from tilewright.targets.cortex_m.board import EMULATOR, Board, emulator_options
from tilewright.targets.cortex_m.print_link_script import ARENA_SECTION, print_link_script

FLAGS = ("-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections")
LINK_FLAGS = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,-T,board/board.ld")


def print_project(
    board: Board, bundle: Bundle, program: Program, toolchain: Toolchain, sizes: Mapping[str, int]
) -> Bundle:
    """The bundle with everything that makes it a program for ``board``.

    sizes  region → bytes, where the plan may use fewer than the board has
    """
    (arena_in,) = program.arena_bytes
    files = {
        "main.c": print_main(program),
        **board_files(board),
        "board/board.ld": print_link_script(
            board, program.name, arena_in, sizes, board.stack_bytes
        ),
        "board/toolchain.cmake": _cmake_toolchain(toolchain),
        "Makefile": _makefile(bundle, board, toolchain),
        "CMakeLists.txt": _cmake_lists(bundle, board, toolchain),
        "CMakePresets.json": _cmake_presets(),
        "README.md": _readme(bundle, board, toolchain),
    }
    sources = tuple(path for path in files if path.endswith(".c"))
    return replace(bundle, files={**bundle.files, **files}, sources=(*bundle.sources, *sources))


def board_files(board: Board) -> dict[str, str]:
    """The board's own C files, in board/."""
    paths = (*board.startup, *board.emulated)
    return {f"board/{path.name}": path.read_text(encoding="utf-8") for path in paths}


def print_main(program: Program) -> str:
    """Text of main.c: one inference."""
    name, names = program.name, c_names(program)
    fills = [
        f"  {member}[0] = 0; // put your input here, {operand.value.type.size} elements"
        for operand in program.inputs
        for member in (names.tensors[operand.value.name],)
    ]
    inputs = [(o.value.type.dtype.c, names.tensors[o.value.name]) for o in program.inputs]
    places = [f"  {c} *const {member} = tw_{name}_{member}_in(arena);" for c, member in inputs]
    members = ", ".join(f".{member} = {member}" for _, member in inputs)
    resets = [f"  (void)tw_{name}_reset(arena); // once, then any number of runs"]
    resets = resets if program.states else []
    first = names.tensors[program.outputs[0].value.name]
    return "\n".join(
        [
            "/// One inference: a place to start from.",
            f'#include "{name}.h"',
            "",
            "/// The linker script puts this section where the plan wants the arena.",
            f'__attribute__((section("{ARENA_SECTION}")))',
            f"static _Alignas(TW_{name.upper()}_ARENA_ALIGN) uint8_t "
            f"arena[TW_{name.upper()}_ARENA_BYTES];",
            "",
            "int main(void) {",
            *places,
            f"  const tw_{name}_inputs inputs = {{{members}}};",
            f"  const tw_{name}_outputs outputs = tw_{name}_outputs_in(arena);",
            *resets,
            *fills,
            f"  const int status = tw_{name}_run(arena, &inputs, &outputs);",
            f"  (void)outputs.{first}; // your output is here",
            "  return status;",
            "}",
            "",
        ]
    )


def _sources(bundle: Bundle, board: Board) -> list[str]:
    """C files of the firmware itself."""
    startup = [f"board/{path.name}" for path in board.startup if path.suffix == ".c"]
    return [*bundle.sources, "main.c", *startup]


def _emulated(board: Board) -> list[str]:
    return [f"board/{path.name}" for path in board.emulated if path.suffix == ".c"]


def _makefile(bundle: Bundle, board: Board, toolchain: Toolchain) -> str:
    name = bundle.name
    sources = " \\\n  ".join(_sources(bundle, board))
    library = " \\\n  ".join(map(str, toolchain.sources))
    prefix = toolchain.compiler.removesuffix("gcc")
    return f"""\
# make        builds {name}.elf and shows what each section takes
# make run    the same program under an emulator of {board.name}
CC = {toolchain.compiler}
SIZE = {prefix}size
CFLAGS = {" ".join((*toolchain.flags, *FLAGS))}
LDFLAGS = {" ".join(LINK_FLAGS)}
EMULATOR = {" ".join((EMULATOR, *emulator_options(board)))}
SOURCES = {sources}
EMULATED = {" ".join(_emulated(board))}
LIBRARY = {library}
OBJECTS = $(SOURCES:%.c=build/%.o) $(LIBRARY:%.c=build/%.o)

all: build/{name}.elf
	$(SIZE) -A $<

run: build/{name}-emulated.elf
	$(EMULATOR) $<

build/{name}.elf: $(OBJECTS) board/board.ld
	$(CC) $(CFLAGS) $(LDFLAGS) $(OBJECTS) -lm -o $@

build/{name}-emulated.elf: $(OBJECTS) $(EMULATED:%.c=build/%.o) board/board.ld
	$(CC) $(CFLAGS) $(LDFLAGS) $(OBJECTS) $(EMULATED:%.c=build/%.o) -lm -o $@

build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

clean:
	rm -rf build

.PHONY: all run clean
-include $(OBJECTS:.o=.d)
"""


def _cmake_lists(bundle: Bundle, board: Board, toolchain: Toolchain) -> str:
    name = bundle.name
    sources = "\n  ".join([*_sources(bundle, board), *map(str, toolchain.sources)])
    link = " ".join(flag for flag in LINK_FLAGS if "board.ld" not in flag)
    return f"""\
# cmake --workflow --preset firmware
cmake_minimum_required(VERSION 3.25)
project({name} C)

add_executable({name}.elf
  {sources})
target_compile_options({name}.elf PRIVATE {" ".join((*toolchain.flags, *FLAGS))})
target_link_options({name}.elf PRIVATE {" ".join(toolchain.flags)} {link}
  -Wl,-T,${{CMAKE_SOURCE_DIR}}/board/board.ld)
target_link_libraries({name}.elf PRIVATE m)
set_target_properties({name}.elf PROPERTIES LINK_DEPENDS ${{CMAKE_SOURCE_DIR}}/board/board.ld)
"""


def _cmake_toolchain(toolchain: Toolchain) -> str:
    return f"""\
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER {toolchain.compiler})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
"""


def _cmake_presets() -> str:
    presets = {
        "version": 6,
        "configurePresets": [
            {
                "name": "firmware",
                "generator": "Unix Makefiles",
                "binaryDir": "${sourceDir}/build/cmake",
                "toolchainFile": "${sourceDir}/board/toolchain.cmake",
            }
        ],
        "buildPresets": [{"name": "firmware", "configurePreset": "firmware"}],
        "workflowPresets": [
            {
                "name": "firmware",
                "steps": [
                    {"type": "configure", "name": "firmware"},
                    {"type": "build", "name": "firmware"},
                ],
            }
        ],
    }
    return json.dumps(presets, indent=2) + "\n"


def _readme(bundle: Bundle, board: Board, toolchain: Toolchain) -> str:
    regions = "\n".join(
        f"| {region.name} | {region.origin:#010x} | {region.size:,} |" for region in board.regions
    )
    return f"""\
# {bundle.name} on {board.name}

    make                                  # or: cmake --workflow --preset firmware
    make run                              # under {EMULATOR}

`main.c` runs one inference: put your input there and take your output from there.
`make` needs {toolchain.compiler}; it shows the bytes of each section. `.tw_arena` holds activations
and scratch, `.tw_constants` weights and tables, `.stack` what is set aside for the stack.

For a chip of your own, change origins and lengths in `board/board.ld`:

| region | origin | bytes |
|---|---|--:|
{regions}

Files besides `main.c` are generated: compile the model again instead of editing them.
"""
