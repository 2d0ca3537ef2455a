"""What a bundle's own object files put into a linked program."""

from pathlib import Path

from tilewright.backend.bundle import Bundle
from tilewright.run import elf
from tilewright.run.result import Linked


def linked_sizes(bundle: Bundle, folder: Path, program: Path) -> Linked | None:
    """Sizes by the symbol tables; None where the files are no ELF files.

    folder  of the object files, as compiler.compile_sources names them: the bundle's first
    """
    own: set[str] = set()
    for index, source in enumerate(bundle.sources):
        defined = elf.symbols(folder / f"{index:03d}_{Path(source).stem}.o")
        if defined is None:
            return None
        own |= {symbol.name for symbol in defined}
    linked = [s for s in elf.symbols(program) or () if s.name in own]
    constants = {s.name: s.size for s in linked if s.name in bundle.symbols}
    data = [s for s in linked if not s.is_function and s.name not in constants]
    return Linked(
        code=sum(s.size for s in linked if s.is_function),
        constants=constants,
        other=sum(s.size for s in data if not s.is_writable),
        writable=sum(s.size for s in data if s.is_writable),
    )
