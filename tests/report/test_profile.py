"""Profiles add up by layer and by kernel, and name what was executed most."""

import io
import json
from dataclasses import replace

from rich.console import Console

from digits import compiled_digits
from tilewright.report.profile import profile
from tilewright.run.result import Count


def counted(*, has_functions: bool) -> Count:
    calls = compiled_digits().program.calls
    layers = tuple(100 * (index + 1) for index in range(len(calls)))
    name = compiled_digits().program.name
    functions = tuple({f"{name}_glue": 1, f"{name}_{call.kernel.symbol}": 9} for call in calls)
    mixes = {f"{name}_small": {"nop": 1}, f"{name}_hot": {"ldr": 30, "smlad": 60, "bx": 10}}
    if not has_functions:
        return Count("instructions", sum(layers) + 7, layers)
    return Count("instructions", sum(layers) + 7, layers, functions, mixes)


def test_kernels_add_up_to_layers() -> None:
    program = compiled_digits().program
    made = profile(program, counted(has_functions=True))
    assert [layer.layer for layer in made.layers] == [call.node.name for call in program.calls]
    assert sum(kernel.count for kernel in made.kernels) == made.total - 7
    assert sum(kernel.layers for kernel in made.kernels) == len(program.calls)
    assert sum(kernel.macs for kernel in made.kernels) == compiled_digits().graph.macs
    counts = [kernel.count for kernel in made.kernels]
    assert counts == sorted(counts, reverse=True)


def test_functions_come_without_the_networks_name_the_largest_first() -> None:
    made = profile(compiled_digits().program, counted(has_functions=True))
    assert list(made.functions) == ["hot", "small"]
    assert list(made.functions["hot"].items()) == [("smlad", 60), ("ldr", 30), ("bx", 10)]
    for layer in made.layers:
        assert list(layer.functions) == [layer.kernel, "glue"]


def test_what_is_shown_fits_and_is_what_json_says() -> None:
    made = profile(compiled_digits().program, counted(has_functions=True))
    text = io.StringIO()
    Console(file=text, width=100).print(made.tables())
    said = text.getvalue()
    assert max(map(len, said.splitlines())) <= 100
    assert "smlad 60.0 %, ldr 30.0 %, bx 10.0 %" in said
    told = json.loads(json.dumps(made.json()))
    assert told["total"] == made.total
    first = made.layers[0]
    assert told["layers"][0]["per_mac"] == round(first.count / first.macs, 4)
    assert told["functions"]["small"] == {"nop": 1}


def test_without_functions_only_layers_and_kernels_are_there() -> None:
    made = profile(compiled_digits().program, counted(has_functions=False))
    assert made.json()["functions"] == {}
    assert all(layer.functions == {} for layer in made.layers)
    text = io.StringIO()
    Console(file=text, width=100).print(made.tables())
    assert "C function" not in text.getvalue()


def test_calls_that_are_made_tile_by_tile_are_one_layer() -> None:
    program = compiled_digits().program
    one, two, *others = program.layers
    joined = replace(one, actions=(*one.actions, *two.actions))
    fused = replace(program, layers=(joined, *others))
    made = profile(fused, Count("cycles", 100, (7, *(1 for _ in others))))
    assert len(made.layers) == len(fused.layers) < len(program.calls)
    (first, second), row = joined.calls, made.layers[0]
    assert (row.layer, row.count) == (second.node.name, 7)
    assert row.kernel == f"{first.kernel.symbol}+{second.kernel.symbol}"
