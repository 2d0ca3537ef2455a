"""All rewrite rules in the order in which they are tried, and the two phases that apply them."""

from dataclasses import replace

from tilewright.frontend.rewrites.batch_norm import fold_batch_norm, split_batch_norm
from tilewright.frontend.rewrites.bias_into_producer import fuse_bias
from tilewright.frontend.rewrites.channels_first import absorb_input_transpose
from tilewright.frontend.rewrites.clip_into_producer import fuse_clip
from tilewright.frontend.rewrites.copy_to_output import copy_to_output, with_outputs_of_their_own
from tilewright.frontend.rewrites.engine import Rewritten, Rule, RuleNote, apply_rules
from tilewright.frontend.rewrites.flatten_dense import permute_dense_weights
from tilewright.frontend.rewrites.fold_constants import fold_integer_constants, fold_real_constants
from tilewright.frontend.rewrites.fuse_attention import fuse_attention
from tilewright.frontend.rewrites.lut_merge import fuse_lut_clip, merge_luts
from tilewright.frontend.rewrites.merge_equal import merge_equal
from tilewright.frontend.rewrites.pad_into_window import fold_pad
from tilewright.frontend.rewrites.prune_channels import prune_channels
from tilewright.frontend.rewrites.prune_report import PruneReport
from tilewright.frontend.rewrites.quantised_movement import share_quantisation
from tilewright.frontend.rewrites.recentre_merge import cancel_recentres
from tilewright.frontend.rewrites.reshape_merge import merge_reshapes, sink_reshape
from tilewright.frontend.rewrites.sink_transpose import sink_transpose
from tilewright.frontend.rewrites.sink_unit_reshape import sink_unit_reshape
from tilewright.frontend.rewrites.table_into_reader import fuse_table
from tilewright.frontend.rewrites.transpose_into_matmul import absorb_matrix_transpose
from tilewright.frontend.rewrites.transpose_merge import merge_transposes, transpose_to_reshape
from tilewright.ir.graph import Graph

SOURCE_RULES: tuple[Rule, ...] = (
    Rule("fold-constants", "Compute operators on real constants now.", fold_real_constants),
    Rule(
        "share-quantisation",
        "Give both sides of a Reshape or Transpose the scale that one side has.",
        share_quantisation,
    ),
    Rule("merge-transposes", "Merge or cancel a Transpose after a Transpose.", merge_transposes),
    Rule(
        "transpose-to-reshape",
        "Turn a Transpose that only moves dimensions of extent 1 into a Reshape.",
        transpose_to_reshape,
    ),
    Rule("merge-reshapes", "Merge a Reshape after a Reshape, or drop it.", merge_reshapes),
    Rule(
        "sink-transpose",
        "Move a Transpose below an operator that works in any layout.",
        sink_transpose,
    ),
    Rule("sink-reshape", "Move a Reshape below an elementwise operator.", sink_reshape),
    Rule(
        "sink-unit-reshape",
        "Move a Reshape that only adds or removes dimensions of extent 1 below an operator.",
        sink_unit_reshape,
    ),
    Rule("fold-batch-norm", "Take a BatchNorm into the layer before it.", fold_batch_norm),
    Rule("split-batch-norm", "Write a BatchNorm as Mul and Add by constants.", split_batch_norm),
    Rule("fuse-bias", "Take the addition of a constant into the layer's bias.", fuse_bias),
    Rule("fuse-clip", "Take a Relu or Clip into the bounds of its producer.", fuse_clip),
    Rule("fold-pad", "Take a Pad into the padding of a window operator.", fold_pad),
    Rule(
        "permute-dense-weights",
        "Reorder the weights of a dense layer instead of its input.",
        permute_dense_weights,
    ),
    Rule(
        "absorb-input-transpose",
        "Let the first convolution read the input's own layout.",
        absorb_input_transpose,
    ),
    Rule(
        "absorb-matrix-transpose",
        "Let a product read its second operand by rows instead of transposing it.",
        absorb_matrix_transpose,
    ),
)

LOWERED_RULES: tuple[Rule, ...] = (
    Rule("fold-integers", "Compute operators on integer constants now.", fold_integer_constants),
    Rule("cancel-recentres", "Drop uint8 to int8 and back again.", cancel_recentres),
    Rule("merge-reshapes", "Merge a Reshape after a Reshape, or drop it.", merge_reshapes),
    Rule("merge-tables", "Make one table of two, or drop one that changes nothing.", merge_luts),
    Rule("fuse-table-clip", "Take a table that only clips into its producer.", fuse_lut_clip),
    Rule("merge-equal", "Compute once what two nodes compute alike.", merge_equal),
    Rule(
        "fuse-table",
        "Take a gate's table into its product, that of a new row into its cache.",
        fuse_table,
    ),
    Rule(
        "fuse-attention",
        "Take logits, mask and softmax into the product with the values.",
        fuse_attention,
    ),
    Rule(
        "copy-to-output",
        "Copy where an output of the network shows an input or output in another shape.",
        copy_to_output,
    ),
)


def simplify(graph: Graph) -> Rewritten:
    """Source graph → an equal source graph with fewer operators; exact under every contract."""
    return apply_rules(graph, SOURCE_RULES)


def optimise(graph: Graph, *, prune: bool) -> Rewritten:
    """Lowered graph → an equal lowered graph; ``prune`` also removes dead channels."""
    rewritten = apply_rules(with_outputs_of_their_own(graph), LOWERED_RULES)
    if not prune:
        return rewritten
    pruned, report = prune_channels(rewritten.graph)
    notes = tuple(_pruned_note(report))
    again = apply_rules(pruned, LOWERED_RULES)
    applied = (*rewritten.applied, *notes, *again.applied)
    return replace(again, applied=applied, prune=report)


def _pruned_note(report: PruneReport) -> list[RuleNote]:
    return [
        RuleNote(
            "prune-channels", layer.node, f"channels {layer.channels[0]} to {layer.channels[1]}"
        )
        for layer in report.removed
    ]
