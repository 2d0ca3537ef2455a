"""N-EUREKA, Siracusa's convolution engine: what its jobs compute, how long they take, kernels."""
