"""The C core as a shared library: generated, compiled once, kept in a cache.

The cache's key is a hash of everything that goes in: sources, tables, flags, compiler.
"""

import hashlib
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tilewright.errors import ToolError
from tilewright.run.caches import cache_folder
from tilewright.run.compiler import find_compiler
from tilewright.run.sim.generate import generate_header

CORE_FOLDER = Path(__file__).parent / "core"
FLAGS = (
    "-std=gnu11", "-O2", "-fPIC", "-fno-semantic-interposition", "-shared", "-frounding-math",
    "-fno-gcse", "-fno-crossjumping", "-Wno-pedantic",
)  # fmt: skip


@cache
def build_core() -> Path:
    """Path of the shared library; compiles it where the cache has none. Raises ToolError."""
    compiler = find_compiler()
    header = generate_header()
    digest = hashlib.sha256()
    for text in (header, compiler.version, *compiler.command, *FLAGS):
        digest.update(text.encode())
    sources = sorted(CORE_FOLDER.iterdir())
    for source in sources:
        digest.update(source.read_bytes())
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    library = cache_folder() / f"sim-{digest.hexdigest()[:24]}{suffix}"
    if not library.exists():
        _compile(compiler.command, [s for s in sources if s.suffix == ".c"], header, library)
    return library


def _compile(command: tuple[str, ...], sources: list[Path], header: str, library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        (Path(scratch) / "generated.h").write_text(header, encoding="utf-8")
        built = Path(scratch) / library.name
        call = [
            *command, *FLAGS, f"-I{scratch}", f"-I{CORE_FOLDER}", *map(str, sources),
            "-lm", "-o", str(built),
        ]  # fmt: skip
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolError(
                f"{command[0]}: the simulator's core does not build with this compiler\n"
                f"{done.stderr.strip()}\n  try another compiler: CC=gcc or CC=clang"
            )
        # Another process may have been faster; both files are the same.
        built.replace(library)
