"""The network that the page on digits shows, trained on scikit-learn's digits when it is imported.

The digits fill their image. A reader's may be smaller and off the middle, so the network trains on
images that are moved and resized a little, each time anew.
"""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(data.target)
aside = torch.arange(len(images)) % 5 == 0  # seen in no round of training

net = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 2 * 2, 10),
)


def moved(batch: torch.Tensor) -> torch.Tensor:
    """Each image resized to 80 to 110 % and moved by up to half a pixel."""
    count = len(batch)
    grid = torch.zeros(count, 2, 3)
    grid[:, 0, 0] = grid[:, 1, 1] = 1 / (0.8 + 0.3 * torch.rand(count))
    grid[:, :, 2] = (torch.rand(count, 2) - 0.5) / 4
    places = F.affine_grid(grid, list(batch.shape), align_corners=False)
    return F.grid_sample(batch, places, align_corners=False)


train, target = images[~aside], labels[~aside]
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(40):
    for batch in torch.randperm(len(train)).split(64):
        loss = F.cross_entropy(net(moved(train[batch])), target[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

right = (net(images[aside]).argmax(dim=1) == labels[aside]).float().mean().item()
assert right > 0.95, right

# one of each digit that training has not seen
samples = images[[int((aside & (labels == digit)).nonzero()[0]) for digit in range(10)]]
