"""Generated torch kernels."""
