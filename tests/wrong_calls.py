"""A hundred wrong calls of the kinds that people report, with the fix that an expert gives first.

The kinds come from public trackers and forums: ``source`` names a report of the same mistake, and
is empty where a kind is so common that one report stands for nothing. The models and inputs are
small ones made for the purpose. ``fix`` is a pattern of the code (or of the sentence, where the fix
is no code) that an expert would give first, ``why`` says what went wrong, and both were written
before any of them was diagnosed. ``never`` is what no verified fix may hold: it would run, and
compute something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INT = torch.int64
CUT = r"\[:\d|\[\.\.\., :\d|, :\d+[,\]]|new_zeros|functional\.pad\("


@dataclass(frozen=True)
class WrongCall:
    """One call, what an expert says, and where people met it."""

    name: str
    source: str
    build: Callable[[], tuple[Any, ...]]  # the model (or a function) and its inputs
    fix: str
    why: str
    cause: str = ""
    never: str = CUT
    verified: bool = True


class Net(nn.Module):
    """Layers and parameters by name, and a forward."""

    def __init__(self, forward: Callable[..., Any], *layers: nn.Module, **parameters: Any) -> None:
        super().__init__()
        self.run = forward
        for number, layer in enumerate(layers):
            setattr(self, f"m{number}", layer)
        for name, value in parameters.items():
            setattr(self, name, nn.Parameter(value))

    def forward(self, *inputs: Any) -> Any:
        return self.run(self, *inputs)


class ConvOfOwn(nn.Conv2d):
    """A subclass with a forward of its own, as weight-standardised convolutions have."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 1.0)


class Listed(nn.Module):
    """Layers in a plain list, which the model does not know of."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.layers = [nn.Linear(8, 8), nn.Linear(8, 8)]

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = layer(x)
        return x


class Patches(nn.Module):
    """Checks its input itself, as models of transformers do."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.projection = nn.Conv2d(channels, 16, 4, 4)

    def forward(self, pixels: Tensor) -> Tensor:
        if pixels.shape[1] != self.channels:
            raise ValueError(
                "Make sure that the channel dimension of the pixel values match with the one set "
                f"in the configuration. Expected {self.channels} but got {pixels.shape[1]}."
            )
        return self.projection(pixels).flatten(2).transpose(1, 2)


class Sized(nn.Module):
    """Asserts the size of its images, as models of timm do."""

    def __init__(self, size: int = 32) -> None:
        super().__init__()
        self.size = size
        self.projection = nn.Conv2d(3, 16, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] == self.size, (
            f"Input height ({x.shape[2]}) doesn't match model ({self.size})."
        )
        assert x.shape[3] == self.size, (
            f"Input width ({x.shape[3]}) doesn't match model ({self.size})."
        )
        return self.projection(x)


class EinopsError(RuntimeError):
    """What einops raises."""


class Rearranged(nn.Module):
    """Cuts images into patches of 4 x 4, with the words of einops where that does not go."""

    def forward(self, x: Tensor) -> Tensor:
        for size in x.shape[2:]:
            if size % 4:
                raise EinopsError(
                    ' Error while processing rearrange-reduction pattern "b c (h p) (w q) -> b '
                    f'(h w) (p q c)".\n Input tensor shape: {x.shape}. Additional info: '
                    "{'p': 4, 'q': 4}.\n "
                    f"Shape mismatch, can't divide axis of length {size} in chunks of 4"
                )
        return F.unfold(x, 4, stride=4).transpose(1, 2)


def rand(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def ints(high: int, *shape: int) -> Tensor:
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(0))


def with_one(value: int, target: Tensor) -> Tensor:
    """The target with one label changed."""
    target.view(-1)[0] = value
    return target


ce = nn.CrossEntropyLoss
PT = "pytorch/pytorch#"

