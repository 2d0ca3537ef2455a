"""Siracusa: a cluster of eight RISC-V cores with DMA, on the simulator that ships here."""
