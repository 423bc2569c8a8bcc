"""The catalogue: one derivation per file, each reading like the paper it comes from."""
