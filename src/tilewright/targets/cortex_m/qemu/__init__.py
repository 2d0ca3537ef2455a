"""Cortex-M boards under QEMU: building for them, running on them, counting instructions."""
