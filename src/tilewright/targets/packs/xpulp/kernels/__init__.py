"""C kernels with XpulpV2 instructions, and their bindings."""