RECURRENT = [
    WrongCall(
        "LSTM, input width",
        PT + "5860",
        lambda: (nn.LSTM(24, 32, batch_first=True), rand(4, 7, 16)),
        r"nn\.LSTM\(16, 32, batch_first=True\)",
        "the features of each step are 16; the layer was built for 24",
    ),
    WrongCall(
        "LSTM, channels first",
        "",
        lambda: (nn.LSTM(16, 32, batch_first=True), rand(4, 16, 50)),
        r"x\.(transpose\(1, 2\)|permute\(0, 2, 1\)|movedim\(1, -1\)|mT)",
        "a convolution's (N, C, L) goes in where (N, L, C) is read: the 16 features are on axis 1",
    ),
    WrongCall(
        "LSTM, 2-D input with 3-D state",
        PT + "34036",
        lambda: (nn.LSTM(8, 12), rand(5, 8), (rand(1, 1, 12), rand(1, 1, 12))),
        r"x\.unsqueeze\(1\)|squeeze\(1\)",
        "the input has no batch, the states have one: give the input its batch of 1",
    ),
    WrongCall(
        "GRU, state with the length for the batch",
        PT + "3851",
        lambda: (nn.GRU(10, 20, 2, batch_first=True), rand(3, 5, 10), rand(2, 5, 20)),
        r"(new_zeros|torch\.zeros)\(2, (len\(x\)|x\.(shape\[0\]|size\(0\))|3), 20",
        "the state is (layers, batch, hidden) also with batch_first=True: (2, 3, 20)",
        never=r"\[:",
    ),
    WrongCall(
        "LSTM, states of one layer for two",
        PT + "3925",
        lambda: (
            nn.LSTM(8, 12, 2, batch_first=True),
            rand(3, 5, 8),
            (rand(1, 3, 12), rand(1, 3, 12)),
        ),
        r"zeros\(2, (len\(x\)|x\.(shape\[0\]|size\(0\))|3), 12",
        "each layer has a state: (2, N, 12)",
        never=r"\[:",
    ),
    WrongCall(
        "GRU, both directions",
        "timbmg/Sentence-VAE#35",
        lambda: (
            nn.GRU(8, 12, bidirectional=True, batch_first=True),
            rand(3, 5, 8),
            rand(1, 3, 12),
        ),
        r"zeros\(2, (len\(x\)|x\.(shape\[0\]|size\(0\))|3), 12",
        "each direction has a state: (2, N, 12)",
        never=r"\[:",
    ),
    WrongCall(
        "LSTM, the last batch is smaller",
        "GBLin5566/toward-controlled-generation-of-text-pytorch#10",
        lambda: (nn.LSTM(8, 12, batch_first=True), rand(3, 5, 8), (rand(1, 4, 12), rand(1, 4, 12))),
        r"zeros\(1, (len\(x\)|x\.(shape\[0\]|size\(0\))), 12|drop_last=True",
        "the state was made for a batch of 4; make it for the batch at hand",
        never=r"\[:",
    ),
    WrongCall(
        "LSTM, a state without its layer axis",
        PT + "3925",
        lambda: (nn.LSTM(8, 12), rand(5, 4, 8), (rand(4, 12), rand(4, 12))),
        r"unsqueeze\(0\)|\[None\]",
        "the states lack the axis of layers in front: (1, 4, 12)",
    ),
    WrongCall(
        "LSTMCell, input width",
        "PetrochukM/PyTorch-NLP#62",
        lambda: (nn.LSTMCell(8, 12), rand(4, 6)),
        r"nn\.LSTMCell\(6, 12\)",
        "a cell reads 6 features; it was built for 8",
    ),
    WrongCall(
        "GRUCell, one state for a batch",
        "",
        lambda: (nn.GRUCell(8, 12), rand(4, 8), rand(1, 12)),
        r"expand\((len\(x\)|x\.(shape\[0\]|size\(0\))), -1\)",
        "the one start state belongs to every sample of the batch",
    ),
    WrongCall(
        "linear after a bidirectional LSTM",
        "",
        lambda: (
            Net(
                lambda s, x: s.m1(s.m0(x)[0]),
                nn.LSTM(8, 16, batch_first=True, bidirectional=True),
                nn.Linear(16, 5),
            ),
            rand(2, 7, 8),
        ),
        r"model\.m1 = nn\.Linear\(32, 5\)",
        "two directions of 16 are 32 features",
    ),
    WrongCall(
        "LSTM in a Sequential",
        "",
        lambda: (nn.Sequential(nn.LSTM(8, 12), nn.Linear(12, 3)), rand(5, 4, 8)),
        r"x = x\[0\]|x, _ =|out, _ =",
        "an LSTM returns (output, states); the next layer takes the output alone",
    ),
]

EMBEDDING = [
    WrongCall(
        "Embedding, index past the table",
        "ajhalthor/Transformer-Neural-Network#13",
        lambda: (nn.Embedding(10, 4), torch.tensor([[1, 2, 10]])),
        r"nn\.Embedding\(11, 4\)",
        "the largest index is 10; a table of 10 rows has 0 to 9",
        cause=r"0 to 9",
        never=r"clamp|%",
    ),
    WrongCall(
        "Embedding, floats",
        "",
        lambda: (nn.Embedding(10, 4), rand(1, 10)),
        r"x\.long\(\)",
        "indices are integers",
    ),
    WrongCall(
        "Embedding, -1 for padding",
        "",
        lambda: (nn.Embedding(10, 4), torch.tensor([[1, -1, 3]])),
        r"padding_idx",
        "-1 marks padding: it needs a row of its own, all indices from 0",
        cause=r"-1|−1",
        never=r"clamp|abs|%",
    ),
    WrongCall(
        "a text longer than the table of positions",
        "",
        lambda: (
            Net(
                lambda s, x: s.m0(x) + s.m1(torch.arange(x.shape[1])),
                nn.Embedding(20, 16),
                nn.Embedding(8, 16),
            ),
            ints(20, 2, 12),
        ),
        r"model\.m1 = nn\.Embedding\(12, 16\)|x\[:, -8:\]|x\[:, :8\]",
        "12 positions, a table of 8: a longer table, or the last 8 tokens only",
        never=r"clamp|%",
    ),
]

