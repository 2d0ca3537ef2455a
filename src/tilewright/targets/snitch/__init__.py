"""Snitch: a cluster of eight small RISC-V cores and one that drives the DMA, on the simulator."""
