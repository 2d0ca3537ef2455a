"""Kernels for Armv7E-M and Armv8-M cores with the DSP extension: Cortex-M4, M7, M33."""
