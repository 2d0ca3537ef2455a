"""The header of kernels that are worth -O2 where all else is made small."""

from pathlib import Path

QUICK_LOOPS = Path(__file__).parent / "quick_loops.h"
