"""The model that the page on directives shows."""

from torch import nn


class Net(nn.Sequential):
    """Two convolutions along a sequence, and a number of classes."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv1d(10, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(2 * width, 3),
        )


small = Net(width=16)
