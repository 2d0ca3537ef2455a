"""Many generated networks in one C program: what each computes, under sanitizers, twice in a row.

Every network runs in a process of its own, on arenas that are poisoned before each inference. The
kernels are compiled once, the networks' own text without optimisation.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from mutants import Drawn
from random_networks import evaluate_graph, random_inputs
from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import base_name, c_names
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import RUNTIME
from tilewright.ir.program import Program
from tilewright.ir.types import Array
from tilewright.run.compiler import find_compiler

SANITIZED = (
    "-std=c11",
    "-D_DEFAULT_SOURCE",
    "-w",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)
RUNS = 2
MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *arena_of(size_t bytes) {
  void *block = 0;
  return posix_memalign(&block, 64, bytes) == 0 ? block : 0;
}

int main(int argc, char **argv) {
  FILE *feed = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  (void)argc;
  for (int i = 0; i < (int)(sizeof networks / sizeof *networks); ++i) {
    const network n = networks[i];
    uint8_t *in = malloc(n.in_bytes);
    if (fread(in, 1, n.in_bytes, feed) != n.in_bytes) {
      return 2;
    }
    uint8_t *made = mmap(0, n.out_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      fclose(stderr);
      n.run(in, made);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const uint8_t is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    fwrite(&is_well, 1, 1, out);
    fwrite(made, 1, n.out_bytes, out);
    munmap(made, n.out_bytes);
    free(in);
  }
  return fclose(out);
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A program, and the network that it should compute."""

    drawn: Drawn
    program: Program


def are_right(cases: Sequence[Case], folder: Path) -> list[bool]:
    """Whether the C of each program computes its network, in both inferences.

    folder  for files; kernels that are compiled there already are not compiled again
    """
    if not cases:
        return []
    (folder / "kernels").mkdir(parents=True, exist_ok=True)
    built = _build(cases, folder)
    if built is None:
        if len(cases) == 1:
            return [False]  # its C does not even compile
        half = len(cases) // 2
        return are_right(cases[:half], folder) + are_right(cases[half:], folder)
    feeds = [_inputs(case) for case in cases]
    (folder / "feed.bin").write_bytes(b"".join(array.tobytes() for f in feeds for array in f))
    command = [str(built), str(folder / "feed.bin"), str(folder / "out.bin")]
    subprocess.run(command, check=True, capture_output=True)
    raw, at = (folder / "out.bin").read_bytes(), 0
    verdicts: list[bool] = []
    for case, arrays in zip(cases, feeds, strict=True):
        wanted = b"".join(_output(case, array).tobytes() for array in arrays)
        made = raw[at + 1 : at + 1 + len(wanted)]
        verdicts.append(raw[at] == 1 and made == wanted)
        at += 1 + len(wanted)
    return verdicts


def _inputs(case: Case) -> list[Array]:
    graph = case.drawn.graph
    (name,) = graph.inputs
    return [random_inputs(graph, seed)[name] for seed in range(RUNS)]


def _output(case: Case, array: Array) -> Array:
    graph = case.drawn.graph
    (name,) = graph.outputs
    return evaluate_graph(graph, {graph.inputs[0]: array})[name]


def _build(cases: Sequence[Case], folder: Path) -> Path | None:
    """The linked program; None where some network's C does not compile."""
    compiler, objects = find_compiler().command, dict[str, Path]()
    lines = ["#include <stddef.h>", "#include <stdint.h>", "#include <string.h>"]
    table: list[str] = []
    for number, case in enumerate(cases):
        name = f"m{number}"
        bundle = _bundle(case, name)
        for file, text in _kernels(case.program).items():
            made = folder / f"{file}.{sha256(text.encode()).hexdigest()[:12]}.o"
            if file.endswith(".c"):
                objects[file] = made
            if not (folder / file).exists():
                (folder / file).write_text(text)
        lines += [_own_text(bundle, name, case), *_runner(case, name)]
        inputs, outputs = (
            RUNS * sum(o.value.type.nbytes for o in operands)
            for operands in (case.program.inputs, case.program.outputs)
        )
        table.append(f"  {{run_{name}, {inputs}, {outputs}}},")
    lines += ["typedef struct { void (*run)(const uint8_t *, uint8_t *);"]
    lines += ["  size_t in_bytes, out_bytes; } network;"]
    lines += ["static const network networks[] = {", *table, "};", MAIN]
    head = "static void *arena_of(size_t bytes);"
    (folder / "all.c").write_text("\n".join([*lines[:3], head, *lines[3:]]))
    for source, made in objects.items():
        if not made.exists():
            options = [*SANITIZED, "-O1", "-c", f"-I{folder}", "-o", str(made)]
            subprocess.run([*compiler, *options, str(folder / source)], check=True)
    program = folder / "all"
    command = [*compiler, *SANITIZED, "-O0", f"-I{folder}", str(folder / "all.c")]
    command += [*map(str, objects.values()), "-lm", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, check=False)
    return program if done.returncode == 0 else None


