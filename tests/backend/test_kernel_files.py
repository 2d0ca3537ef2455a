"""A bundle has the kernels that the network calls, each in a file of its own, and no others."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from digits import MODEL
from tilewright.backend.kernel_files import header_names, kernel_files, only_called
from tilewright.ir.target import Kernel
from tilewright.pipeline import Compilation, Options, compile_model, load_target
from tilewright.targets.packs.arm_dsp.pack import ARM_DSP
from tilewright.targets.packs.helium.pack import HELIUM
from tilewright.targets.packs.portable.pack import PORTABLE

KERNEL = re.compile(r"^void (\w+)\(const void \*args", re.MULTILINE)
EVERY = (*PORTABLE, *ARM_DSP, *HELIUM)


@cache
def digits() -> Compilation:
    return compile_model(MODEL, load_target("host"), Options(name="digits"))


@pytest.mark.parametrize("kernel", EVERY, ids=lambda kernel: kernel.symbol)
def test_what_is_left_of_a_source_and_its_header_is_one_kernel(kernel: Kernel) -> None:
    for path in (kernel.source, kernel.header):
        text = only_called(path.read_text(), {kernel.symbol})
        assert KERNEL.findall(text) == [kernel.symbol]
        assert text.count("{") == text.count("}")


@pytest.mark.parametrize("kernel", EVERY, ids=lambda kernel: kernel.symbol)
def test_a_file_that_loses_nothing_stays_as_it_is(kernel: Kernel) -> None:
    for path in (kernel.source, kernel.header, *kernel.includes):
        text = path.read_text()
        assert only_called(text, set(KERNEL.findall(text))) == text


def test_a_comment_goes_with_the_functions_below_it() -> None:
    form = "void {}(const void *args, tw_work work);\n"
    a, b, c = (form.format(name) for name in "abc")
    text = f"/// One.\n#pragma once\n\n/// Both.\n{a}{b}\n/// Third.\n{c}"
    assert only_called(text, {"a", "c"}) == text.replace(b, "")
    assert only_called(text, {"a", "b"}) == f"/// One.\n#pragma once\n\n/// Both.\n{a}{b}"
    assert only_called(text, {"c"}) == f"/// One.\n#pragma once\n\n/// Third.\n{c}"
    short = "void a(const void *args, tw_work work) { f(args, work); }\n"
    long = "/// Long.\nvoid b(const void *args, tw_work work) {\n  if (1) {\n    f(args);\n  }\n}\n"
    assert only_called(f"{short}\n{long}", {"a"}) == short
    assert only_called(f"int x;\n\n{short}\n{long}", {"b"}) == f"int x;\n\n{long}"


def test_headers_of_a_bundle_declare_only_what_is_in_it() -> None:
    files = digits().bundle.files
    declared = {n for f, text in files.items() if f.endswith(".h") for n in KERNEL.findall(text)}
    defined = [n for f, text in files.items() if f.endswith(".c") for n in KERNEL.findall(text)]
    assert sorted(declared) == sorted(defined)
    assert declared == {f"digits_{call.kernel.symbol}" for call in digits().program.calls}


def test_two_packs_may_have_headers_of_one_name(tmp_path: Path) -> None:
    program = digits().program
    pool = next(call for call in program.calls if call.kernel.struct == "rescaled_mean_s8_args")
    other = tmp_path / "conv2d_s8.h"  # as another kernel's header is called
    other.write_text(pool.kernel.header.read_text())
    source = tmp_path / "pool.c"
    source.write_text(pool.kernel.source.read_text().replace(pool.kernel.header.name, other.name))
    kernel = replace(pool.kernel, header=other, source=source)
    layers = tuple(
        replace(layer, actions=(replace(pool, kernel=kernel),)) if pool in layer.calls else layer
        for layer in program.layers
    )
    files = kernel_files(replace(program, layers=layers))
    assert "conv2d_s8_args" in files["conv2d_s8.h"]
    assert "rescaled_mean_s8_args" in files["conv2d_s8_2.h"]
    assert '#include "conv2d_s8_2.h"' in files[f"{kernel.symbol}.c"]
    assert '#include "conv2d_s8.h"' in files["conv2d_s8_core.h"]


def test_only_a_second_header_of_a_name_is_called_otherwise() -> None:
    paths = [Path("a/x.h"), Path("b/x.h"), Path("b/y.h"), Path("c/x.h")]
    assert list(header_names(paths).values()) == ["x.h", "x_2.h", "y.h", "x_3.h"]
