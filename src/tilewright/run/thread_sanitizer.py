"""Whether programs can be built with ThreadSanitizer here and run."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tilewright.errors import ToolError
from tilewright.run.compiler import RACE_FLAGS, find_compiler


@cache
def why_no_thread_sanitizer() -> str | None:
    """None where an empty program under ThreadSanitizer ends well, else what went wrong.

    Compilers come without it, and kernels whose addresses are more random than it copes with end
    every such program.
    """
    try:
        compiler = find_compiler()
    except ToolError as error:
        return str(error)
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        source, program = Path(folder) / "empty.c", Path(folder) / "empty"
        source.write_text("int main(void) { return 0; }\n")
        command = [*compiler.command, *RACE_FLAGS, str(source), "-o", str(program)]
        for step in (command, [str(program)]):
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"no ThreadSanitizer: {(done.stderr or done.stdout).strip()[:200]}"
    return None
