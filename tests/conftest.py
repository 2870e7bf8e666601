"""Settings that hold for every test."""

import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)  # small layers; several workers share the cores

settings.register_profile(
    "stable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("stable")
