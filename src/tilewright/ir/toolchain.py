"""How programs of a target are built and run, as far as the compiler needs to know."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NeededProgram:
    """A program that has to be installed before a toolchain works.

    package  the Debian packages that have it; empty where none has
    enables  commands that call it, and what for, in a few words
    source   where to get it, for people; needed where no package has it
    """

    name: str
    package: str
    enables: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How a bundle becomes a program, and what runs it.

    kind  a word for people: what sort of programs these are
    """

    kind: str
    compiler: str
    flags: tuple[str, ...]
    sources: tuple[Path, ...] = ()
    """C files of a library that the user has; what is not called is not linked."""
    run: Callable[..., object] | None = None
    """Builds and runs a bundle: a ``Runner`` of run/runners.py; None where nothing does."""
    project: Callable[..., object] | None = None
    """Makes a bundle a folder that builds to a program by itself: a ``ProjectPrinter`` of
    backend/bundle.py; None where there is no board to link for."""
    stack_in: str | None = None
    """The memory in which programs have their stack; None where it takes none of any memory's
    size, because an operating system has it or the runtime has set it aside."""
    talk: Callable[..., object] | None = None
    """Builds a bundle with tw_NAME_generate and runs one request: a ``Talk`` of run/talk.py; None
    where nothing does."""
    sampling: tuple[Path, ...] = ()
    """C files of language models' sampler that the target has its own of, named as those in
    runtime/llm."""
    needs: tuple[NeededProgram, ...] = ()
    """What its own ``run`` and ``project`` call."""
