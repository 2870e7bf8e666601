"""Every shape error in plain words: which layer, why, and what to write instead."""
