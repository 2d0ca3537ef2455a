"""Source graph → lowered graph: from real-number meaning to the integers of one contract."""

from tilewright.frontend.lower.driver import lower

__all__ = ["lower"]
