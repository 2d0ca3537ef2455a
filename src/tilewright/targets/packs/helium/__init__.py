"""Kernels for Cortex-M cores with Helium (MVE, integer)."""
