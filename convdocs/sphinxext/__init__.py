"""Sphinx parts for documentation of convolutional networks."""
