"""Many networks in one program: kernels are compiled once, networks a hundred at a time.

A program of its own per case would spend nearly all its time in the compiler and on kernels that
the last one had, too. The networks' C is what `compile` writes; kernels are taken from the packs,
under their own names, and each case runs in a process of its own.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tilewright.backend.c_names import c_names
from tilewright.backend.stage import RUNTIME
from tilewright.conformance.compiled_cases import CompiledCase
from tilewright.conformance.outcome import Outcome, Result, difference
from tilewright.ir.program import Program
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.run.compiler import Compiler, compile_sources, find_compiler, link

FLAGS = (
    "-std=c11", "-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip

MAIN = """\
#include <stdio.h>
#include <stdlib.h>

static void *taken(FILE *file, size_t bytes) {
  void *const block = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (block == 0 || fread(block, 1, bytes, file) != bytes) {
    exit(9);
  }
  return block;
}

"""


def outcomes(cases: Sequence[CompiledCase], target: Target, size: int = 100) -> Iterator[Outcome]:
    """What the C of each case computes, in the order of the cases."""
    if not cases:
        return
    compiler = find_compiler()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        root = Path(folder)
        kernels = _kernels(compiler, cases, target, root)
        for start in range(0, len(cases), size):
            part = cases[start : start + size]
            program = _program(compiler, part, kernels, root / f"part_{start}")
            yield from (_outcome(case, program) for case in part)


def _kernels(
    compiler: Compiler, cases: Sequence[CompiledCase], target: Target, root: Path
) -> list[Path]:
    """Objects of every kernel that some case calls; headers of all of the target's in kernels/."""
    headers = root / "include" / "kernels"
    headers.mkdir(parents=True)
    known = [kernel for engine in target.engines for kernel in engine.kernels]
    for path in (*RUNTIME.glob("*.h"), *(p for k in known for p in (k.header, *k.includes))):
        shutil.copy(path, headers / path.name)
    called = {call.kernel.source for case in cases for call in case.compilation.program.calls}
    flags = [*FLAGS, f"-I{headers}"]
    return compile_sources(compiler, flags, root, sorted(called))[0]


def _program(
    compiler: Compiler, part: Sequence[CompiledCase], kernels: Sequence[Path], folder: Path
) -> Path:
    folder.mkdir()
    texts: list[str] = [MAIN]
    for case in part:
        texts += [_network(case, folder), _caller(case.compilation.program)]
    calls = "\n".join(
        f"  case {i}: return run_{case.compilation.program.name}(in, out);"
        for i, case in enumerate(part)
    )
    texts.append(
        "int main(int count, char **words) {\n"
        '  FILE *const in = count == 4 ? fopen(words[2], "rb") : 0;\n'
        '  FILE *const out = in != 0 ? fopen(words[3], "wb") : 0;\n'
        "  if (out == 0) {\n    return 8;\n  }\n"
        f"  switch (atoi(words[1])) {{\n{calls}\n  default: return 7;\n  }}\n}}\n"
    )
    source, program = folder / "cases.c", folder / "cases"
    source.write_text("".join(texts))
    flags = [*FLAGS, f"-I{folder.parent / 'include'}"]
    objects, _ = compile_sources(compiler, flags, folder, [source])
    link(compiler, flags, [*objects, *kernels], program)
    return program


def _network(case: CompiledCase, folder: Path) -> str:
    """Its own files beside the program; the text that includes them."""
    program, bundle = case.compilation.program, case.compilation.bundle
    symbols = sorted({call.kernel.symbol for call in program.calls}, key=len, reverse=True)
    prefixed = re.compile(rf"\b{program.name}_({'|'.join(map(re.escape, symbols))})\b(?=\()")
    own = [path for path in bundle.files if "/" not in path]
    for path in own:
        (folder / path).write_text(prefixed.sub(r"\1", bundle.files[path]))
    return "".join(f'#include "{path}"\n' for path in own if path.endswith(".c"))


def _caller(program: Program) -> str:
    """A C function that runs the network on what a file holds."""
    names, name, upper = c_names(program), program.name, program.name.upper()
    given = [(names.tensors[o.value.name], o.value.type.nbytes) for o in program.inputs]
    made = [(names.tensors[o.value.name], o.value.type) for o in program.outputs]
    lines = [
        f"static int run_{name}(FILE *in, FILE *out) {{",
        f"  static _Alignas(64) uint8_t arena[TW_{upper}_ARENA_BYTES + 64];",
        f"  const tw_{name}_inputs inputs = {{",
        *(f"      .{member} = taken(in, {size})," for member, size in given),
        "  };",
        f"  const tw_{name}_outputs outputs = {{",
        *(
            f"      .{member} = aligned_alloc(64, {t.nbytes // 64 * 64 + 64}),"
            for member, t in made
        ),
        "  };",
        f"  const int code = tw_{name}_run(arena, &inputs, &outputs);",
        *(f"  fwrite(outputs.{member}, 1, {t.nbytes}, out);" for member, t in made),
        "  return code != 0 || fclose(out) != 0;",
        "}",
    ]
    return "\n".join(lines) + "\n\n"


def _outcome(case: CompiledCase, program: Path) -> Outcome:
    """One process; its outputs against those of the case."""
    network = case.compilation.program
    number = re.findall(
        rf"case (\d+): return run_{network.name}\(", (program.parent / "cases.c").read_text()
    )
    feed, result = program.parent / "in.bin", program.parent / "out.bin"
    feed.write_bytes(b"".join(array.tobytes() for array in case.inputs))
    done = subprocess.run(
        [str(program), number[0], str(feed), str(result)], capture_output=True, check=False,
        env={"ASAN_OPTIONS": "detect_leaks=0"}, timeout=120,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        line = next((x for x in said.splitlines() if "rror" in x), said[:100])
        return case.outcome.but(Result.WRONG, f"C: ends with {done.returncode}: {line}")
    for index, array in zip(case.at, _split(network, result.read_bytes()), strict=True):
        if text := difference(case.case, index, array):
            return case.outcome.but(Result.WRONG, f"C: {text}")
    return case.outcome


def _split(program: Program, raw: bytes) -> list[Array]:
    arrays: list[Array] = []
    at = 0
    for operand in program.outputs:
        type_ = operand.value.type
        arrays.append(np.frombuffer(raw, type_.dtype.numpy, type_.size, at).reshape(type_.shape))
        at += type_.nbytes
    return arrays
