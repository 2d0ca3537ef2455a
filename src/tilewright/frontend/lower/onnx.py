"""Integer forms of the onnx contract (and of pulp, which rounds differently)."""

from tilewright.frontend.lower.lowering import LowerRules

ONNX_RULES: LowerRules = {}
