"""Kernels for ITA, the integer attention accelerator beside a Snitch cluster."""