ATTENTION = [
    WrongCall(
        "attention, batch second",
        PT + "122959",
        lambda: (nn.MultiheadAttention(16, 4), rand(1, 1, 16), rand(1, 5, 16), rand(1, 5, 16)),
        r"batch_first=True",
        "(N, L, E) was given; without batch_first=True the layer reads (L, N, E)",
    ),
    WrongCall(
        "attention, a mask per sample",
        PT + "64706",
        lambda: (
            Net(
                lambda s, x, m: s.m0(x, x, x, attn_mask=m)[0],
                nn.MultiheadAttention(16, 4, batch_first=True),
            ),
            rand(2, 5, 16),
            torch.zeros(2, 5, 5),
        ),
        r"repeat_interleave\(4, (dim=)?0\)",
        "a 3-D mask is (N x heads, L, S), the heads of one sample one after the other",
        never=r"\.repeat\(",
    ),
    WrongCall(
        "attention, padding mask transposed",
        PT + "99945",
        lambda: (
            Net(
                lambda s, x, m: s.m0(x, x, x, key_padding_mask=m)[0],
                nn.MultiheadAttention(16, 4, batch_first=True),
            ),
            rand(2, 5, 16),
            torch.zeros(5, 2, dtype=torch.bool),
        ),
        r"\.(T|mT|t\(\)|transpose\(0, 1\)|transpose\(-2, -1\))",
        "the mask of padding is (N, S), here (2, 5)",
    ),
    WrongCall(
        "attention, embedding width",
        PT + "64888",
        lambda: (nn.MultiheadAttention(32, 4, batch_first=True), *[rand(2, 5, 16)] * 3),
        r"nn\.MultiheadAttention\(16, 4, batch_first=True\)",
        "tokens of 16 go into a layer built for 32",
    ),
    WrongCall(
        "attention, heads do not divide",
        "facebookresearch/detr#499",
        lambda: (lambda: nn.MultiheadAttention(10, 4),),
        r"nn\.MultiheadAttention\((10, (2|5)|12, 4|8, 4)\)",
        "each head takes embed_dim / num_heads features: 5 heads, or 12 features",
    ),
    WrongCall(
        "cross attention, memory of another width",
        "DrowsyMon/RMFormer#1",
        lambda: (
            nn.MultiheadAttention(32, 4, batch_first=True),
            rand(2, 5, 32),
            rand(2, 7, 24),
            rand(2, 7, 24),
        ),
        r"kdim=24, vdim=24",
        "keys and values have 24 features: kdim and vdim say so",
    ),
    WrongCall(
        "Transformer, batch second",
        "facebookresearch/detr#130",
        lambda: (
            nn.Transformer(16, 4, 1, 1, 32).eval(),
            rand(4, 7, 16),
            rand(4, 5, 16),
        ),
        r"batch_first=True",
        "(N, L, E) was given; without batch_first=True the lengths are read as batches",
    ),
    WrongCall(
        "attention function, mask without heads",
        "hyunwoongko/transformer#32",
        lambda: (
            Net(lambda s, q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m)),
            rand(2, 4, 5, 8),
            torch.zeros(2, 5, 5),
        ),
        r"\.unsqueeze\(1\)|\[:, None\]",
        "the mask (N, L, S) lacks the axis of the heads",
    ),
]

