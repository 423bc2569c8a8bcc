"""Counterexamples with round numbers and enclosures that do not meet: :mod:`.search`."""
