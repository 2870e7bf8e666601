"""Write what README.md shows anew: ``python docs/readme_picture.py``.

The two texts are what the package prints; tests compare them. The picture is a screenshot of the
layer explorer, so that it needs a Chromium.
"""

import re
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

import convdocs

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURE = Path(__file__).parent / "_static" / "readme-explorer.png"
WIDTH = 880  # pixels of the picture


class Block(nn.Module):
    """Two convolutions and a shortcut around them."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        alike = inside == outside and stride == 1
        self.shortcut = nn.Identity() if alike else nn.Conv2d(inside, outside, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.shortcut(x)).relu()


class Net(nn.Module):
    """A small residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.blocks = nn.Sequential(Block(16, 16), Block(16, 32, 2), Block(32, 64, 2))
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


def texts() -> dict[str, str]:
    """The blocks of README.md by name."""
    wrong = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 10)
    )
    found = convdocs.diagnose(wrong, (4, 3, 32, 32))
    assert found is not None
    return {
        "trace": convdocs.trace(Net(), (1, 3, 32, 32)).to_text(depth=2, width=90),
        "diagnosis": found.to_text(width=90),
    }


def filled(text: str, blocks: dict[str, str]) -> str:
    """README.md with its blocks as they are now."""
    for name, block in blocks.items():
        lines = f"<!-- {name} -->\n```text\n{block.rstrip()}\n```"
        block_now = re.compile(rf"<!-- {name} -->\n```text\n.*?\n```", re.DOTALL)
        text, count = block_now.subn(lambda _, new=lines: new, text)
        if count != 1:
            sys.exit(f"README.md has {count} blocks called {name}, not one")
    return text


def page() -> str:
    """The page that the picture shows: a 3x3 filter on a 5x5 input."""
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        conv.weight[:] = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
        conv.bias[:] = 1
    x = torch.arange(25.0).reshape(1, 5, 5) % 7
    explorer = convdocs.explore(conv, x, at=(0, 1, 2), controls="none")._repr_html_()
    return f'<body style="margin:8px;max-width:{WIDTH}px;background:white">{explorer}</body>'


def screenshot(browser: object) -> bytes:
    """The explorer's picture, in a Chromium that Playwright has started."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "explorer.html"
        file.write_text(f"<!doctype html><meta charset=utf-8>{page()}", encoding="utf-8")
        tab = browser.new_page(viewport={"width": WIDTH + 16, "height": 700})
        tab.goto(file.as_uri())
        tab.wait_for_timeout(300)
        picture: bytes = tab.locator(".cx").screenshot()
        tab.close()
    return picture


def main() -> None:
    """Write README.md's blocks and the picture."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from conftest import launch
    from playwright.sync_api import sync_playwright

    README.write_text(filled(README.read_text(encoding="utf-8"), texts()), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        PICTURE.write_bytes(screenshot(browser))
        browser.close()


if __name__ == "__main__":
    main()
