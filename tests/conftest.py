"""Settings that hold for every test."""

import os

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)  # small layers; several workers share the cores

settings.register_profile(
    "stable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try few examples where another run of the same commit tries them all."""
    if os.environ.get("HYPOTHESIS_PROFILE") != "few":
        return
    for item in items:
        test = getattr(item, "obj", None)
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if own is not None:  # a count that a test states overrides any profile
            few = settings(own, max_examples=min(own.max_examples, 20))
            test._hypothesis_internal_use_settings = few
