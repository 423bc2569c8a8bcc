"""Generated kernels, one subpackage per backend; see `closedform generate`."""
