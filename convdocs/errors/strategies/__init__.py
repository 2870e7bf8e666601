"""How a failing call may be mended: few and general ways, each tried by running it."""
