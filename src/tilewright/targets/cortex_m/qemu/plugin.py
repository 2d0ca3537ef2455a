"""The plugin that counts instructions inside QEMU: compiled once per QEMU version, then cached."""

import hashlib
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tilewright.errors import ToolError
from tilewright.run.caches import cache_folder
from tilewright.run.compiler import find_compiler


def build_plugin(emulator: str) -> Path:
    """The shared library for this emulator.

    Kept in the cache's folder, under a name made from everything it depends on. Raises ToolError
    where the emulator does not tell its version, or no compiler is there.
    """
    source = Path(__file__).with_name("count.c").read_text(encoding="utf-8")
    interface = _interface(_major_version(emulator))
    compiler = find_compiler()
    key = hashlib.sha256("\0".join((source, interface, compiler.version)).encode()).hexdigest()
    library = cache_folder() / f"qemu-count-{key[:16]}.so"
    if not library.is_file():
        with tempfile.TemporaryDirectory(dir=library.parent) as temporary:
            build = Path(temporary)
            (build / "interface.h").write_text(interface)
            (build / "count.c").write_text(source)
            _compile(compiler.command, build)
            os.replace(build / "count.so", library)
    return library


def _major_version(emulator: str) -> int:
    said = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version (\d+)\.", said.stdout)
    if match is None:
        raise ToolError(f"{emulator}: does not tell its version\n{said.stdout}{said.stderr}")
    return int(match.group(1))


def _interface(major: int) -> str:
    """QEMU 9 replaced the interface's first version; 9.x still takes version 2."""
    number = 1 if major < 9 else 2 if major == 9 else 4
    return f"#define PLUGIN_INTERFACE {number}\n#define PLUGIN_COUNTS_INLINE {int(major < 9)}\n"


def _compile(compiler: tuple[str, ...], build: Path) -> None:
    call = [*compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared"]
    call += [str(build / "count.c"), "-o", str(build / "count.so")]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(
            f"the plugin that counts instructions does not build\n  called   {' '.join(call)}\n"
            f"{done.stderr.strip()}\n  try      another compiler: CC=gcc or CC=clang"
        )
