"""Side-by-side measurements of the generated kernels: `python -m benchmarks --help`."""

import os

# torch's profiler, which counts memory, would announce every start and stop; it reads this when torch is imported.
os.environ.setdefault("KINETO_LOG_LEVEL", "6")
