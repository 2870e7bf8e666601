"""Three networks that many others are built after: VGG-16, ResNet-18 and U-Net."""

from itertools import pairwise

import torch
from torch import Tensor, nn


def _block(before: int, after: int, count: int) -> nn.Sequential:
    """Convolutions of 3x3 that keep the size, each with a ReLU."""
    widths = [before, *[after] * count]
    layers: list[nn.Module] = []
    for c_in, c_out in pairwise(widths):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class VGG16(nn.Sequential):
    """Simonyan and Zisserman, 2014: five blocks, a pool after each."""

    def __init__(self) -> None:
        parts: list[nn.Module] = []
        before = 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            parts += [_block(before, width, count), nn.MaxPool2d(2)]
            before = width
        head = [nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU()]
        super().__init__(*parts, *head, nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


class Residual(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            fit = nn.Conv2d(before, after, 1, stride, bias=False)
            self.shortcut = nn.Sequential(fit, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.shortcut(x))


class ResNet18(nn.Sequential):
    """He et al., 2015: eight residual blocks; strides in place of pools."""

    def __init__(self) -> None:
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        stages = [
            nn.Sequential(Residual(before, after, stride), Residual(after, after, 1))
            for before, after, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        ]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)]
        super().__init__(*stem, nn.MaxPool2d(3, 2, padding=1), *stages, *head)


class UNet(nn.Module):
    """Ronneberger et al., 2015, in small: down, up, and across."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = _block(1, 16, 2), _block(16, 32, 2)
        self.pool = nn.MaxPool2d(2)
        self.bottom = _block(32, 64, 2)
        self.up2, self.up1 = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)
        self.join2, self.join1 = _block(64, 32, 2), _block(32, 16, 2)
        self.classes = nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.down1(x)
        half = self.down2(self.pool(fine))
        coarse = self.bottom(self.pool(half))
        half = self.join2(torch.cat([self.up2(coarse), half], dim=1))
        return self.classes(self.join1(torch.cat([self.up1(half), fine], dim=1)))


with torch.device("meta"):
    vgg16, resnet18, unet = VGG16(), ResNet18(), UNet()
