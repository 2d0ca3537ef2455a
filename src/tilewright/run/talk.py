"""Runs firmware that talks: what is asked, what comes back, and how to do it on this machine."""

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.errors import MismatchError, OptionError
from tilewright.ir.program import Program
from tilewright.ir.toolchain import Toolchain
from tilewright.llm.sampler import Sampling
from tilewright.run.compiler import (
    BASE_FLAGS,
    SANITIZE_FLAGS,
    build,
    find_compiler,
    optimising_flags,
)
from tilewright.run.glue import print_arenas
from tilewright.run.result import Energy

HARNESS = ("talk.c", "tilewright_talk.h")
PROMPT_BYTES = 4096
"""What the harness has room for."""

SECONDS = 600
"""How long a text may take on this machine."""

_END = 0xFFFFFFFF
_TOO_LONG = -100


@dataclass(frozen=True, slots=True)
class TalkRequest:
    """At most ``tokens`` after ``prompt``, chosen by ``sampling``; ``state`` is the generator's."""

    prompt: bytes
    tokens: int
    sampling: Sampling
    state: int

    def packed(self) -> bytes:
        """As talk.c reads it. Raises OptionError for a prompt that is too long."""
        if len(self.prompt) > PROMPT_BYTES:
            raise OptionError(
                f"--prompt: {len(self.prompt)} bytes, at most {PROMPT_BYTES} are taken here"
            )
        how = self.sampling
        return (
            struct.pack("<II", len(self.prompt), self.tokens)
            + struct.pack("<QIIII", self.state, how.octaves, how.temperature, how.top_p, how.top_k)
            + self.prompt
        )


@dataclass(frozen=True, slots=True)
class TalkResult:
    """``ticks``, one per token: since the token before; the first one includes the prompt.

    unit    of a tick
    calls   of the network after the prompt
    energy  per token after the first; None where the target has no model of it
    """

    tokens: tuple[int, ...]
    ticks: tuple[int, ...]
    unit: str
    calls: int
    energy: Energy | None = None


def read_answer(name: str, raw: bytes, unit: str) -> TalkResult:
    """What talk.c wrote. Raises MismatchError where it ended early or an entry failed, OptionError
    where the prompt has more tokens than the context."""
    tokens: list[int] = []
    ticks: list[int] = []
    at = 0
    while at + 4 <= len(raw):
        (token,) = struct.unpack_from("<I", raw, at)
        if token == _END and at + 12 <= len(raw):
            status, calls = struct.unpack_from("<iI", raw, at + 4)
            if status == _TOO_LONG:
                raise OptionError("--prompt: it has more tokens than the context; see --context")
            if status != len(tokens):
                raise MismatchError(f"{name}: tw_{name}_generate returned {status}")
            return TalkResult(tuple(tokens), tuple(ticks), unit, calls)
        tokens.append(token)
        ticks.append(struct.unpack_from("<Q", raw, at + 4)[0] if at + 12 <= len(raw) else 0)
        at += 12
    raise MismatchError(f"{name}: the program ended after {len(tokens)} tokens, without an end")


def print_talk_names(program: Program, arenas: str) -> str:
    """Text of talk_names.h: the network under names without its own; ``arenas`` are definitions."""
    name = program.bundle
    given = "arena" if len(program.arena_bytes) == 1 else "&arenas"
    return f"""\
#include "{name}_generate.h"

#define TALK_PROMPT_BYTES {PROMPT_BYTES}
typedef tw_{name}_prompt_memory talk_memory;
typedef tw_{name}_request talk_request;

{arenas}

static inline int32_t talk_generate(talk_memory *memory, const talk_request *request) {{
  return tw_{name}_generate({given}, memory, request);
}}
"""


def write_talk(folder: Path, bundle: Bundle, program: Program, arenas: str) -> list[Path]:
    """Bundle and harness in ``folder``; the C files to build, without the machine's own."""
    bundle.write_to(folder)
    for name in HARNESS:
        text = files("tilewright.run").joinpath("harness", name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "talk_names.h").write_text(print_talk_names(program, arenas), encoding="utf-8")
    return [folder / name for name in (*bundle.sources, "talk.c")]


def talk_on_host(
    bundle: Bundle, programs: Sequence[Program], toolchain: Toolchain, request: TalkRequest,
    *, sanitizes: bool = False,
) -> TalkResult:  # fmt: skip
    """Build in a temporary folder and generate. Raises ToolError, MismatchError, OptionError."""
    packed = request.packed()
    with tempfile.TemporaryDirectory(prefix="tilewright-") as temporary:
        folder = Path(temporary) / "build"
        sources = write_talk(folder, bundle, programs[0], print_arenas(programs[0], ""))
        main = files("tilewright.run").joinpath("harness", "talk_host.c")
        (folder / "talk_host.c").write_text(main.read_text(encoding="utf-8"), encoding="utf-8")
        flags = SANITIZE_FLAGS if sanitizes else optimising_flags(toolchain.flags)
        program = folder / "talk"
        own = [*sources, folder / "talk_host.c"]
        build(find_compiler(), [*BASE_FLAGS, *flags], folder, own, program)
        try:
            done = subprocess.run(
                [program], input=packed, capture_output=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise MismatchError(f"{bundle.name}: no end after {SECONDS} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise MismatchError(f"{bundle.name}: the program ended with {done.returncode}\n{said}")
    return read_answer(bundle.name, done.stdout, "nanoseconds")