LOSSES = [
    WrongCall(
        "tokens' classes last",
        "",
        lambda: (ce(), rand(4, 7, 12), ints(12, 4, 7)),
        r"\.(transpose\(1, (2|-1)\)|mT|movedim\(-1, 1\)|permute\(0, 2, 1\))|flatten\(0, 1\)",
        "the classes are on the last axis; the loss reads them on axis 1",
    ),
    WrongCall(
        "a trailing axis",
        "practicingman/chinese_text_cnn#11",
        lambda: (ce(), rand(20, 2, 1), ints(2, 20)),
        r"\.squeeze\((-1|2)\)",
        "the logits have an axis of size 1 too many at their end",
    ),
    WrongCall(
        "target 10 of 10 classes",
        "",
        lambda: (ce(), rand(3, 10), torch.tensor([1, 10, 3])),
        r"- 1\b",
        "labels from 1 to 10: the loss counts from 0",
        cause=r"0 to 9",
        never=r"clamp|%|ignore_index",
    ),
    WrongCall(
        "float target",
        "milesial/Pytorch-UNet#93",
        lambda: (ce(), rand(3, 10), torch.tensor([1.0, 4.0, 3.0])),
        r"\.long\(\)",
        "class indices are int64",
    ),
    WrongCall(
        "column target",
        "",
        lambda: (ce(), rand(3, 10), torch.tensor([[1], [4], [3]])),
        r"\.squeeze\((1|-1)\)",
        "the labels stand in a column, (3, 1); they should be (3,)",
    ),
    WrongCall(
        "one-hot integers",
        PT + "1258",
        lambda: (ce(), rand(2, 3), torch.tensor([[0, 1, 0], [1, 0, 0]])),
        r"\.argmax\((dim=)?1\)|\.float\(\)",
        "one-hot rows of integers: their argmax is the class (or floats, read as probabilities)",
    ),
    WrongCall(
        "BCE, column against vector",
        "Arctanxy/W-Net-PyTorch#15",
        lambda: (nn.BCELoss(), rand(8, 1), torch.ones(8)),
        r"\.unsqueeze\((1|-1)\)|\.squeeze\((1|-1)\)",
        "the model returns a column, the targets are a vector",
    ),
    WrongCall(
        "BCE, integers",
        "ando-khachatryan/HiDDeN#28",
        lambda: (nn.BCEWithLogitsLoss(), rand(8), torch.ones(8, dtype=INT)),
        r"\.float\(\)",
        "the targets of BCE are floats",
        cause=r"(?s)(?!.*float32 has no|.*no version for torch.float32).*target",
    ),
    WrongCall(
        "a mask with a channel",
        "milesial/Pytorch-UNet#226",
        lambda: (ce(), rand(2, 5, 8, 8), ints(5, 2, 1, 8, 8)),
        r"\.squeeze\(1\)|\[:, 0\]",
        "the mask of classes is (N, H, W)",
    ),
    WrongCall(
        "a coloured mask",
        "milesial/Pytorch-UNet#373",
        lambda: (ce(), rand(2, 5, 8, 8), ints(5, 2, 8, 8, 1).expand(-1, -1, -1, 3).contiguous()),
        r"\[\.\.\., 0\]|\[:, :, :, 0\]",
        "the mask was read as an RGB image; its classes are in one channel",
    ),
    WrongCall(
        "a mask with 255",
        "",
        lambda: (ce(), rand(2, 5, 8, 8), with_one(255, ints(5, 2, 8, 8))),
        r"ignore_index=255",
        "255 marks pixels without a class",
        never=r"clamp|%|256",
    ),
    WrongCall(
        "target -1",
        "discuss.pytorch.org/t/158873",
        lambda: (ce(), rand(3, 10), torch.tensor([1, -1, 3])),
        r"ignore_index=-1",
        "-1 marks what has no label",
        never=r"clamp|%|abs",
    ),
    WrongCall(
        "a view multiplied the batch",
        "qijiezhao/pseudo-3d-pytorch#28",
        lambda: (
            Net(
                lambda s, x, y: F.cross_entropy(s.m1(s.m0(x).view(-1, 400)), y),
                nn.Conv2d(3, 16, 3, padding=1),
                nn.Linear(400, 10),
            ),
            rand(2, 3, 10, 10),
            ints(10, 2),
        ),
        r"(?s)flatten\(1\).*nn\.Linear\(1600, 10\)|nn\.Linear\(1600, 10\).*flatten\(1\)",
        "view(-1, 400) made 8 rows of 2 images: flatten(1), and in_features=1600",
    ),
    WrongCall(
        "BCE, a mask without its channel",
        "sunjesse/shape-attentive-unet#8",
        lambda: (nn.BCEWithLogitsLoss(), rand(4, 1, 8, 8), torch.ones(4, 8, 8)),
        r"\.unsqueeze\(1\)|\[:, None\]|\.squeeze\(1\)",
        "the output has a channel, the mask has none",
    ),
    WrongCall(
        "BCE on two outputs",
        "patrickloeber/pytorchTutorial#30",
        lambda: (nn.BCEWithLogitsLoss(), rand(4, 2), torch.ones(4)),
        r"CrossEntropyLoss|one_hot",
        "two outputs, one per class, and one label a sample: cross-entropy",
        never=r"expand|repeat|\[:",
    ),
    WrongCall(
        "NLL, tokens' classes last",
        "",
        lambda: (nn.NLLLoss(), rand(4, 7, 12).log_softmax(-1), ints(12, 4, 7)),
        r"\.(transpose\(1, (2|-1)\)|mT|movedim\(-1, 1\)|permute\(0, 2, 1\))|flatten\(0, 1\)",
        "the classes are on the last axis; the loss reads them on axis 1",
    ),
    WrongCall(
        "CTC, batch first",
        "Sierkinhane/CRNN_Chinese_Characters_Rec#304",
        lambda: (
            nn.CTCLoss(),
            rand(4, 50, 20).log_softmax(2),
            ints(19, 4, 10) + 1,
            torch.full((4,), 50),
            torch.full((4,), 10),
        ),
        r"\.(transpose\(0, 1\)|permute\(1, 0, 2\))",
        "log_probs are (T, N, C): the batch is second",
        never=r"\[:",
    ),
    WrongCall(
        "KLDiv, class indices",
        "",
        lambda: (nn.KLDivLoss(reduction="batchmean"), rand(4, 10).log_softmax(1), ints(10, 4)),
        r"one_hot\(.*10\)\.float\(\)|CrossEntropyLoss|NLLLoss",
        "the target is a distribution like the input, not a class index",
        never=r"\[:|expand",
    ),
    WrongCall(
        "cosine embedding, a column of labels",
        "Jhonve/GCN-Denoiser#8",
        lambda: (nn.CosineEmbeddingLoss(), rand(4, 8), rand(4, 8), torch.ones(4, 1)),
        r"\.squeeze\((1|-1)\)",
        "one label, 1 or -1, a pair: a vector",
    ),
    WrongCall(
        "triplet, one negative for all",
        "",
        lambda: (nn.TripletMarginLoss(), rand(4, 8), rand(4, 8), rand(8)),
        r"\.unsqueeze\(0\)|\[None\]|expand",
        "the one negative lacks the axis of the batch",
    ),
    WrongCall(
        "coarse logits, full mask",
        "",
        lambda: (ce(), rand(2, 5, 7, 7), ints(5, 2, 28, 28)),
        r"interpolate\(.*size=\w+\.shape\[(-2|1):\]",
        "the logits are four times smaller than the mask: bring them to its size",
    ),
    WrongCall(
        "BCE of logits",
        "ray-project/ray#17117",
        lambda: (nn.BCELoss(), rand(4) * 6 - 3, torch.ones(4)),
        r"BCEWithLogitsLoss\(\)|sigmoid",
        "BCELoss takes probabilities; these are logits",
        never=r"clamp|abs",
    ),
]

