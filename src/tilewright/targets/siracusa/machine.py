"""Sizes and addresses of Siracusa that its target, link script and runner share.

Source: the memory map of docs/reference/simulator.md.
"""

KIB = 1024

CORES = 8

L1_BASE, L1_BYTES = 0x1000_0000, 256 * KIB
L2_BASE, L2_BYTES = 0x1C01_0000, 1984 * KIB
WMEM_BASE, WMEM_BYTES = 0x1040_0000, 8192 * KIB

CODE_BYTES = 128 * KIB
"""Of L2: code, read-only data that is no constant of the network, the fabric controller's stack."""

INPUT_BYTES = 512 * KIB
"""Of weight memory: what programs under test get and say."""

MASTER_STACK = 2560
"""Bytes of L1 for the core that runs the network."""

WORKER_STACK = 832
"""Bytes of L1 for each other core; 48 of them stay unused so that stacks start in other banks."""

SHARED_BYTES = 192
"""Of L1: what cores tell each other."""


def reserved_bytes(cores: int) -> int:
    """What the runtime takes of L1."""
    return MASTER_STACK + (cores - 1) * WORKER_STACK + SHARED_BYTES
