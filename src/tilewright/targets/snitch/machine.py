"""Sizes and addresses of the Snitch cluster that its target, link script and runner share.

Source: the memory map of docs/reference/simulator.md. How large the memory outside the cluster is,
is a statement of this target: it holds the weights of a whole transformer.
"""

KIB = 1024
MIB = 1024 * KIB

CORES = 8
"""Compute cores, 0 to 7."""

MASTER = 8
"""The core that runs the network and drives the DMA."""

L1_BASE, L1_BYTES = 0x1000_0000, 128 * KIB
L2_BASE, L2_BYTES = 0x8000_0000, 26 * MIB
RESULTS_BASE, RESULTS_BYTES = L2_BASE + L2_BYTES, 6 * MIB
"""Not of the network: inputs that come with a program, and the results that it writes."""

CODE_BYTES = 512 * KIB
"""Of L2: code and read-only data that is no constant of the network."""

MASTER_STACK = 2560
"""Bytes of L1 for the core that runs the network."""

WORKER_STACK = 848
"""Bytes of L1 for each compute core; not a multiple of what all banks hold together (256), so that
lock-step code does not meet in one bank."""

SHARED_BYTES = 896
"""Of L1: what cores tell each other, and the accelerator's walks."""

RESERVED_BYTES = MASTER_STACK + CORES * WORKER_STACK + SHARED_BYTES
"""What the runtime takes of L1."""
