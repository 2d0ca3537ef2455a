"""Many networks in one program: kernels are compiled once, networks a hundred at a time.

A program of its own per case would spend nearly all its time in the compiler and on kernels that
the last one had, too. The networks' C is what `compile` writes; kernels are taken from the packs,
under their own names, and each network runs in a process of its own, under sanitizers.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.backend.bundle import Bundle
from tilewright.backend.c_names import c_names
from tilewright.backend.stage import RUNTIME
from tilewright.ir.program import Program
from tilewright.ir.target import Kernel, Target
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


LIMIT = 120
"""Seconds that one network may run."""


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled network, and what it is given.

    inputs  [inferences][inputs of the network], in its order; states go on between them
    """

    program: Program
    bundle: Bundle
    inputs: tuple[tuple[Array, ...], ...]


Ran = tuple[tuple[Array, ...], ...] | str
"""[inferences][outputs]; or how the process failed, in words."""


def run_many(networks: Sequence[Built], target: Target, size: int = 100) -> Iterator[Ran]:
    """What the C of each network computes, in their order. Their names must differ."""
    if not networks:
        return
    compiler = find_compiler()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        root = Path(folder)
        kernels = _kernels(compiler, networks, target, root)
        for start in range(0, len(networks), size):
            part = networks[start : start + size]
            program = _program(compiler, part, kernels, root / f"part_{start}")
            for number, network in enumerate(part):
                yield _ran(network, number, program)


def _kernels(
    compiler: Compiler, networks: Sequence[Built], target: Target, root: Path
) -> list[Path]:
    """Objects of every kernel that some case calls; headers of all of the target's in kernels/."""
    headers = root / "include" / "kernels"
    headers.mkdir(parents=True)
    known = [kernel for engine in target.engines for kernel in engine.kernels]
    for path in (*RUNTIME.glob("*.h"), *(p for k in known for p in (k.header, *k.includes))):
        shutil.copy(path, headers / path.name)
    called = {call.kernel.source for network in networks for call in network.program.calls}
    renamed = root / "renamed.c"
    renamed.write_text(_renamed([call.kernel for n in networks for call in n.program.calls]))
    flags = [*FLAGS, f"-I{headers}"]
    return compile_sources(compiler, flags, root, [renamed, *sorted(called)])[0]


PREFIX = "shared_"
"""Of kernels, as networks call them: a tensor of a network may have a kernel's own name."""


def _renamed(kernels: Sequence[Kernel]) -> str:
    """C of a function for each kernel that calls it, under a name that no tensor has."""
    lines = [f'#include "{header}"' for header in sorted({k.header.name for k in kernels})]
    for symbol in sorted({kernel.symbol for kernel in kernels}):
        lines += [f"{_declared(symbol)};", f"{_declared(symbol)} {{ {symbol}(args, work); }}"]
    return "\n".join([*lines, ""])


def _declared(symbol: str) -> str:
    return f"void {PREFIX}{symbol}(const void *args, tw_work work)"


def _program(
    compiler: Compiler, part: Sequence[Built], kernels: Sequence[Path], folder: Path
) -> Path:
    folder.mkdir()
    symbols = sorted({call.kernel.symbol for network in part for call in network.program.calls})
    texts = [MAIN, '#include "kernels/tilewright.h"\n', *(f"{_declared(s)};\n" for s in symbols)]
    for network in part:
        texts += [_network(network, folder), _caller(network.program)]
    calls = "\n".join(
        f"  case {i}: return run_{network.program.name}(in, out, atoi(words[4]));"
        for i, network in enumerate(part)
    )
    texts.append(
        "int main(int count, char **words) {\n"
        '  FILE *const in = count == 5 ? fopen(words[2], "rb") : 0;\n'
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


def _network(network: Built, folder: Path) -> str:
    """Its own files beside the program; the text that includes them."""
    program, bundle = network.program, network.bundle
    symbols = sorted({call.kernel.symbol for call in program.calls}, key=len, reverse=True)
    prefixed = re.compile(rf"\b{program.name}_({'|'.join(map(re.escape, symbols))})\b")
    own = [path for path in bundle.files if "/" not in path]
    for path in own:
        (folder / path).write_text(prefixed.sub(rf"{PREFIX}\1", bundle.files[path]))
    return "".join(f'#include "{path}"\n' for path in own if path.endswith(".c"))


def _caller(program: Program) -> str:
    """A C function that runs the network on what a file holds, as often as that holds inputs."""
    names, name, upper = c_names(program), program.name, program.name.upper()
    given = [(names.tensors[o.value.name], o.value.type.nbytes) for o in program.inputs]
    made = [(names.tensors[o.value.name], o.value.type) for o in program.outputs]
    lines = [
        f"static int run_{name}(FILE *in, FILE *out, int inferences) {{",
        f"  static _Alignas(64) uint8_t arena[TW_{upper}_ARENA_BYTES + 64];",
        f"  int code = {f'tw_{name}_reset(arena)' if program.states else 0};",
        "  for (int i = 0; i < inferences && code == 0; i++) {",
        f"  const tw_{name}_inputs inputs = {{",
        *(f"      .{member} = taken(in, {size})," for member, size in given),
        "  };",
        f"  const tw_{name}_outputs outputs = {{",
        *(
            f"      .{member} = aligned_alloc(64, {t.nbytes // 64 * 64 + 64}),"
            for member, t in made
        ),
        "  };",
        f"  code = tw_{name}_run(arena, &inputs, &outputs);",
        *(f"  fwrite(outputs.{member}, 1, {t.nbytes}, out);" for member, t in made),
        "  }",
        "  return code != 0 || fclose(out) != 0;",
        "}",
    ]
    return "\n".join(lines) + "\n\n"


def _ran(network: Built, number: int, program: Path) -> Ran:
    """One process."""
    feed, result = program.parent / "in.bin", program.parent / "out.bin"
    arrays = [array for inference in network.inputs for array in inference]
    feed.write_bytes(b"".join(array.tobytes() for array in arrays))
    words = [str(number), str(feed), str(result), str(len(network.inputs))]
    try:
        done = subprocess.run(
            [str(program), *words], capture_output=True, check=False, timeout=LIMIT,
            env={"ASAN_OPTIONS": "detect_leaks=0"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"does not end within {LIMIT} s"
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        line = next((x for x in said.splitlines() if "rror" in x), said[:100])
        return f"ends with {done.returncode}: {line}"
    return _split(network, result.read_bytes())


def _split(network: Built, raw: bytes) -> tuple[tuple[Array, ...], ...]:
    found: list[tuple[Array, ...]] = []
    at = 0
    for _ in network.inputs:
        arrays: list[Array] = []
        for operand in network.program.outputs:
            type_ = operand.value.type
            piece = np.frombuffer(raw, type_.dtype.numpy, type_.size, at)
            arrays.append(piece.reshape(type_.shape))
            at += type_.nbytes
        found.append(tuple(arrays))
    return tuple(found)
