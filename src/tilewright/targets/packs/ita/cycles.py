"""How long walks of ITA take where nothing else uses L1: measured on its hardware, job by job."""

INNER = 265
"""A job that writes nothing, and reads no biases: 256 beats and the turn to the next."""

OUTPUT = 307
"""A job that writes: its port makes 290 accesses."""

SLOW_SOFTMAX = 105
"""The version with five dividers, at the end of a row of logits."""


CALL, HANDED_OVER = 1000, 240
"""Of the core that feeds the engine: per call, and per job of one. It works beside the engine."""


def _fed(cycles: int, jobs: int) -> int:
    """A call whose jobs take the engine so long; the core may take longer."""
    return max(cycles, CALL + HANDED_OVER * jobs)


def product_cycles(rows: int, columns: int, inner: int) -> int:
    """``inner`` tiles for each of ``rows`` times ``columns`` outputs."""
    return _fed(rows * columns * ((inner - 1) * INNER + OUTPUT), rows * columns * inner)


def attention_cycles(rows: int, heads: int, depth: int, keys: int, softmax_shift: int) -> int:
    """Logits and values of so many tiles."""
    logits = keys * ((depth - 1) * INNER + OUTPUT)
    values = depth * ((keys - 1) * INNER + OUTPUT)
    slow = SLOW_SOFTMAX if softmax_shift else 0
    return _fed(rows * heads * (logits + values + slow), 2 * rows * heads * keys * depth)
