"""The picture of the explorer in README.md is how the explorer looks today."""

import importlib.util
import io
from pathlib import Path

from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent.parent


def test_the_readmes_picture_is_how_the_explorer_looks(browser: Browser) -> None:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "docs" / "readme_picture.py")
    assert spec is not None
    assert spec.loader is not None
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)
    kept = Image.open(readme.PICTURE).convert("L")
    now = Image.open(io.BytesIO(readme.screenshot(browser))).convert("L")
    renew = "renew: python docs/readme_picture.py"
    # fonts differ from machine to machine by some pixels; small pictures of both hardly do
    assert abs(kept.width - now.width) <= 20, renew
    assert abs(kept.height - now.height) <= 40, renew
    small = [picture.resize((44, 22)) for picture in (kept, now)]
    assert ImageStat.Stat(ImageChops.difference(*small)).mean[0] < 8, renew
