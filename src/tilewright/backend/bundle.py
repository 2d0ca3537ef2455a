"""What the compiler returns: files as data. Writing and running them is somebody else's job."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tilewright.errors import OptionError
from tilewright.ir.program import Program
from tilewright.ir.target import Toolchain


@dataclass(frozen=True, slots=True)
class Bundle:
    """The generated program.

    name      C identifier that every public symbol carries: tw_NAME_run
    files     relative path → text, in the order in which a person would read them
    sources   the C files among them: what a build must compile
    symbols   linked constants: array name → bytes
    blobs     relative path → bytes of a binary file that some source includes
    """

    name: str
    files: Mapping[str, str]
    sources: tuple[str, ...]
    symbols: Mapping[str, int]
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def digest(self) -> str:
        """SHA-256 over names and contents, hex."""
        state = hashlib.sha256()
        for path, content in sorted(self._contents().items()):
            for data in (path.encode(), content):
                state.update(len(data).to_bytes(8, "little") + data)
        return state.hexdigest()

    def write_to(self, directory: Path) -> None:
        """Write all files; ``directory`` is created, or its files of these names are replaced.

        Every file appears whole or not at all: the bundle is first written beside the directory.
        Raises OptionError where the folder cannot be written.
        """
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        except OSError as error:
            raise OptionError(
                f"{directory}: cannot create the output folder: {error.strerror}; choose a folder "
                "that you may write with -o"
            ) from None
        try:
            staging.chmod(0o755)
            self._fill(staging)
            _move_into_place(staging, directory)
        except OSError as error:
            raise OptionError(
                f"{directory}: cannot write the generated files: {error.strerror}; nothing was "
                "left half-written; choose another folder with -o"
            ) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _contents(self) -> dict[str, bytes]:
        return {path: text.encode() for path, text in self.files.items()} | dict(self.blobs)

    def _fill(self, folder: Path) -> None:
        for path, content in self._contents().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def _move_into_place(staging: Path, directory: Path) -> None:
    """One rename where the directory is new, one rename per file where it stands already."""
    if not directory.exists():
        staging.rename(directory)
        return
    for source in sorted(staging.rglob("*")):
        if source.is_file():
            destination = directory / source.relative_to(staging)
            destination.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, destination)


class ProjectPrinter(Protocol):
    """What ``Toolchain.project`` is, for a target whose programs are linked for a board."""

    def __call__(
        self, bundle: Bundle, program: Program, toolchain: Toolchain, sizes: Mapping[str, int], /
    ) -> Bundle:
        """The bundle with all else that builds to a program: start-up code, link script, main.

        sizes  memory → bytes, where the plan may use fewer than there are
        """
        ...
