"""Operators of the ``llm`` contract; docs/numerics.md has their formulas together."""
