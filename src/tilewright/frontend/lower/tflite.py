"""Integer forms that only the tflite contract has."""

from tilewright.frontend.lower.lowering import LowerRules

TFLITE_RULES: LowerRules = {}
