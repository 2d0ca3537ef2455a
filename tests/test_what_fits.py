"""What a compilation refuses or follows whoever calls it: sizes, alignments, names of files."""

from dataclasses import replace
from pathlib import Path

import pytest

from digits import MODEL
from tilewright.errors import CapacityError
from tilewright.ir.target import Kernel, Target
from tilewright.pipeline import Options, compile_model
from tilewright.targets.host.target import HOST


def test_constants_that_do_not_fit_are_refused_by_the_compiler_itself() -> None:
    with pytest.raises(CapacityError, match=r"flash of target 'host': the network needs [\d,]+ B"):
        compile_model(MODEL, HOST, Options(memory={"flash": 1024}))


def test_arenas_start_where_the_memories_want_them() -> None:
    wide = replace(HOST, memories=tuple(replace(m, align=64) for m in HOST.memories))
    made = compile_model(MODEL, wide)
    assert "_ARENA_ALIGN = 64," in made.bundle.files[f"{made.program.name}.h"]
    assert {buffer.align for buffer in made.plan.buffers} == {64}
    narrow = compile_model(MODEL, HOST)
    assert "_ARENA_ALIGN = 16," in narrow.bundle.files[f"{narrow.program.name}.h"]


def with_header(header: Path) -> Target:
    """This machine, whose dense kernels include another pack's header, too."""

    def changed(kernel: Kernel) -> Kernel:
        is_dense = kernel.symbol.startswith("dense_s8")
        return replace(kernel, includes=(*kernel.includes, header)) if is_dense else kernel

    (engine,) = HOST.engines
    return replace(HOST, engines=(replace(engine, kernels=tuple(map(changed, engine.kernels))),))


def test_two_headers_of_one_name_keep_apart(tmp_path: Path) -> None:
    header = tmp_path / "requantise_s8.h"
    header.write_text("#error this is another pack's header\n")
    files = compile_model(MODEL, with_header(header)).bundle.files
    texts = {path: text for path, text in files.items() if "requantise_s8" in path}
    assert len(texts) == 2
    assert sum("#error" in text for text in texts.values()) == 1
    users = [text for path, text in files.items() if path.startswith("kernels/")]
    (foreign,) = (Path(path).name for path, text in texts.items() if "#error" in text)
    assert not any(f'#include "{foreign}"' in text for text in users)
