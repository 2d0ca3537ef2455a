"""Figures of the Snitch referees that the simulator does not follow, each with its reason.

Keys are (program, beginning of the line, position of the cycle count in it); None: all positions.
docs/reference/simulator.md lists the same.
"""

COLD = "first run: the emulator hides a refill behind floating-point work less than we do, or more"
UNROLLED = (
    "the emulator loses two cycles per turn of 8 fld and 4 fmadd.d, which nothing known explains"
)
LOCK = "who gets a spinning lock depends on the emulator's order of events within a cycle"
WRITE_SIDE = "the test bench's memory stalls writes (128-byte lines: sevenfold)"
ABSENT = "the bench has cores 0 and 8 only"

GVSOC: dict[tuple[str, str], tuple[tuple[int, ...] | None, str]] = {
    ("micro", "fsgnj.s dependent"): ((0,), COLD),
    ("micro", "fmin.s dependent"): ((0,), COLD),
    ("micro", "fcvt.d.s/s.d dependent"): ((0,), COLD),
    ("micro", "fmv.x.w independent"): ((0,), COLD),
    ("micro", "2 flw + fmadd chain"): ((0,), COLD),
    ("ssr_frep", "dot plain loop"): ((0,), COLD),
    ("ssr_frep", "dot unrolled x4"): (None, UNROLLED),
    ("barrier", "8 locked increments each"): (None, LOCK),
}

RTL: dict[tuple[str, str], tuple[tuple[int, ...] | None, str]] = {
    ("ssr_frep", "8 cores, same operands"): (None, ABSENT),
    ("dma", "8 cores, 512 lw each, alone"): (None, ABSENT),
    ("dma", "same beside a 32 KiB copy"): (None, ABSENT),
    ("dma", "1-D TCDM->memory   512 B"): (None, WRITE_SIDE),
    ("dma", "1-D TCDM->memory  1024 B"): (None, WRITE_SIDE),
    ("dma", "2-D TCDM->memory"): (None, WRITE_SIDE),
}