def _bundle(case: Case, name: str) -> Bundle:
    drawn = case.drawn
    arenas = case.program.arena_bytes
    plan = replace(drawn.plan, arena_bytes=arenas)
    return print_bundle(replace(case.program, name=name), plan, drawn.graph, "0")


def _kernels(program: Program) -> dict[str, str]:
    """The kernels' files and the runtime, as they are before they get a network's name."""
    paths = [*RUNTIME.glob("*.h"), *program.runtime, *program.parallel]
    for kernel in dict.fromkeys(call.kernel for call in program.calls):
        paths += [kernel.header, kernel.source, *kernel.includes]
    return {f"kernels/{path.name}": path.read_text() for path in dict.fromkeys(paths)}


def _own_text(bundle: Bundle, name: str, case: Case) -> str:
    """The network's own files in a row, with the shared kernels' names."""
    own = [file for file in bundle.files if not file.startswith("kernels/")]
    text = "\n".join(bundle.files[file] for file in sorted(own, key=lambda f: f.endswith(".c")))
    text = re.sub(rf'#include "{name}\w*\.h"|#pragma once', "", text)
    symbols = sorted({call.kernel.symbol for call in case.program.calls}, key=len, reverse=True)
    return re.sub(rf"\b{name}_({'|'.join(symbols)})\b", r"\1", text)


def _runner(case: Case, name: str) -> list[str]:
    """A C function that runs one network on inputs that follow one another."""
    program = replace(case.program, name=name)
    names = c_names(program)
    given = "base" if len(program.arena_bytes) == 1 else "&arenas"
    lines = [f"static void run_{name}(const uint8_t *in, uint8_t *out) {{"]
    bases: list[str] = []
    for memory, size in program.arena_bytes.items():
        base = base_name(program, memory)
        bases.append(base)
        lines.append(f"  uint8_t *const {base} = arena_of({size});")
    if len(bases) > 1:
        members = ", ".join(f".{base} = {base}" for base in bases)
        lines.append(f"  const tw_{name}_arenas arenas = {{{members}}};")
    members = {names.tensors[operand.value.name] for operand in program.inputs}
    places = ", ".join(f".{member} = tw_{name}_{member}_in({given})" for member in members)
    lines.append(f"  const tw_{name}_inputs inputs = {{{places}}};")
    lines.append(f"  const tw_{name}_outputs outputs = tw_{name}_outputs_in({given});")
    lines.append(f"  for (int run = 0; run < {RUNS}; ++run) {{")
    for base, size in zip(bases, program.arena_bytes.values(), strict=True):
        lines.append(f"    memset({base}, 0x5a + run, {size});")
    for operand in program.inputs:
        size, tensor = operand.value.type.nbytes, names.tensors[operand.value.name]
        lines.append(f"    memcpy((void *)inputs.{tensor}, in + run * {size}, {size});")
    lines.append(f"    if (tw_{name}_run({given}, &inputs, &outputs) != 0) abort();")
    for operand in program.outputs:
        size, tensor = operand.value.type.nbytes, names.tensors[operand.value.name]
        lines.append(f"    memcpy(out + run * {size}, outputs.{tensor}, {size});")
    return [*lines, "  }", "}"]
