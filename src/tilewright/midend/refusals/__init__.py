"""Why a network does not fit, and what was tried that would help."""