JOINS = [
    WrongCall(
        "residual: channels and stride",
        "yunjey/pytorch-tutorial#59",
        lambda: (Net(lambda s, x: s.m0(x) + x, nn.Conv2d(64, 128, 3, 2, 1)), rand(2, 64, 16, 16)),
        r"nn\.Conv2d\(64, 128, 1, stride=2\)",
        "a shortcut of size 1 with the stride of the branch",
    ),
    WrongCall(
        "residual: channels",
        "AlexeyAB/darknet#5166",
        lambda: (Net(lambda s, x: s.m0(x) + x, nn.Conv2d(64, 128, 3, 1, 1)), rand(2, 64, 16, 16)),
        r"nn\.Conv2d\(64, 128, 1\)",
        "widen the shortcut, not the branch back",
        never=CUT + r"|Conv2d\(128, 64",
    ),
    WrongCall(
        "residual: no padding",
        "",
        lambda: (Net(lambda s, x: s.m0(x) + x, nn.Conv1d(8, 8, 3)), rand(2, 8, 20)),
        r"nn\.Conv1d\(8, 8, 3, padding=1\)",
        "the branch loses a cell at each end: padding=1",
    ),
    WrongCall(
        "residual: dilation without its padding",
        "yang-song/score_sde_pytorch#62",
        lambda: (
            Net(lambda s, x: s.m0(x) + x, nn.Conv1d(8, 8, 3, padding=1, dilation=2)),
            rand(2, 8, 20),
        ),
        r"padding=2, dilation=2|dilation=2, padding=2",
        "dilation 2 needs padding 2 to keep the size",
    ),
    WrongCall(
        "residual: the stride twice",
        "",
        lambda: (
            Net(
                lambda s, x: s.m1(s.m0(x)) + s.m2(x),
                nn.Conv2d(8, 16, 3, 2, 1),
                nn.Conv2d(16, 16, 3, 2, 1),
                nn.Conv2d(8, 16, 1, 2),
            ),
            rand(2, 8, 16, 16),
        ),
        r"model\.m1 = nn\.Conv2d\(16, 16, 3, padding=1\)",
        "only the first convolution of a block has the stride",
    ),
    WrongCall(
        "pool rounds down, conv up",
        "FrancescoSaverioZuppichini/glasses#236",
        lambda: (
            Net(lambda s, x: s.m0(x) + s.m1(x), nn.Conv2d(8, 8, 3, 2, 1), nn.AvgPool2d(2)),
            rand(2, 8, 15, 15),
        ),
        r"AvgPool2d\(2, ceil_mode=True\)",
        "of 15 the pool makes 7 and the convolution 8",
    ),
    WrongCall(
        "decoder one short",
        PT + "8816",
        lambda: (
            Net(
                lambda s, x: s.m1(s.m0(x)) + x,
                nn.Conv2d(8, 8, 3, 2, 1),
                nn.ConvTranspose2d(8, 8, 3, 2, 1),
            ),
            rand(2, 8, 16, 16),
        ),
        r"output_padding=1",
        "16 becomes 8 and 15: output_padding chooses 16",
    ),
    WrongCall(
        "pyramid",
        "open-mmlab/mmdetection#2157",
        lambda: (
            Net(
                lambda s, x: (lambda p: F.interpolate(s.m1(p), scale_factor=2) + p)(s.m0(x)),
                nn.Conv2d(3, 8, 3, 2, 1),
                nn.Conv2d(8, 8, 3, 2, 1),
            ),
            rand(1, 3, 50, 50),
        ),
        r"interpolate\(.*size=\w+\.shape\[(-2|2):\]",
        "25 becomes 13 and 26: interpolate to the other's size, not by a factor",
    ),
    WrongCall(
        "positions of another image size",
        "jeonsworld/ViT-pytorch#3",
        lambda: (
            Net(
                lambda s, x: s.m0(x).flatten(2).transpose(1, 2) + s.pos,
                nn.Conv2d(3, 64, 16, 16),
                pos=torch.zeros(1, 196, 64),
            ),
            rand(1, 3, 256, 256),
        ),
        r"224, 224|interpolate",
        "256 tokens for 196 positions: images of 224 x 224, or positions interpolated to 16 x 16",
        cause=r"224 x 224",
        never=CUT + r"|Conv1d",
    ),
    WrongCall(
        "positions without the class token",
        "openmedlab/PathoDuet#11",
        lambda: (
            Net(
                lambda s, x: torch.cat([s.cls.expand(len(x), -1, -1), x], 1) + s.pos,
                cls=torch.zeros(1, 1, 8),
                pos=torch.zeros(1, 16, 8),
            ),
            rand(2, 16, 8),
        ),
        r"torch\.zeros\(1, 17, 8\)",
        "16 patches and the class token are 17 tokens",
        never=CUT + r"|interpolate",
    ),
    WrongCall(
        "class token",
        "lucidrains/vit-pytorch#224",
        lambda: (
            Net(lambda s, x: torch.cat([s.cls, x], 1), cls=torch.zeros(1, 1, 64)),
            rand(4, 196, 64),
        ),
        r"expand\((len\(\w+\)|\w+\.(shape\[0\]|size\(0\))), -1, -1\)",
        "the one class token belongs to every sample of the batch",
    ),
    WrongCall(
        "map and vector",
        "",
        lambda: (Net(lambda s, x, v: torch.cat([x, v], 1)), rand(2, 3, 8, 8), rand(2, 10)),
        r"\[:, :, None, None\]\.expand\(-1, -1, (\*\w+\.shape\[(2|-2):\]|8, 8)\)",
        "the vector is repeated at every pixel",
    ),
    WrongCall(
        "mask without channel",
        "",
        lambda: (Net(lambda s, x, m: x * m), rand(2, 3, 8, 8), rand(2, 8, 8)),
        r"\[:, None\]|\.unsqueeze\(1\)",
        "the mask lacks the axis of channels",
    ),
    WrongCall(
        "a number per channel",
        "",
        lambda: (Net(lambda s, x, m: x + m), rand(2, 3, 8, 8), torch.tensor([1.0, 2.0, 3.0])),
        r"\[:, None, None\]|view\(-1, 1, 1\)",
        "a number per channel needs the axes of height and width behind it",
    ),
    WrongCall(
        "squeeze and excite",
        "",
        lambda: (
            Net(
                lambda s, x: x * s.m0(x.mean((2, 3))).sigmoid(),
                nn.Linear(8, 8),
            ),
            rand(2, 8, 4, 4),
        ),
        r"\[:, :, None, None\]",
        "the gate (N, C) needs two axes behind it",
    ),
    WrongCall(
        "scores and a padding mask",
        "bentrevett/pytorch-seq2seq#138",
        lambda: (
            Net(lambda s, a, m: a.masked_fill(m, -1e9)),
            rand(2, 4, 5, 5),
            torch.zeros(2, 5, dtype=torch.bool),
        ),
        r"\[:, None, None(, :)?\]|unsqueeze\(1\)\.unsqueeze\((1|2)\)",
        "the mask (N, S) lacks the axes of heads and of queries",
        never=CUT + r"|\[\.\.\., None",
    ),
    WrongCall(
        "unequal lengths",
        PT + "27617",
        lambda: (Net(lambda s, a, b: torch.stack([a, b])), rand(5, 8), rand(7, 8)),
        r"pad_sequence\(\[.*batch_first=True",
        "sequences of two lengths are padded to the longer",
        never=r"\[:",
    ),
    WrongCall(
        "images of two sizes",
        "VSainteuf/pytorch-psetae#21",
        lambda: (Net(lambda s, a, b: torch.stack([a, b])), rand(3, 8, 8), rand(3, 10, 9)),
        r"interpolate|resize",
        "images are resized to one size before they are stacked",
        never=r"\[:",
    ),
    WrongCall(
        "features joined along the batch",
        "",
        lambda: (Net(lambda s, a, b: torch.cat([a, b])), rand(4, 16), rand(4, 8)),
        r"torch\.cat\(\[a, b\], (dim=)?(1|-1)\)",
        "they differ in their features: that is the axis to join along",
    ),
    WrongCall(
        "U-Net on 63 x 50",
        "bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets#55",
        lambda: (
            Net(
                lambda s, x: (lambda a: torch.cat([s.m2(s.m1(a)), a], 1))(s.m0(x)),
                nn.Conv2d(3, 8, 3, padding=1),
                nn.MaxPool2d(2),
                nn.Upsample(scale_factor=2),
            ),
            rand(1, 3, 63, 50),
        ),
        r"interpolate\(.*size=\w+\.shape\[(-2|2):\]",
        "sizes that are multiples of 2, or the map upsampled to the other's size",
        cause=r"multiples? of 2",
    ),
    WrongCall(
        "U-Net with transposed convolutions, two levels",
        "milesial/Pytorch-UNet#32",
        lambda: (
            Net(
                lambda s, x: (
                    lambda a: (lambda b: torch.cat([s.m5(torch.cat([s.m4(s.m3(b)), b], 1)), a], 1))(
                        s.m2(s.m1(a))
                    )
                )(s.m0(x)),
                nn.Conv2d(3, 8, 3, padding=1),
                nn.MaxPool2d(2),
                nn.Conv2d(8, 8, 3, padding=1),
                nn.MaxPool2d(2),
                nn.ConvTranspose2d(8, 8, 2, 2),
                nn.ConvTranspose2d(16, 8, 2, 2),
            ),
            rand(1, 3, 70, 68),
        ),
        r"interpolate\(.*size=\w+\.shape\[(-2|2):\]",
        "70 becomes 35 and 17: sizes that are multiples of 4, or resize to the other's size",
        cause=r"multiples? of 4",
    ),
    WrongCall(
        "channels after a concatenation",
        "",
        lambda: (
            Net(
                lambda s, x: s.m2(torch.cat([s.m0(x), s.m1(x)], 1)),
                nn.Conv2d(3, 16, 3, padding=1),
                nn.Conv2d(3, 8, 3, padding=1),
                nn.Conv2d(16, 4, 3),
            ),
            rand(1, 3, 16, 16),
        ),
        r"model\.m2 = nn\.Conv2d\(24, 4, 3\)",
        "16 and 8 channels are 24",
    ),
]

