"""Why a refuted claim is wrong: :mod:`.diagnosis` tries hypotheses from a fixed list of kinds."""
