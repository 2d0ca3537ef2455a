"""The tables of the pack's README are what the command prints."""

from pathlib import Path

from neureka import LAYERS, fastest, table

import tilewright

README = Path(tilewright.__path__[0]) / "targets/packs/neureka/README.md"


def test_the_readme_has_the_table() -> None:
    assert table() in README.read_text(encoding="utf-8")


def test_the_grid_shows_the_kernels_that_layers_are_made_of() -> None:
    shown = {fastest(layer)[0].symbol for layer in LAYERS}
    assert {
        "conv2d_neureka",
        "depthwise_groups_neureka",
        "dense_neureka",
        "dense_vector_neureka",
        "conv2d_packed_strided_neureka",
        "depthwise_packed_neureka",
        "conv2d_pairs_neureka",
    } == shown