BATCH = [
    WrongCall(
        "image without batch",
        "michuanhaohao/reid-strong-baseline#6",
        lambda: (
            nn.Sequential(
                nn.Conv2d(1, 10, 3, padding=1), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(490, 10)
            ),
            rand(1, 28, 28),
        ),
        r"x\.unsqueeze\(0\)|x\[None\]",
        "one image without its batch axis: unsqueeze(0) at the model's input",
        never=CUT + r"|flatten\(\)",
    ),
    WrongCall(
        "image without batch, batch norm",
        "Brain-Bridge-Lab/resmem#1",
        lambda: (
            nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).eval(),
            rand(3, 16, 16),
        ),
        r"x\.unsqueeze\(0\)|x\[None\]",
        "one image without its batch axis: unsqueeze(0) at the model's input",
        never=CUT + r"|BatchNorm1d",
    ),
    WrongCall(
        "patches without batch",
        "",
        lambda: (
            Net(
                lambda s, x: s.m0(x).flatten(2).transpose(1, 2) + s.pos,
                nn.Conv2d(3, 8, 4, 4),
                pos=torch.zeros(1, 16, 8),
            ),
            rand(3, 16, 16),
        ),
        r"x\.unsqueeze\(0\)|x\[None\]",
        "one image without its batch axis: flatten(2) then flattens nothing",
    ),
    WrongCall(
        "grey images without a channel",
        "harshitbansal05/Image-Colorization#1",
        lambda: (nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU()), rand(15, 28, 28)),
        r"x\.unsqueeze\(1\)|x\[:, None\]",
        "15 grey images lack their channel axis",
    ),
]

