"""Number systems that the interpreter computes in, one file each; see :mod:`.base` for what a ring must offer."""
