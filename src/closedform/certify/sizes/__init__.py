"""Which sizes suffice for all sizes: :mod:`.plan` counts both sides (docs/kernel.md, section 3)."""