FLATTEN = [
    WrongCall(
        "view(-1, 400)",
        "pytorch/tutorials#503",
        lambda: (
            Net(
                lambda s, x: s.m1(s.m0(x).view(-1, 400)),
                nn.Conv2d(3, 16, 3, padding=1),
                nn.Linear(400, 10),
            ),
            rand(4, 3, 14, 14),
        ),
        r"(?s)flatten\(1\).*nn\.Linear\(3136, 10\)|nn\.Linear\(3136, 10\).*flatten\(1\)",
        "flatten(1) keeps the batch, and in_features is what arrives: 3136",
        never=CUT + r"|view\(4, -1\)",
    ),
    WrongCall(
        "LeNet for 32, given 28",
        "ShusenTang/Dive-into-DL-PyTorch#159",
        lambda: (
            nn.Sequential(
                nn.Conv2d(1, 6, 5),
                nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(400, 120),
            ),
            rand(4, 1, 28, 28),
        ),
        r"nn\.Linear\(256, 120\)|size=\(32, 32\)",
        "Linear(400) belongs to images of 32 x 32; 28 x 28 give 256",
        cause=r"32 x 32",
    ),
    WrongCall(
        "a batch that was typed in",
        "gsp-27/pytorch_Squeezenet#4",
        lambda: (
            Net(lambda s, x: s.m1(s.m0(x).view(4, -1)), nn.Conv2d(3, 5, 3), nn.Linear(180, 10)),
            rand(3, 3, 8, 8),
        ),
        r"\.flatten\(1\)|view\((len\(x\)|x\.(shape\[0\]|size\(0\))), -1\)",
        "the batch of 4 was typed in: flatten(1) keeps any batch",
        never=CUT + r"|(view|reshape)\(3, -1\)",
    ),
    WrongCall(
        "flatten takes the batch",
        "karpathy/neuraltalk2#90",
        lambda: (nn.Sequential(nn.Flatten(0), nn.Linear(12, 3)), rand(2, 3, 4)),
        r"model\[0\] = nn\.Flatten\(\)|\.flatten\(1\)",
        "Flatten(0) takes the batch in: Flatten() begins at axis 1",
        never=CUT + r"|reshape\(2, 12\)|view\(2, 12\)",
    ),
    WrongCall(
        "linear over the channels of a sequence",
        "",
        lambda: (nn.Sequential(nn.Conv1d(8, 16, 3), nn.Linear(16, 4)), rand(2, 8, 52)),
        r"\.(transpose\(1, (2|-1)\)|mT|movedim\(1, -1\)|permute\(0, 2, 1\))",
        "the 16 features are on axis 1; a linear layer reads the last",
    ),
    WrongCall(
        "two matrices side by side",
        "",
        lambda: (Net(lambda s, a, b: a @ b), rand(4, 16), rand(6, 16)),
        r"b\.(T|mT|t\(\)|transpose\(-2, -1\)|transpose\(0, 1\))",
        "rows with rows: the second is transposed",
    ),
]

NORMS = [
    WrongCall(
        "squeeze lost the batch",
        "layumi/Person_reID_baseline_pytorch#49",
        lambda: (nn.BatchNorm1d(8).eval(), rand(8)),
        r"x\[None\]|x\.unsqueeze\(0\)",
        "one sample of 8 features lacks its batch axis",
        never=CUT + r"|BatchNorm1d\(1\)",
    ),
    WrongCall(
        "squeeze in a model",
        "eliphatfs/SkeletonMerger#1",
        lambda: (
            Net(
                lambda s, x: s.m2(s.m1(s.m0(x).squeeze())),
                nn.AdaptiveAvgPool2d(1),
                nn.BatchNorm1d(8),
                nn.Linear(8, 2),
            ).eval(),
            rand(1, 8, 4, 4),
        ),
        r"\.flatten\(1\)|\.squeeze\(\(-1, -2\)\)|\.squeeze\(\(2, 3\)\)",
        "squeeze() took the batch of 1 too: flatten(1) in its place",
        never=CUT + r"|BatchNorm1d\(1\)",
    ),
    WrongCall(
        "LayerNorm over the channels of a map",
        "svip-lab/AS-MLP#6",
        lambda: (nn.Sequential(nn.Conv2d(3, 16, 3), nn.LayerNorm(16)), rand(2, 3, 10, 10)),
        r"(?s)(permute\(0, 2, 3, 1\)|movedim\(1, -1\)).*(permute\(0, 3, 1, 2\)|movedim\(-1, 1\))",
        "the channels go last for the norm, and back after it",
        never=CUT + r"|LayerNorm\(8\)",
    ),
    WrongCall(
        "BatchNorm1d on tokens",
        "",
        lambda: (nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16)).eval(), rand(4, 7, 8)),
        r"(?s)(transpose\(1, (2|-1)\)|permute\(0, 2, 1\)|movedim\(-1, 1\)|mT)"
        r".*(transpose\(1, (2|-1)\)|permute\(0, 2, 1\)|movedim\(1, -1\)|mT)",
        "the features go to axis 1 for the norm, and back after it",
        never=CUT + r"|BatchNorm1d\(7\)",
    ),
    WrongCall(
        "one sample in training",
        "GOATmessi8/RFBNet#64",
        lambda: (nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4)), rand(1, 8)),
        r"\.eval\(\)|drop_last=True",
        "a batch of 1 has no spread: eval() to predict, drop_last=True to train",
        never=CUT + r"|repeat",
    ),
]

