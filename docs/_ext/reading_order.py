"""The order of the gallery's pages: the notebook's own, then those beyond it."""

from pathlib import Path

SECTIONS = ["conv1d", "conv2d", "cnn", "beyond"]
PAGES = [
    # the notebook
    *("weights", "padding", "input_shapes", "errors", "outputs", "stack", "pool_trap"),
    # beyond: the settings of a layer, then what a convolution is, then networks
    *("stride", "dilation", "same", "padding_modes", "causal", "pooling", "groups", "conv3d"),
    *("transposed", "output_padding", "animations", "cross_correlation", "edges_and_blur"),
    *("matrix", "im2col", "gradient", "receptive_field", "digits"),
]


def _rank(name: str, known: list[str]) -> tuple[int, str]:
    return (known.index(name) if name in known else len(known), name)


def by_section(folder: str) -> tuple[int, str]:
    """Sort key of the gallery's folders."""
    return _rank(Path(folder).name, SECTIONS)


class ByPage:
    """Sort key of the scripts in one folder."""

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        name = Path(filename).stem.removeprefix(f"{Path(self.src_dir).name}_")
        return _rank(name, PAGES)