INDEXING = [
    WrongCall(
        "softmax over an axis that is not there",
        "facebookresearch/SlowFast#208",
        lambda: (nn.Sequential(nn.Linear(8, 10), nn.Softmax(dim=2)), rand(4, 8)),
        r"nn\.Softmax\((dim=)?(1|-1)\)",
        "(N, classes) has the axes 0 and 1",
    ),
    WrongCall(
        "bmm of weights without their axis",
        "keon/seq2seq#16",
        lambda: (Net(lambda s, w, v: torch.bmm(w, v)), rand(4, 5), rand(4, 5, 8)),
        r"\.unsqueeze\(1\)|\[:, None\]",
        "one row of weights a sample: (4, 1, 5)",
        never=CUT + r"|matmul\(a, b\)",
    ),
    WrongCall(
        "cdist of points in columns",
        "",
        lambda: (Net(lambda s, a, b: torch.cdist(a, b)), rand(10, 3), rand(3, 8)),
        r"b\.(T|mT|t\(\)|transpose\(-2, -1\)|transpose\(0, 1\))",
        "points are rows",
    ),
    WrongCall(
        "gather of chosen actions",
        "mila-iqia/babyai#73",
        lambda: (Net(lambda s, q, a: q.gather(1, a)), rand(4, 6), ints(6, 4)),
        r"\.unsqueeze\((1|-1)\)|\[:, None\]",
        "the index has as many axes as the values: (4, 1)",
    ),
    WrongCall(
        "index past the end",
        "",
        lambda: (Net(lambda s, x: x[:, 10]), rand(4, 10)),
        r"\[:, (-1|9)\]",
        "axis 1 has 10 cells, 0 to 9; the last is -1",
        cause=r"0 to 9",
    ),
    WrongCall(
        "gather with labels from 1",
        "boathit/t2vec#17",
        lambda: (Net(lambda s, q, a: q.gather(1, a)), rand(3, 6), torch.tensor([[1], [6], [3]])),
        r"- 1\b",
        "indices from 1 to 6 for the cells 0 to 5",
        cause=r"0 to 5",
        never=r"clamp|%|\[:",
    ),
    WrongCall(
        "heads merged",
        "facebookresearch/fairseq#2598",
        lambda: (
            Net(lambda s, x: x.view(2, 5, 3, 4).transpose(1, 2).view(2, 5, 12)),
            rand(2, 5, 12),
        ),
        r"\.transpose\(1, 2\)\.(reshape\(|flatten\(2\)|contiguous\(\)\.view\()",
        "the heads go back beside their features before they are merged",
        never=r"^y = \w+\.(reshape|contiguous)",
    ),
    WrongCall(
        "four paddings",
        "",
        lambda: (Net(lambda s, x: nn.Conv2d(3, 3, 3, padding=(1, 2, 1, 2))(x)), rand(1, 3, 8, 8)),
        r"ZeroPad2d\(\(1, 2, 1, 2\)\)",
        "a convolution pads both ends alike: a ZeroPad2d before it, padding=0",
        never=r"padding=\(1, 2\)",
    ),
    WrongCall(
        "images too small for the layers",
        PT + "4884",
        lambda: (
            nn.Sequential(
                *[
                    nn.Sequential(nn.Conv2d(c, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
                    for c in (3, 4, 4, 4, 4)
                ]
            ),
            rand(1, 3, 32, 32),
        ),
        r"94",
        "five convolutions of 3 and pools of 2 need 94 x 94 at least",
        cause=r"94 x 94",
    ),
    WrongCall(
        "patches that do not divide the image",
        "Project-MONAI/MONAI#4100",
        lambda: (Rearranged(), rand(1, 3, 30, 32)),
        r"size=\((28|32), 32\)|multiples? of 4",
        "30 is no multiple of 4: resize to 32 x 32",
        cause=r"multiples? of 4",
    ),
]

REST = [
    WrongCall(
        "layers in a list",
        PT + "1053",
        lambda: (Listed().double(), rand(2, 8).double()),
        r"nn\.ModuleList\(",
        "a plain list hides its layers from the model: double(), to() and parameters() miss them",
        cause=r"list",
        never=r"\.float\(\)",
    ),
    WrongCall(
        "weights of another head",
        "layumi/Person_reID_baseline_pytorch#103",
        lambda: (
            lambda: nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 3)).load_state_dict(
                nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 10)).state_dict()
            ),
        ),
        r"(?s)nn\.Linear\(4, 10\)|startswith.*strict=False",
        "the saved layer 1 makes 10, the model's makes 3",
        cause=r"(?s)10.*3",
        verified=False,
    ),
    WrongCall(
        "weights saved by DataParallel",
        "bearpaw/pytorch-classification#27",
        lambda: (
            lambda: nn.Sequential(nn.Linear(8, 4)).load_state_dict(
                {f"module.{k}": v for k, v in nn.Sequential(nn.Linear(8, 4)).state_dict().items()}
            ),
        ),
        r"removeprefix\(.module\..\)",
        "every name begins with 'module.'",
        verified=False,
    ),
    WrongCall(
        "float64 from NumPy",
        "",
        lambda: (nn.Sequential(nn.Linear(8, 4)), torch.zeros(2, 8, dtype=torch.float64)),
        r"x\.float\(\)",
        "NumPy makes float64",
    ),
    WrongCall(
        "four channels, the model's own words",
        "chflame163/ComfyUI_LayerStyle#468",
        lambda: (nn.Sequential(Patches(), nn.Linear(16, 4)), rand(1, 4, 16, 16)),
        r"x\[:, :3\]",
        "an RGBA image: the fourth channel is transparency",
        never=r"\[:\d|new_zeros|functional\.pad\(",
    ),
    WrongCall(
        "an image size, the model's own assert",
        "lukemelas/PyTorch-Pretrained-ViT#16",
        lambda: (Sized(), rand(1, 3, 40, 40)),
        r"interpolate\(.*size=\(32, 32\)",
        "the model was built for 32 x 32",
        never=CUT,
    ),
    WrongCall(
        "a subclass, channels",
        "",
        lambda: (nn.Sequential(nn.Conv2d(3, 8, 3), ConvOfOwn(16, 4, 3)), rand(1, 3, 12, 12)),
        r"model\[1\] = ConvOfOwn\(8, 4, 3\)",
        "8 channels arrive at a layer built for 16",
    ),
]

CASES: list[WrongCall] = [
    *RECURRENT,
    *EMBEDDING,
    *ATTENTION,
    *LOSSES,
    *JOINS,
    *BATCH,
    *FLATTEN,
    *NORMS,
    *INDEXING,
    *REST,
]
