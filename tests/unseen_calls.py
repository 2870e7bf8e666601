"""Wrong calls that were written down with an expert's first fix before any of them was diagnosed.

Of the first 59, 36 had the expert's fix first, of the next 64, 44, of the next 77, 25, of the next
68, 30, of the last 26, 15; what they missed was mended.
A case is a name, what builds the call, and a pattern of the fix (its code, or its sentence).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

R, S = torch.rand, nn.Sequential
UNSEEN: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {}


def case(name: str, build: Callable[[], tuple[Any, ...]], fix: str) -> None:
    assert name not in UNSEEN
    UNSEEN[name] = build, fix


class N(nn.Module):
    """Parts by name, and a forward."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs: Any) -> Any:
        return self.run(self, *inputs)


class Block(nn.Module):
    """A residual block without a shortcut of its own."""

    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + x)


class UNet(nn.Module):
    """One level, with convolutions that do not pad."""

    def __init__(self) -> None:
        super().__init__()
        self.d1 = nn.Conv2d(3, 8, 3)
        self.d2 = nn.Conv2d(8, 16, 3)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.o = nn.Conv2d(16, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = F.relu(self.d1(x))
        b = F.relu(self.d2(F.max_pool2d(a, 2)))
        return self.o(torch.cat([a, self.up(b)], 1))


case(
    "vgg-like on larger images",
    lambda: (
        S(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        ),
        R(2, 3, 64, 64),
    ),
    r"Linear\(2048, 64\)|32 x 32|AdaptiveAvgPool2d\(\(?4",
)
case(
    "NHWC image",
    lambda: (S(nn.Conv2d(3, 8, 3), nn.ReLU()), R(1, 32, 32, 3)),
    r"permute\(0, 3, 1, 2\)|movedim\(-1, 1\)",
)
case(
    "HWC image",
    lambda: (S(nn.Conv2d(3, 8, 3), nn.ReLU()), R(32, 32, 3)),
    r"permute\(2, 0, 1\)|movedim\(-1, 0\)",
)
case(
    "uint8",
    lambda: (S(nn.Conv2d(3, 8, 3)), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)),
    r"\.float\(\)|to\(torch\.float",
)
case(
    "clip frames before channels",
    lambda: (S(nn.Conv3d(3, 8, 3)), R(2, 16, 3, 32, 32)),
    r"transpose\(1, 2\)|permute\(0, 2, 1, 3, 4\)|movedim\(",
)
case(
    "BatchNorm2d after flatten",
    lambda: (S(nn.Flatten(), nn.Linear(48, 20), nn.BatchNorm2d(20), nn.ReLU()), R(4, 3, 4, 4)),
    r"BatchNorm1d\(20\)",
)
case(
    "GroupNorm constructor",
    lambda: ((lambda: nn.GroupNorm(8, 12)),),
    r"GroupNorm\((1|2|3|4|6|12), 12\)|GroupNorm\(8, (8|16)\)",
)
case(
    "groups constructor",
    lambda: ((lambda: nn.Conv2d(32, 64, 3, groups=3)),),
    r"groups=(2|4|1|32)|Conv2d\(3[03], 6",
)
case(
    "pool to 1x1 and no flatten",
    lambda: (S(nn.Conv2d(3, 64, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(64, 10)), R(8, 3, 16, 16)),
    r"flatten\(1\)|Flatten\(\)",
)
case(
    "CRNN: squeeze and no permute",
    lambda: (
        N(
            lambda s, x: s.rnn(s.cnn(x).squeeze(2)),
            cnn=S(nn.Conv2d(1, 32, 3, padding=1), nn.AdaptiveAvgPool2d((1, 20))),
            rnn=nn.LSTM(32, 16, batch_first=True),
        ),
        R(4, 1, 8, 40),
    ),
    r"transpose\(1, 2\)|permute\(0, 2, 1\)|\.mT|movedim",
)
case(
    "text CNN without permute",
    lambda: (
        N(lambda s, i: s.conv(s.emb(i)), emb=nn.Embedding(100, 32), conv=nn.Conv1d(32, 8, 3)),
        torch.randint(0, 100, (4, 12)),
    ),
    r"transpose\(1, 2\)|permute\(0, 2, 1\)|\.mT|movedim",
)
case(
    "DCGAN noise",
    lambda: (
        S(
            nn.ConvTranspose2d(100, 64, 4),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 3, 4, 2, 1),
        ),
        R(8, 100),
    ),
    r"\[(\.\.\.|:, :), None, None\]|unsqueeze\(-1\)\.unsqueeze\(-1\)|view\(.*1, 1\)",
)
case(
    "discriminator's map against labels",
    lambda: (
        (lambda x, y: F.binary_cross_entropy(torch.sigmoid(nn.Conv2d(8, 1, 4)(x)), y)),
        R(6, 8, 4, 4),
        R(6),
    ),
    r"flatten\(\)|squeeze|view\(-1\)|view_as|reshape|flatten\(0\)",
)
case(
    "decoder view of another size",
    lambda: (
        N(
            lambda s, z: s.up(s.fc(z).view(-1, 64, 4, 4)),
            fc=nn.Linear(16, 64 * 3 * 3),
            up=nn.ConvTranspose2d(64, 3, 4, 2, 1),
        ),
        R(5, 16),
    ),
    r"Linear\(16, 1024\)|view\(-1, 64, 3, 3\)|64, 3, 3",
)
case(
    "q @ k without transpose",
    lambda: (
        (lambda q, k, v: (q @ k).softmax(-1) @ v),
        R(2, 4, 10, 8),
        R(2, 4, 10, 8),
        R(2, 4, 10, 8),
    ),
    r"transpose\(-2, -1\)|\.mT|transpose\(-1, -2\)|transpose\(2, 3\)",
)
case(
    "adjacency on the wrong side",
    lambda: (
        N(lambda s, a, x: a @ s.lin(x).transpose(1, 2), lin=nn.Linear(16, 8)),
        R(7, 7),
        R(3, 7, 16),
    ),
    r"transpose",
)
case(
    "features are not d_model",
    lambda: (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, batch_first=True), 1),
        R(2, 10, 7),
    ),
    r"Linear\(7, 32\)|d_model|TransformerEncoderLayer\(7",
)
case(
    "backward of a map",
    lambda: ((lambda x: nn.Linear(4, 4)(x).backward()), R(2, 4)),
    r"\.(mean|sum)\(\)",
)
case("backward without grad", lambda: ((lambda x: x.sum().backward()), R(2, 4)), r"grad_fn")
case(
    "backward twice",
    lambda: (
        (
            lambda x: (lambda loss: (loss.backward(), loss.backward()))(
                nn.Linear(4, 1)(x).pow(2).sum()
            )
        ),
        R(2, 4),
    ),
    r"detach",
)
case(
    "numpy array",
    lambda: (S(nn.Conv2d(3, 8, 3)), np.zeros((1, 3, 8, 8), "float32")),
    r"from_numpy|torch\.(as_)?tensor",
)
case(
    "a list for a tensor",
    lambda: (S(nn.Conv2d(3, 8, 3)), [R(3, 8, 8), R(3, 8, 8)]),
    r"torch\.stack",
)
case(
    "aux outputs into the loss",
    lambda: (
        N(
            lambda s, x, y: F.cross_entropy(s.net(x), y),
            net=N(lambda s, x: (s.a(x), s.b(x)), a=nn.Linear(8, 5), b=nn.Linear(8, 5)),
        ),
        R(4, 8),
        torch.randint(0, 5, (4,)),
    ),
    r"\[0\]",
)
case(
    "class weights of another count",
    lambda: (nn.CrossEntropyLoss(weight=torch.ones(4)), R(6, 5), torch.randint(0, 5, (6,))),
    r"5",
)
case(
    "class weights in double",
    lambda: (
        nn.CrossEntropyLoss(weight=torch.ones(5, dtype=torch.float64)),
        R(6, 5),
        torch.randint(0, 5, (6,)),
    ),
    r"float\(\)|float32|\.to\(",
)
case(
    "bce of raw scores",
    lambda: ((lambda x, y: F.binary_cross_entropy(x, y)), torch.randn(8, 1) * 3, R(8, 1).round()),
    r"with_logits|sigmoid|WithLogits",
)
case(
    "unet on 8x8",
    lambda: (
        S(
            *[
                m
                for i in range(4)
                for m in (nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1), nn.MaxPool2d(2))
            ]
        ),
        R(1, 3, 8, 8),
    ),
    r"16",
)
case(
    "complex spectrum into conv",
    lambda: (S(nn.Conv1d(1, 4, 3)), torch.fft.rfft(R(2, 1, 16))),
    r"\.abs\(\)|\.real|view_as_real",
)
case(
    "LayerNorm of a fixed image",
    lambda: (S(nn.Conv2d(3, 8, 3, padding=1), nn.LayerNorm([8, 32, 32])), R(2, 3, 28, 28)),
    r"LayerNorm\(\[8, 28, 28\]\)|LayerNorm\(\(8, 28, 28\)\)|32 x 32|GroupNorm\(1, 8\)",
)
case(
    "replaced head",
    lambda: (
        N(
            lambda s, x: s.fc(s.body(x)),
            body=S(nn.Conv2d(3, 32, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            fc=nn.Linear(512, 10),
        ),
        R(4, 3, 32, 32),
    ),
    r"Linear\(32, 10\)",
)
case(
    "forward is missing",
    lambda: (type("Net", (nn.Module,), {"forwards": lambda s, x: x})(), R(1, 3)),
    r"forward",
)
case(
    "ModuleList called",
    lambda: (nn.ModuleList([nn.Conv2d(3, 8, 3), nn.ReLU()]), R(1, 3, 8, 8)),
    r"Sequential|for ",
)
case(
    "circular padding too large",
    lambda: (nn.Conv1d(2, 4, 9, padding=6, padding_mode="circular"), R(1, 2, 5)),
    r"padding=(5|4|[0-3])|zeros",
)
case(
    "reflection too large",
    lambda: (S(nn.ReflectionPad2d(4), nn.Conv2d(3, 8, 9)), R(1, 3, 4, 4)),
    r"ReflectionPad2d\(3\)|5 x 5|ReplicationPad|ZeroPad",
)
case(
    "bilinear of a sequence",
    lambda: ((lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")), R(2, 4, 10)),
    r"\[None\]|linear",
)
case(
    "pixel shuffle",
    lambda: (S(nn.Conv2d(3, 10, 3), nn.PixelShuffle(2)), R(1, 3, 8, 8)),
    r"Conv2d\(3, (8|12), ",
)
case(
    "unflatten",
    lambda: (S(nn.Linear(10, 60), nn.Unflatten(1, (4, 4, 4))), R(2, 10)),
    r"Linear\(10, 64\)|Unflatten\(1, \((15|4|3|60|-1)",
)
case(
    "half model float input",
    lambda: (S(nn.Linear(4, 4).half()), R(2, 4)),
    r"\.half\(\)|\.float\(\)|to\(",
)
case(
    "skip with another width",
    lambda: (
        N(
            lambda s, x: s.b(s.a(x)) + s.a(x),
            a=nn.Conv2d(3, 16, 3, padding=1),
            b=nn.Conv2d(16, 32, 3, padding=1, stride=2),
        ),
        R(2, 3, 16, 16),
    ),
    r"Conv2d\(16, 32, (kernel_size=)?1.*stride=2",
)
case(
    "concat skip of an odd map",
    lambda: (
        N(
            lambda s, x: s.c(torch.cat([s.u(s.d(x)), x], 1)),
            d=nn.Conv2d(8, 16, 3, 2, 1),
            u=nn.ConvTranspose2d(16, 8, 3, 2, 1),
            c=nn.Conv2d(16, 4, 1),
        ),
        R(1, 8, 16, 16),
    ),
    r"output_padding=1",
)
case(
    "grouped norm of the wrong width in a net",
    lambda: (S(nn.Conv2d(3, 24, 3), nn.BatchNorm2d(32), nn.ReLU()), R(2, 3, 8, 8)),
    r"BatchNorm2d\(24\)",
)
case(
    "conv in a list by index",
    lambda: (
        N(
            lambda s, x: s.l[1](s.l[0](x)),
            l=nn.ModuleList([nn.Conv2d(3, 8, 3), nn.Conv2d(16, 8, 3)]),
        ),
        R(1, 3, 8, 8),
    ),
    r"Conv2d\(8, 8, 3",
)
case(
    "depthwise after change of width",
    lambda: (S(nn.Conv2d(3, 24, 1), nn.Conv2d(32, 32, 3, groups=32)), R(1, 3, 8, 8)),
    r"Conv2d\(24, 24, .*groups=24",
)
case(
    "prelu count",
    lambda: (S(nn.Conv2d(3, 8, 3), nn.PReLU(16)), R(1, 3, 8, 8)),
    r"PReLU\((num_parameters=)?8\)",
)
case(
    "linear head on tokens with cls only",
    lambda: (
        N(lambda s, x: s.head(s.enc(x).flatten(1)), enc=nn.Linear(16, 32), head=nn.Linear(32, 5)),
        R(2, 9, 16),
    ),
    r"\[:, 0\]|mean\(|Linear\(288, 5\)",
)
case(
    "wrong order of the target and the input",
    lambda: ((lambda a, b: F.cross_entropy(a, b)), torch.randint(0, 5, (4,)), R(4, 5)),
    r"cross_entropy\(target, x\)",
)
case(
    "weights shared with functional conv",
    lambda: ((lambda x, w: F.conv2d(x, w)), R(1, 3, 8, 8), R(3, 8, 3, 3)),
    r"transpose\(0, 1\)|conv_transpose2d|permute",
)
case(
    "conv1d weight 2d",
    lambda: ((lambda x, w: F.conv1d(x, w)), R(1, 1, 8), R(3)),
    r"\[None, None\]|view\(1, 1, -?\d|unsqueeze|reshape\(1, 1",
)
case(
    "sum of two branches of different pools",
    lambda: (
        N(
            lambda s, x: s.a(x) + s.b(x),
            a=S(nn.Conv2d(3, 8, 3, 2, 1)),
            b=S(nn.AvgPool2d(2), nn.Conv2d(3, 8, 1)),
        ),
        R(1, 3, 15, 15),
    ),
    r"ceil_mode=True",
)
case(
    "lstm hidden of a former batch",
    lambda: (
        N(lambda s, x: s.r(x, s.h)[0], r=nn.GRU(8, 16, batch_first=True), h=R(1, 32, 16)),
        R(20, 5, 8),
    ),
    r"zeros\(1|None|new_zeros",
)
case(
    "long inputs to Linear", lambda: (nn.Linear(3, 2), torch.ones(4, 3, dtype=torch.long)), r"float"
)
case(
    "conv1d on raw audio",
    lambda: (S(nn.Conv1d(1, 8, 9)), R(4, 16000)),
    r"unsqueeze\(1\)|\[:, None\]",
)
case(
    "gray images to rgb net",
    lambda: (S(nn.Conv2d(3, 8, 3)), R(4, 1, 28, 28)),
    r"Conv2d\(1, 8|expand|repeat",
)
case("rgba", lambda: (S(nn.Conv2d(3, 8, 3)), R(4, 4, 28, 28)), r"Conv2d\(4, 8|\[:, :3\]")
case(
    "resnet block widened without shortcut",
    lambda: (S(nn.Conv2d(3, 16, 3, padding=1), Block(16, 16), Block(16, 32, 2)), R(2, 3, 32, 32)),
    r"Conv2d\(16, 32, .*1.*stride=2",
)
case("unet valid convs", lambda: (UNet(), R(1, 3, 32, 32)), r"padding=1|padding='same'")
case(
    "se block",
    lambda: (N(lambda s, x: x * s.fc(x.mean((2, 3))).sigmoid(), fc=nn.Linear(8, 8)), R(2, 8, 6, 6)),
    r"\[:, :, None, None\]|\[\.\.\., None, None\]",
)
case(
    "time channel film",
    lambda: (
        N(lambda s, x, t: s.c(x) + s.e(t), c=nn.Conv2d(3, 16, 3, padding=1), e=nn.Linear(32, 16)),
        R(4, 3, 8, 8),
        R(4, 32),
    ),
    r"None, None\]",
)
case(
    "mask in attention float of bool heads",
    lambda: (
        N(lambda s, x, m: F.scaled_dot_product_attention(x, x, x, attn_mask=m)),
        R(2, 4, 9, 8),
        torch.ones(2, 9, dtype=torch.bool),
    ),
    r"None",
)
case(
    "linear on image without flatten",
    lambda: (S(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), R(16, 1, 28, 28)),
    r"flatten\(1\)|Flatten\(\)",
)
case(
    "conv after flatten",
    lambda: (S(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Conv2d(8, 16, 3)), R(4, 1, 28, 28)),
    r"Flatten|leave|remove",
)
case(
    "lstm output in classifier as tuple",
    lambda: (
        N(lambda s, x: s.fc(s.r(x)), r=nn.LSTM(8, 16, batch_first=True), fc=nn.Linear(16, 3)),
        R(4, 5, 8),
    ),
    r"\[0\]",
)
case(
    "lstm last step batch-second classification",
    lambda: ((lambda o, y: F.cross_entropy(o, y)), R(5, 4, 3), torch.randint(0, 3, (4,))),
    r"\[-1\]|\[:, -1\]|mean",
)
case(
    "seq2seq logits",
    lambda: ((lambda o, y: F.cross_entropy(o, y)), R(4, 7, 11), torch.randint(0, 11, (4, 7))),
    r"transpose\(1, 2\)|movedim|flatten",
)
case(
    "segmentation one-hot",
    lambda: (
        (lambda o, y: F.cross_entropy(o, y)),
        R(2, 5, 8, 8),
        torch.randint(0, 2, (2, 5, 8, 8)),
    ),
    r"argmax\(1\)|float\(\)",
)
case(
    "labels shape (N,1)",
    lambda: ((lambda o, y: F.cross_entropy(o, y)), R(4, 3), torch.randint(0, 3, (4, 1))),
    r"squeeze\(1\)|squeeze\(\)|flatten",
)
case(
    "labels float (N,1)",
    lambda: ((lambda o, y: F.cross_entropy(o, y)), R(4, 3), torch.randint(0, 3, (4, 1)).float()),
    r"squeeze|long",
)
case(
    "bce logits long",
    lambda: (
        (lambda o, y: F.binary_cross_entropy_with_logits(o, y)),
        R(4),
        torch.randint(0, 2, (4,)),
    ),
    r"float\(\)",
)
case(
    "bce (N,2) with (N,)",
    lambda: (
        (lambda o, y: F.binary_cross_entropy_with_logits(o, y)),
        R(4, 2),
        torch.randint(0, 2, (4,)).float(),
    ),
    r"cross_entropy\(|one_hot",
)
case(
    "patch embed of wrong image",
    lambda: (
        N(
            lambda s, x: s.p(x).flatten(2).transpose(1, 2) + s.pos,
            p=nn.Conv2d(3, 32, 16, 16),
            pos=nn.Parameter(torch.zeros(1, 196, 32)),
        ),
        R(1, 3, 256, 256),
    ),
    r"224|interpolate|256",
)
case(
    "group conv in_channels",
    lambda: (
        S(nn.Conv2d(3, 12, 3), nn.Conv2d(12, 24, 3, groups=4), nn.Conv2d(32, 8, 1)),
        R(1, 3, 16, 16),
    ),
    r"Conv2d\(24, 8",
)
case(
    "stem conv for audio spectrogram",
    lambda: (S(nn.Conv2d(1, 8, 3)), R(4, 128, 100)),
    r"unsqueeze\(1\)|\[:, None\]",
)
case(
    "conv1d channels last sensor",
    lambda: (S(nn.Conv1d(6, 16, 5), nn.ReLU()), R(32, 128, 6)),
    r"transpose\(1, 2\)|permute\(0, 2, 1\)|mT",
)
case(
    "video to conv2d",
    lambda: (S(nn.Conv2d(3, 16, 3)), R(2, 8, 3, 32, 32)),
    r"flatten\(0, 1\)|view\(-1|reshape",
)
case(
    "bn1d on (N,L,C)",
    lambda: (S(nn.Linear(6, 16), nn.BatchNorm1d(16)), R(8, 20, 6)),
    r"transpose|permute|mT|movedim|flatten",
)
case(
    "instance norm 1x1",
    lambda: (S(nn.AdaptiveAvgPool2d(1), nn.InstanceNorm2d(3)), R(2, 3, 8, 8)),
    r"GroupNorm|LayerNorm|leave|eval|larger|remove|InstanceNorm",
)
case(
    "global pool then conv 3x3",
    lambda: (S(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 3)), R(1, 3, 16, 16)),
    r"kernel|Conv2d\(8, 4, (kernel_size=)?1|padding=1",
)
case(
    "too deep",
    lambda: (
        S(*[nn.Sequential(nn.Conv2d(3 if i == 0 else 8, 8, 3), nn.MaxPool2d(2)) for i in range(4)]),
        R(1, 3, 32, 32),
    ),
    r"46|64|padding=1",
)
case("dropout2d rank", lambda: (nn.MaxPool1d(2), R(10)), r"\[None|unsqueeze|view")
case(
    "reshape to wrong grid",
    lambda: ((lambda x: x.transpose(1, 2).view(2, 16, 7, 7)), R(2, 50, 16)),
    r"\[:, 1:|7, 7|without the class|49",
)
case(
    "unflatten tokens",
    lambda: (
        N(lambda s, x: s.c(x.transpose(1, 2).reshape(2, 16, 8, 8)), c=nn.Conv2d(16, 4, 3)),
        R(2, 49, 16),
    ),
    r"7, 7",
)
case(
    "einsum",
    lambda: ((lambda a, b: torch.einsum("bij,bjk->bik", a, b)), R(2, 3, 4), R(2, 5, 6)),
    r"shape",
)
case(
    "linear weight orientation",
    lambda: ((lambda x, w: F.linear(x, w)), R(2, 3), R(3, 5)),
    r"\.T|\.t\(\)|mT|transpose",
)
case(
    "matmul weight orientation",
    lambda: ((lambda x, w: x @ w), R(2, 3), R(5, 3)),
    r"\.T|\.t\(\)|mT|transpose",
)
case(
    "squeeze all with batch 1",
    lambda: (
        N(
            lambda s, x: s.fc(s.g(x).squeeze()),
            g=nn.AdaptiveAvgPool2d(1),
            fc=S(nn.Linear(8, 4), nn.BatchNorm1d(4)),
        ).eval(),
        R(1, 8, 6, 6),
    ),
    r"flatten\(1\)|squeeze\(\(2, 3\)|squeeze\(-1\)|squeeze\(2\)",
)
case("embedding of floats", lambda: (S(nn.Embedding(10, 4)), R(2, 3) * 9), r"long\(\)")
case(
    "embedding bag",
    lambda: (nn.EmbeddingBag(10, 4), torch.randint(0, 10, (6,))),
    r"offsets|\[None|unsqueeze",
)
case("too many indices", lambda: ((lambda x: x[:, 0, 0]), R(4, 3)), r"index")
case("index by float", lambda: ((lambda x, i: x[i]), R(4, 3), R(2)), r"long\(\)")
case(
    "cat of image and label map",
    lambda: (
        N(lambda s, x, c: s.c(torch.cat([x, c], 1)), c=nn.Conv2d(13, 8, 3)),
        R(2, 3, 8, 8),
        R(2, 10),
    ),
    r"None, None\]\.expand",
)
case(
    "cond gan embed",
    lambda: (
        N(
            lambda s, z, c: s.l(torch.cat([z, s.e(c)], 1)),
            e=nn.Embedding(10, 5),
            l=nn.Linear(15, 4),
        ),
        R(4, 10),
        torch.randint(0, 10, (4, 1)),
    ),
    r"squeeze\(1\)|flatten\(1\)|\[:, 0\]",
)
case(
    "stack then conv",
    lambda: ((lambda a, b: nn.Conv2d(3, 8, 3)(torch.stack([a, b]))), R(3, 8, 8), R(3, 9, 9)),
    r"interpolate|size",
)
case(
    "adaptive pool args",
    lambda: ((lambda: nn.AdaptiveAvgPool2d()),),
    r"AdaptiveAvgPool2d\(1\)|output_size",
)
case("conv kwargs typo", lambda: ((lambda: nn.Conv2d(3, 8, kernel_sizes=3)),), r"kernel_size")
case("conv no kernel", lambda: ((lambda: nn.Conv2d(3, 8)),), r"kernel_size")
case("conv float channels", lambda: ((lambda: nn.Conv2d(3, 16 / 2, 3)),), r"8")
case("linear from conv out numpy int", lambda: ((lambda: nn.Linear("12", 3)),), r"12")
case("padding bigger pool", lambda: (nn.MaxPool2d(2, padding=2), R(1, 3, 8, 8)), r"padding=1")
case(
    "transposed out padding",
    lambda: (nn.ConvTranspose2d(3, 8, 3, stride=2, output_padding=2), R(1, 3, 8, 8)),
    r"output_padding=1",
)
case(
    "mha ctor",
    lambda: ((lambda: nn.MultiheadAttention(30, 4)),),
    r"MultiheadAttention\((30, [35621]|32, 4|28, 4)",
)
case(
    "kdim",
    lambda: (
        N(lambda s, x, y: s.a(x, y, y)[0], a=nn.MultiheadAttention(16, 4, batch_first=True)),
        R(2, 5, 16),
        R(2, 7, 24),
    ),
    r"kdim=24",
)
case(
    "tf decoder",
    lambda: (nn.Transformer(16, 4, 1, 1, batch_first=True), R(2, 5, 16), R(3, 4, 16)),
    r"target",
)
case(
    "gru hidden size",
    lambda: (nn.GRU(8, 16, batch_first=True), R(4, 5, 8), R(1, 4, 8)),
    r"zeros\(1, .*16|hidden_size=8|GRU\(8, 8",
)
case(
    "packed",
    lambda: (
        (lambda x, n: nn.utils.rnn.pack_padded_sequence(x, n, batch_first=True)),
        R(3, 5, 8),
        torch.tensor([3, 5, 4]),
    ),
    r"enforce_sorted=False",
)
case(
    "normalise transform",
    lambda: ((lambda x, m, s: (x - m) / s), R(3, 8, 8), R(3), R(3)),
    r"None, None\]|view\(|\[:, None",
)
case("log_softmax dim", lambda: ((lambda x: F.log_softmax(x, dim=2)), R(4, 10)), r"-1|dim=1|\(1\)")
case(
    "focal gather",
    lambda: ((lambda p, t: p.gather(1, t)), R(4, 5), torch.randint(0, 5, (4,))),
    r"unsqueeze|None\]",
)
case(
    "dice sum shapes",
    lambda: ((lambda p, t: (p * t).sum()), R(2, 3, 8, 8), R(2, 8, 8)),
    r"unsqueeze\(1\)|\[:, None\]",
)
case(
    "cosine sim",
    lambda: ((lambda a, b: F.cosine_similarity(a, b)), R(4, 16), R(5, 16)),
    r"None|unsqueeze|mT|\.T|pairwise",
)
case(
    "nll 2d",
    lambda: ((lambda a, b: F.nll_loss(a, b)), R(4, 3), torch.randint(0, 3, (5,))),
    r"target",
)
case("half precision conv", lambda: (S(nn.Conv2d(3, 8, 3)), R(1, 3, 8, 8).half()), r"float\(\)")
case(
    "double from numpy",
    lambda: (
        S(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(288, 2)),
        torch.from_numpy(np.random.rand(1, 3, 8, 8)),
    ),
    r"float\(\)|float32",
)
case("meta params", lambda: (nn.Linear(4, 2, device="meta"), R(1, 4)), r"to_empty|cpu")

# what 103 calls by someone else found: 62 had the expert's fix first, 95 after it was mended
case(
    "a residual block whose shortcut lacks the stride",
    lambda: (
        N(
            lambda self, x: self.b(self.a(x)) + self.shortcut(x),
            a=nn.Conv2d(8, 8, 3, 2, 1),
            b=nn.Conv2d(8, 16, 1),
            shortcut=nn.Conv2d(8, 16, 1),
        ),
        R(2, 8, 16, 16),
    ),
    r"shortcut = nn.Conv2d\(8, 16, .*stride=2\)",
)
case(
    "an attention gate over maps of two sizes",
    lambda: (
        N(lambda self, g, x: self.a(g) + self.b(x), a=nn.Conv2d(8, 4, 1), b=nn.Conv2d(6, 4, 1)),
        R(2, 8, 8, 8),
        R(2, 6, 16, 16),
    ),
    r"interpolate\(a, size=b.shape|model.b = .*stride=2",
)
case(
    "patches that were not transposed",
    lambda: (
        N(
            lambda self, x, t: torch.cat([t.expand(len(x), -1, -1), self.p(x).flatten(2)], 1),
            p=nn.Conv2d(3, 32, 8, 8),
        ),
        R(4, 3, 24, 24),
        R(1, 1, 32),
    ),
    r"b = b.transpose\(1, 2\)",
)
case(
    "a causal mask for the longest sequence",
    lambda: (
        N(
            lambda self, x: self.a(x, x, x, attn_mask=torch.zeros(64, 64))[0],
            a=nn.MultiheadAttention(16, 2, batch_first=True),
        ),
        R(3, 20, 16),
    ),
    r"attn_mask\[:\w+.shape\[1\], :\w+.shape\[1\]\]",
)
case(
    "the columns of a map into an LSTM",
    lambda: (S(nn.Conv2d(1, 32, (8, 3)), nn.LSTM(32, 16, batch_first=True)), R(4, 1, 8, 42)),
    r"x.squeeze\(2\).transpose\(1, 2\)",
)
case(
    "a causal convolution that keeps its padding at the end",
    lambda: (
        N(lambda self, x: self.c(x) + x, c=nn.Conv1d(8, 8, 3, dilation=2, padding=4)),
        R(2, 8, 50),
    ),
    r"a = a\[..., :-4\]",
)
case(
    "a complex spectrum and real weights",
    lambda: (
        lambda f, w: torch.einsum("bix,iox->box", f, w),
        torch.fft.rfft(R(2, 4, 14)),
        R(4, 4, 8),
    ),
    r"b = b.to\(torch.complex64\)",
)
case(
    "a decoder's vector against images",
    lambda: (nn.BCELoss(), R(4, 784), R(4, 1, 28, 28)),
    r"x.reshape\(target.shape\)",
)
case(
    "a detection head of the wrong width",
    lambda: (
        N(lambda self, x: self.h(x).view(len(x), 3, 9, 8, 8), h=nn.Conv2d(16, 30, 1)),
        R(2, 16, 8, 8),
    ),
    r"nn.Conv2d\(16, 27, 1\)",
)
case(
    "a checkpoint for its weights",
    lambda: (nn.Linear(4, 3).load_state_dict, {"epoch": 3, "model": nn.Linear(4, 3).state_dict()}),
    r"state = state\['model'\]",
)
case(
    "mm of a batch",
    lambda: (lambda a, x: torch.mm(a, x), R(7, 7), R(3, 7, 5)),
    r"torch.matmul\(a, b\)",
)
case(
    "an image without a batch to be resized",
    lambda: (lambda x: F.interpolate(x, size=(64, 64), mode="bilinear"), R(3, 32, 32)),
    r"x\[None\]",
)
case(
    "maps of one cell for scores",
    lambda: (F.cross_entropy, R(2, 5, 1, 1), torch.tensor([1, 2])),
    r"x = x.flatten\(1\)",
)

# what 77 calls of another kind found: 25 had the expert's fix first, 74 after it was mended


class Swin(nn.Module):
    """Windows of seven cells along each side."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.ws = 7

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        x = x.reshape(b, h // self.ws, self.ws, w // self.ws, self.ws, c)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.ws * self.ws, c)


case("swin window does not divide", lambda: (Swin(), R(2, 3, 120, 120)), r"multiple|divi|112|140")


class PE(nn.Module):
    """A table of positions in a buffer."""

    def __init__(self, shape: tuple[int, ...] = (1, 100, 32), cut: bool = False) -> None:
        super().__init__()
        self.cut = cut
        self.register_buffer("pe", torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + (self.pe[:, : x.shape[1]] if self.cut else self.pe)


case(
    "positions in a buffer, longer text",
    lambda: (S(nn.Linear(8, 32), PE(cut=True)), R(2, 120, 8)),
    r"120",
)
case(
    "positions in a buffer, shorter text",
    lambda: (S(nn.Linear(8, 32), PE()), R(2, 40, 8)),
    r"\[:, :\w+\.shape\[1\]\]",
)
case(
    "positions in a 2-d buffer, shorter text",
    lambda: (S(nn.Linear(8, 32), PE((100, 32))), R(2, 40, 8)),
    r"\[:\w+\.shape\[1\]\]|\[:\w+\.shape\[-2\]\]",
)


class AE(nn.Module):
    """An autoencoder and its loss."""

    def __init__(self, enc: nn.Module, dec: nn.Module) -> None:
        super().__init__()
        self.enc = enc
        self.dec = dec

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(self.dec(self.enc(x)), x)


case(
    "autoencoder a level rounds down, mse",
    lambda: (
        AE(
            S(
                nn.Conv2d(1, 8, 3, 2, 1),
                nn.ReLU(),
                nn.Conv2d(8, 16, 3, 2, 1),
                nn.ReLU(),
                nn.Conv2d(16, 16, 3, 2, 1),
            ),
            S(
                nn.ConvTranspose2d(16, 16, 3, 2, 1, 1),
                nn.ReLU(),
                nn.ConvTranspose2d(16, 8, 3, 2, 1, 1),
                nn.ReLU(),
                nn.ConvTranspose2d(8, 1, 3, 2, 1, 1),
            ),
        ),
        R(4, 1, 28, 28),
    ),
    r"ConvTranspose2d\(16, 16, 3, stride=2, padding=1\)|32 x 32|multiples of 8|size=\w+\.shape",
)
case(
    "autoencoder one short, mse",
    lambda: (
        AE(
            S(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU()),
            S(nn.ConvTranspose2d(8, 1, 3, 2, 1), nn.Sigmoid()),
        ),
        R(4, 1, 28, 28),
    ),
    r"output_padding=1",
)
case(
    "autoencoder 1-d one short, bce",
    lambda: (
        N(
            lambda s, x: F.binary_cross_entropy(s.d(s.e(x)).sigmoid(), x),
            e=nn.Conv1d(2, 8, 5, 2, 2),
            d=nn.ConvTranspose1d(8, 2, 5, 2, 2),
        ),
        R(4, 2, 40),
    ),
    r"output_padding=1",
)
case(
    "wavenet skips of two lengths",
    lambda: (
        N(
            lambda s, x: (lambda a: a + s.c2(a))(s.c1(x)),
            c1=nn.Conv1d(8, 8, 2),
            c2=nn.Conv1d(8, 8, 2, dilation=2),
        ),
        R(2, 8, 20),
    ),
    r"\[\.\.\., -b\.shape\[-1\]:\]|\[:, :, -b\.shape\[2\]:\]|pad\(",
)
case(
    "detection heads of two levels",
    lambda: (
        N(lambda s, a: torch.cat([s.h(a), s.h(F.max_pool2d(a, 2))], 1), h=nn.Conv2d(16, 12, 1)),
        R(2, 16, 16, 16),
    ),
    r"flatten\(2\)",
)
case(
    "detection heads flattened, wrong axis",
    lambda: (
        N(
            lambda s, a: torch.cat([s.h(a).flatten(2), s.h(F.max_pool2d(a, 2)).flatten(2)], 1),
            h=nn.Conv2d(16, 12, 1),
        ),
        R(2, 16, 16, 16),
    ),
    r"cat\(\[a, b\], (dim=)?(2|-1)\)",
)
case(
    "view(-1, n) seen in the loss, a function",
    lambda: (
        (lambda m: lambda x, y: nn.CrossEntropyLoss()(m(x), y))(
            (
                lambda: N(
                    lambda s, x: s.fc(s.c(x).view(-1, 128)),
                    c=nn.Conv2d(3, 8, 3, padding=1),
                    fc=nn.Linear(128, 10),
                )
            )()
        ),
        R(4, 3, 8, 8),
        torch.randint(0, 10, (4,)),
    ),
    r"flatten\(1\)|view\(-1",
)
case(
    "triplet of two widths",
    lambda: (nn.TripletMarginLoss(), R(8, 64), R(8, 64), R(8, 128)),
    r"Linear\(128, 64\)",
)
case(
    "bmm of other batches",
    lambda: (lambda a, b: torch.bmm(a, b), R(8, 5, 6), R(2, 6, 7)),
    r"repeat_interleave\(4",
)
case(
    "scores against keys of all heads",
    lambda: (lambda q, k: q @ k.transpose(-2, -1), R(2, 4, 10, 8), R(2, 10, 8)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "convlstm state of the last batch",
    lambda: (
        N(
            lambda s, x, h: torch.sigmoid(s.ci(x) + s.ch(h)),
            ci=nn.Conv2d(3, 8, 3, padding=1),
            ch=nn.Conv2d(8, 8, 3, padding=1),
        ),
        R(20, 3, 8, 8),
        R(32, 8, 8, 8),
    ),
    r"zeros\(|drop_last|\[:len",
)
case(
    "mse of class scores",
    lambda: (lambda a, b: F.mse_loss(a, b), R(10, 133), torch.randint(0, 133, (10,)).float()),
    r"cross_entropy|one_hot",
)
case(
    "mse with a trailing axis",
    lambda: (nn.MSELoss(), R(16, 64, 1), R(16, 64)),
    r"squeeze\(-?\d\)|unsqueeze\(-1\)|unsqueeze\(2\)",
)
case(
    "adaptive pool of another size than the head",
    lambda: (
        S(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(392, 10)),
        R(2, 3, 30, 30),
    ),
    r"Linear\(288, 10\)|AdaptiveAvgPool2d\(7|AdaptiveAvgPool2d\(\(7",
)
case(
    "tokens' logits for one label an image",
    lambda: (
        N(lambda s, x, y: F.cross_entropy(s.h(x), y), h=nn.Linear(16, 10)),
        R(4, 17, 16),
        torch.randint(0, 10, (4,)),
    ),
    r"\[:, 0\]|mean\(1\)",
)
case(
    "embedding bag of three axes",
    lambda: (
        nn.EmbeddingBag(10, 4),
        torch.randint(
            0,
            10,
            (
                2,
                3,
                4,
            ),
        ),
    ),
    r"flatten\(0, -2\)",
)
case(
    "one-hot text into conv1d",
    lambda: (
        N(lambda s, i: s.c(F.one_hot(i, 30)), c=nn.Conv1d(30, 8, 3)),
        torch.randint(
            0,
            30,
            (
                4,
                12,
            ),
        ),
    ),
    r"float\(\)",
)
case(
    "mel spectrogram with a channel into conv1d",
    lambda: (S(nn.Conv1d(64, 32, 3)), R(4, 1, 64, 100)),
    r"squeeze\(1\)|flatten\(1, 2\)",
)
case(
    "too few frames",
    lambda: (S(nn.Conv3d(3, 8, (5, 3, 3))), R(2, 3, 3, 16, 16)),
    r"padding=\(|kernel_size=\(?3|Conv3d\(3, 8, 3\)|5 ",
)
case(
    "3-d unet, odd depth",
    lambda: (
        N(
            lambda s, x: (lambda a: torch.cat([s.u(F.max_pool3d(a, 2)), a], 1))(s.c(x)),
            c=nn.Conv3d(1, 4, 3, padding=1),
            u=nn.ConvTranspose3d(4, 4, 2, 2),
        ),
        R(1, 1, 9, 16, 16),
    ),
    r"interpolate|multiples? of 2|output_padding=\(1, 0, 0\)",
)
case(
    "discriminator of maps of one cell, column of labels",
    lambda: (lambda x, y: nn.BCELoss()(torch.sigmoid(x), y), R(16, 1, 1, 1), torch.ones(16, 1)),
    r"flatten\(1\)|view|squeeze|reshape",
)
case(
    "gradient penalty, a factor a sample",
    lambda: (
        lambda real, fake, alpha: alpha * real + (1 - alpha) * fake,
        R(8, 3, 16, 16),
        R(8, 3, 16, 16),
        R(8, 1),
    ),
    r"None, None\]",
)
case(
    "mse of vectors and images",
    lambda: (nn.MSELoss(), R(8, 784), R(8, 1, 28, 28)),
    r"flatten\(1\)|reshape|view",
)
case(
    "head on a feature map",
    lambda: (
        N(
            lambda s, x: s.head(s.features(x)),
            features=S(nn.Conv2d(3, 64, 3, 2, 1), nn.ReLU()),
            head=nn.Linear(64, 5),
        ),
        R(4, 3, 16, 16),
    ),
    r"mean\(\(|AdaptiveAvgPool|adaptive_avg",
)
case(
    "squeeze and excite without a flatten",
    lambda: (
        N(lambda s, x: x * s.fc(F.adaptive_avg_pool2d(x, 1)).sigmoid(), fc=nn.Linear(8, 8)),
        R(2, 8, 6, 6),
    ),
    r"flatten\(1\)|movedim\(1, -1\)\)\.movedim|Conv2d\(8, 8, 1\)",
)
case(
    "spatial attention without keepdim",
    lambda: (
        N(
            lambda s, x: x * s.c(torch.cat([x.mean(1), x.amax(1)], 1)).sigmoid(),
            c=nn.Conv2d(2, 1, 7, padding=3),
        ),
        R(4, 8, 16, 16),
    ),
    r"keepdim|stack|unsqueeze",
)
case(
    "state of both directions for a decoder of one",
    lambda: (
        N(
            lambda s, x: s.d(x, s.e(x)[1])[0],
            e=nn.GRU(8, 16, batch_first=True, bidirectional=True),
            d=nn.GRU(8, 16, batch_first=True),
        ),
        R(4, 5, 8),
    ),
    r"sum\(0|mean\(0|\[-1:\]|\[:1\]|GRU\(8, 16, num_layers=2|bidirectional=True",
)
case(
    "states of an lstm into a linear layer",
    lambda: (
        N(lambda s, x: s.f(s.r(x)[1]), r=nn.LSTM(8, 16, batch_first=True), f=nn.Linear(16, 3)),
        R(4, 5, 8),
    ),
    r"\[0\]",
)
case(
    "cross attention mask turned",
    lambda: (
        N(
            lambda s, q, k, m: s.a(q, k, k, attn_mask=m)[0],
            a=nn.MultiheadAttention(16, 4, batch_first=True),
        ),
        R(2, 5, 16),
        R(2, 7, 16),
        torch.zeros(7, 5),
    ),
    r"transpose|\.T|mT",
)
case(
    "padding mask with an axis too many",
    lambda: (
        N(
            lambda s, x, m: s.e(x, src_key_padding_mask=m),
            e=nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
        ),
        R(2, 5, 16),
        R(2, 5, 1) > 0.5,
    ),
    r"squeeze\(-1\)|squeeze\(2\)|\[\.\.\., 0\]|\[:, :, 0\]",
)
case(
    "decoder with a memory of another width",
    lambda: (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(32, 4, 64, batch_first=True), 1).eval(),
        R(2, 5, 32),
        R(2, 7, 16),
    ),
    r"Linear\(16, 32\)|project|kdim",
)
case(
    "heads that do not divide, by hand",
    lambda: (
        N(lambda s, x: s.q(x).view(len(x), -1, 4, 30 // 4).transpose(1, 2), q=nn.Linear(30, 30)),
        R(2, 9, 30),
    ),
    r"divi|multiple|Linear\(30, (28|32)\)",
)
case(
    "patches by a view",
    lambda: (
        lambda x: x.view(len(x), 3, x.shape[2] // 16, 16, x.shape[3] // 16, 16),
        R(2, 3, 100, 100),
    ),
    r"multiple|divi|96|112",
)
case(
    "unshuffle of an odd map",
    lambda: (S(nn.Conv2d(3, 4, 3, padding=1), nn.PixelUnshuffle(2)), R(1, 3, 33, 33)),
    r"34|multiple|pad",
)


class Own(nn.Module):
    """Checks its input itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 5:
            raise ValueError(f"Expected 5D input (N, C, T, H, W), got {x.dim()}D")
        return x


case("own check of the axes", lambda: (Own(), R(2, 3, 8, 8)), r"unsqueeze|None")
case(
    "mask with the channel last",
    lambda: (nn.BCEWithLogitsLoss(), R(2, 1, 32, 32), R(2, 32, 32, 1)),
    r"movedim|permute|squeeze|reshape|view",
)
case(
    "dice with one-hot classes last",
    lambda: (lambda p, t: (p * t).sum((2, 3)), R(2, 4, 32, 32), R(2, 32, 32, 4)),
    r"permute\(0, 3, 1, 2\)|movedim\(-1, 1\)",
)
case(
    "ranking of scores and a column",
    lambda: (nn.MarginRankingLoss(), R(8), R(8), torch.ones(8, 1)),
    r"squeeze|flatten|view",
)
case("huber of two batches", lambda: (nn.HuberLoss(), R(8, 1), R(9, 1)), r"batch|sample|target")
case(
    "gaussian nll, other variances",
    lambda: (nn.GaussianNLLLoss(), R(8, 2), R(8, 2), R(8, 3)),
    r"var",
)
case(
    "accuracy against one-hot",
    lambda: (
        lambda o, y: (o.argmax(1) == y).float().mean(),
        R(8, 5),
        F.one_hot(torch.randint(0, 5, (8,)), 5),
    ),
    r"argmax\(1\)|argmax\(-1\)",
)
case(
    "grey and coloured images stacked",
    lambda: (lambda *x: torch.stack(x), R(3, 32, 32), R(1, 32, 32)),
    r"expand\(3|RGB",
)
case(
    "coloured weights into a grey layer",
    lambda: (lambda a, b: a.copy_(b), R(8, 1, 3, 3), R(8, 3, 3, 3)),
    r"mean\(1|sum\(1",
)
case(
    "in-place sum that must grow",
    lambda: (lambda x, y: x.add_(y), R(2, 1, 8, 8), R(2, 3, 8, 8)),
    r"\w \+ \w|torch\.add|\.add\(",
)
case(
    "where with floats",
    lambda: (lambda c, x: torch.where(c, x, x * 0), R(4).round(), R(4)),
    r"bool\(\)|> ?0",
)
case(
    "done flags inverted by minus",
    lambda: (lambda r, d, q: r + 0.99 * q * (1 - d), R(8), R(8) > 0.5, R(8)),
    r"~|float\(\)|logical_not",
)
case(
    "mask to be resized",
    lambda: (lambda m: F.interpolate(m, size=(32, 32)), R(2, 16, 16)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "transposed convolution without padding against a skip",
    lambda: (
        N(
            lambda s, x: (lambda a: torch.cat([s.u(s.d(a)), a], 1))(s.c(x)),
            c=nn.Conv2d(3, 8, 3, padding=1),
            d=nn.Conv2d(8, 16, 3, 2, 1),
            u=nn.ConvTranspose2d(16, 8, 3, 2),
        ),
        R(1, 3, 16, 16),
    ),
    r"padding=1, output_padding=1|ConvTranspose2d\(16, 8, (kernel_size=)?2|interpolate",
)
case(
    "inception pool without padding",
    lambda: (
        N(
            lambda s, x: torch.cat([s.c(x), s.p(x)], 1),
            c=nn.Conv2d(8, 8, 3, padding=1),
            p=nn.MaxPool2d(3, stride=1),
        ),
        R(1, 8, 16, 16),
    ),
    r"MaxPool2d\(.*padding=1",
)


class Bottle(nn.Module):
    """A bottleneck whose last convolution does not widen again."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(64, 16, 1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv3(F.relu(self.conv2(F.relu(self.conv1(x))))) + x


case(
    "bottleneck that does not widen again",
    lambda: (Bottle(), R(2, 64, 8, 8)),
    r"conv3 = nn\.Conv2d\(16, 64",
)
case(
    "affine matrices in rows",
    lambda: (
        lambda t, x: F.grid_sample(
            x, F.affine_grid(t, x.shape, align_corners=False), align_corners=False
        ),
        R(2, 6),
        R(2, 3, 8, 8),
    ),
    r"\(-1, 2, 3\)|\(2, 3\)",
)
case(
    "one grid for a batch",
    lambda: (lambda x, g: F.grid_sample(x, g, align_corners=False), R(4, 3, 8, 8), R(1, 8, 8, 2)),
    r"expand\(",
)
case(
    "ctc with steps last",
    lambda: (
        lambda p, t, a, b: F.ctc_loss(p, t, a, b),
        R(4, 20, 50).log_softmax(1),
        torch.randint(
            0,
            19,
            (
                4,
                10,
            ),
        )
        + 1,
        torch.full((4,), 50),
        torch.full((4,), 10),
    ),
    r"permute\(2, 0, 1\)",
)
case(
    "distillation with other classes",
    lambda: (lambda a, b: F.kl_div(a.log_softmax(1), b.softmax(1)), R(8, 10), R(8, 12)),
    r"Linear|classes",
)
case(
    "image and text of two widths",
    lambda: (lambda a, b: F.cosine_similarity(a, b), R(8, 512), R(8, 256)),
    r"Linear\(|project",
)
case(
    "two kernels side by side",
    lambda: (
        N(lambda m, x: m.a(x) + m.b(x), a=nn.Conv1d(1, 8, 5), b=nn.Conv1d(1, 8, 3)),
        R(2, 1, 50),
    ),
    r"Conv1d\(1, 8, 5, padding=2\)",
)
case(
    "a generator's noise without its axes",
    lambda: (S(nn.ConvTranspose2d(100, 64, 4), nn.ConvTranspose2d(64, 3, 4, 2, 1)), R(2, 100)),
    r"x\[\.\.\., None, None\]",
)

# what 68 calls found, of which 30 had the expert's fix first, and 66 after it was mended
case(
    "3-d block over time without padding",
    lambda: (
        N(
            lambda s, x: F.relu(s.t(s.a(x))) + x,
            a=nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1)),
            t=nn.Conv3d(8, 8, (3, 1, 1)),
        ),
        R(2, 8, 6, 10, 10),
    ),
    r"padding=\(1, 0, 0\)",
)
case(
    "reduction block, conv without padding beside padded pool",
    lambda: (
        N(
            lambda s, x: torch.cat([s.c(x), s.p(x)], 1),
            c=nn.Conv2d(8, 12, 3, 2),
            p=nn.MaxPool2d(3, 2, 1),
        ),
        R(2, 8, 15, 15),
    ),
    r"Conv2d\(8, 12, 3, stride=2, padding=1\)|MaxPool2d\(3, stride=2\)",
)
case(
    "lateral of two frame rates",
    lambda: (
        N(
            lambda s, slow, fast: torch.cat([slow, s.lat(fast)], 1),
            lat=nn.Conv3d(8, 16, (5, 1, 1), padding=(2, 0, 0)),
        ),
        R(2, 32, 4, 7, 7),
        R(2, 8, 16, 7, 7),
    ),
    r"stride=\(4, 1, 1\)|interpolate\(b, size=a\.shape",
)
case(
    "CT volumes without a channel",
    lambda: (S(nn.Conv3d(1, 8, 3), nn.ReLU()), R(2, 16, 32, 32)),
    r"unsqueeze\(1\)|\[:, None\]",
)
case(
    "five frames as channels",
    lambda: (S(nn.Conv2d(15, 16, 3), nn.ReLU()), R(4, 5, 3, 20, 20)),
    r"flatten\(1, 2\)",
)
case(
    "mel frames last into a vocoder",
    lambda: (S(nn.ConvTranspose1d(80, 32, 16, 8, 4), nn.LeakyReLU()), R(2, 50, 80)),
    r"transpose\(1, 2\)|permute\(0, 2, 1\)",
)
case(
    "stereo into a mono net",
    lambda: (S(nn.Conv1d(1, 16, 9, 4), nn.ReLU()), R(4, 2, 4000)),
    r"Conv1d\(2, 16|mean\(1, keepdim=True\)",
)
case(
    "discriminator for images twice as large",
    lambda: (
        S(
            nn.Conv2d(3, 8, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 1, 16),
        ),
        R(4, 3, 32, 32),
    ),
    r"Conv2d\(16, 1, 8\)|64 x 64|size=\(64, 64\)",
)
case(
    "pix2pix, condition of one channel",
    lambda: (
        N(
            lambda s, x, c: s.net(torch.cat([x, c], 1)),
            net=S(nn.Conv2d(6, 16, 4, 2, 1), nn.LeakyReLU(0.2)),
        ),
        R(2, 3, 32, 32),
        R(2, 1, 32, 32),
    ),
    r"Conv2d\(4, 16",
)
case(
    "label plane of a conditional discriminator",
    lambda: (
        N(
            lambda s, x, y: s.c(torch.cat([x, s.e(y)], 1)),
            e=nn.Embedding(10, 784),
            c=nn.Conv2d(2, 8, 3),
        ),
        R(4, 1, 28, 28),
        torch.randint(0, 10, (4,)),
    ),
    r"unflatten|view\(|reshape\(",
)
case(
    "noise of another width in a VAE",
    lambda: (
        N(
            lambda s, x: s.mu(x) + torch.randn(len(x), 10) * (s.lv(x) / 2).exp(),
            mu=nn.Linear(30, 20),
            lv=nn.Linear(30, 20),
        ),
        R(8, 30),
    ),
    r"randn_like|20",
)
case(
    "VAE decoder with a label beside z",
    lambda: (
        N(
            lambda s, z, y: s.d(torch.cat([z, F.one_hot(y, 10).float()], 1)),
            d=S(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 784)),
        ),
        R(4, 16),
        torch.randint(0, 10, (4,)),
    ),
    r"Linear\(26, 64\)",
)
case(
    "1-d autoencoder, length no multiple of 8",
    lambda: (
        N(
            lambda s, x: F.mse_loss(s.d(s.e(x)), x),
            e=S(
                nn.Conv1d(1, 8, 3, 2, 1),
                nn.ReLU(),
                nn.Conv1d(8, 16, 3, 2, 1),
                nn.ReLU(),
                nn.Conv1d(16, 16, 3, 2, 1),
            ),
            d=S(
                nn.ConvTranspose1d(16, 16, 4, 2, 1),
                nn.ReLU(),
                nn.ConvTranspose1d(16, 8, 4, 2, 1),
                nn.ReLU(),
                nn.ConvTranspose1d(8, 1, 4, 2, 1),
            ),
        ),
        R(4, 1, 30),
    ),
    r"multiples? of 8|size=\w+\.shape|interpolate|\[\.\.\., :",
)
case(
    "siamese net, second image of another size",
    lambda: (
        N(
            lambda s, a, b: (s.f(a) - s.f(b)).abs(),
            f=S(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(648, 32)),
        ),
        R(4, 1, 20, 20),
        R(4, 1, 24, 24),
    ),
    r"20 x 20|size=\(20, 20\)|a\.shape",
)
case(
    "normalize along an axis that is none",
    lambda: (N(lambda s, x: F.normalize(s.f(x), dim=2), f=nn.Linear(16, 8)), R(4, 16)),
    r"dim=-1|dim=1",
)
case(
    "yolo head of another data set's classes",
    lambda: (
        N(
            lambda s, x: s.h(x).view(len(x), 3, 85, *x.shape[2:]).permute(0, 1, 3, 4, 2),
            h=nn.Conv2d(32, 75, 1),
        ),
        R(2, 32, 13, 13),
    ),
    r"Conv2d\(32, 255, 1\)|25",
)
case(
    "anchors against widths and heights",
    lambda: (lambda wh, anchors: wh.exp() * anchors, R(2, 3, 13, 13, 2), R(3, 2)),
    r"\[:, None, None\]",
)
case(
    "scores beside boxes",
    lambda: (lambda boxes, scores: torch.cat([boxes, scores], 1), R(9, 4), R(9)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "overlap of two sets of boxes",
    lambda: (lambda a, b: torch.max(a, b), R(5, 2), R(3, 2)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "boxes of two images collated",
    lambda: (
        lambda: torch.utils.data.default_collate([(R(3, 8, 8), R(2, 5)), (R(3, 8, 8), R(3, 5))]),
    ),
    r"collate_fn",
)
case(
    "a sample that is None",
    lambda: (lambda: torch.utils.data.default_collate([R(3, 8, 8), None]),),
    r"collate|__getitem__|filter|Filter|return",
)
case(
    "ConvLSTM cell built for fewer hidden channels",
    lambda: (
        N(
            lambda s, x, h: s.g(torch.cat([x, h], 1)).chunk(4, 1),
            g=nn.Conv2d(35, 128, 3, padding=1),
        ),
        R(2, 3, 16, 16),
        R(2, 64, 16, 16),
    ),
    r"Conv2d\(67, 128",
)
case(
    "text CNN, pooled features of three kernels",
    lambda: (
        N(
            lambda s, x: s.fc(torch.cat([c(x).relu().amax(2) for c in (s.a, s.b, s.c)], 1)),
            a=nn.Conv1d(50, 100, 3),
            b=nn.Conv1d(50, 100, 4),
            c=nn.Conv1d(50, 100, 5),
            fc=nn.Linear(100, 2),
        ),
        R(8, 50, 20),
    ),
    r"Linear\(300, 2\)",
)
case(
    "text CNN, sentence shorter than its kernel",
    lambda: (S(nn.Conv2d(1, 100, (5, 50)), nn.ReLU()), R(8, 1, 3, 50)),
    r"padding=\((1|2), 0\)|[Pp]ad",
)
case(
    "decoder state repeated along the wrong axis",
    lambda: (lambda h, e: torch.cat([h.repeat(e.shape[1], 1, 1), e], 2), R(1, 4, 16), R(4, 7, 32)),
    r"transpose\(0, 1\)|permute\(1, 0, 2\)|expand\(",
)

case(
    "target mask of the unshifted target",
    lambda: (
        N(
            lambda s, t, m: s.d(t, m, tgt_mask=nn.Transformer.generate_square_subsequent_mask(10)),
            d=nn.TransformerDecoderLayer(16, 4, 32, batch_first=True),
        ),
        R(2, 9, 16),
        R(2, 5, 16),
    ),
    r"\[:\w+\.shape\[1\], :\w+\.shape\[1\]\]",
)
case(
    "padding mask that counts the class token",
    lambda: (
        N(
            lambda s, x, m: s.e(x, src_key_padding_mask=m),
            e=nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
        ),
        R(2, 5, 16),
        R(2, 6) > 0.5,
    ),
    r"\[:, ",
)


class Sized(nn.Module):
    """A patch embedding that checks the image as timm does."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 96
        self.proj = nn.Conv2d(3, 16, 16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height = x.shape[2]
        assert height == self.size, f"Input height ({height}) doesn't match model ({self.size})."
        return self.proj(x).flatten(2).transpose(1, 2)


case("own check of the image", lambda: (Sized(), R(2, 3, 128, 128)), r"96")


class Series(nn.Module):
    """A block over time that checks its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(7, 16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] != 7:
            raise ValueError(f"got {x.shape[1]} channels but this block was built for 7")
        return self.conv(x)


case(
    "own check of the channels, time in their place",
    lambda: (Series(), R(2, 100, 7)),
    r"transpose|movedim|permute",
)


class Bare(nn.Module):
    """An assert without words."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.dim() == 4
        return self.conv(x)


case("an assert without words", lambda: (Bare(), R(2, 28, 28)), r"unsqueeze\(1\)|\[:, None\]")


class Unpacks(nn.Module):
    """Sizes taken by name."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, _, h, w = x.shape
        return self.conv(x).view(b, 8, h * w)


case("four sizes of three axes", lambda: (Unpacks(), R(2, 28, 28)), r"unsqueeze\((0|1)\)|None\]")
case(
    "einsum with a letter for an axis that is not there",
    lambda: (lambda q, k: torch.einsum("bhqd,bhkd->bhqk", q, k), R(2, 4, 5, 8), R(2, 5, 8)),
    r"\[:, None\]|unsqueeze\(1\)|bkd",
)
case(
    "binary mask, one channel, cross entropy",
    lambda: (
        N(lambda s, x, y: F.cross_entropy(s.o(x), y), o=nn.Conv2d(8, 1, 1)),
        R(2, 8, 6, 6),
        torch.randint(0, 2, (2, 6, 6)) | (torch.arange(6) % 2),
    ),
    r"binary_cross_entropy|BCE|Conv2d\(8, 2",
)
case(
    "pos_weight of another count",
    lambda: (nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)), R(8, 5), R(8, 5).round()),
    r"5",
)
case(
    "predicted classes in place of scores",
    lambda: (lambda o, y: F.cross_entropy(o.argmax(1), y), R(8, 5), torch.randint(0, 5, (8,))),
    r"argmax|scores|logits",
)
case(
    "integer adjacency times features",
    lambda: (
        N(lambda s, a, x: a @ s.l(x), l=nn.Linear(8, 4)),
        torch.eye(6, dtype=torch.long),
        R(6, 8),
    ),
    r"a\.float\(\)|\.float\(\)",
)
case(
    "where over features with a mask of tokens",
    lambda: (lambda m, x: torch.where(m, x, torch.zeros_like(x)), R(4, 7) > 0.5, R(4, 7, 16)),
    r"\[\.\.\., None\]|\[:, :, None\]|unsqueeze\(-1\)",
)
case(
    "padding mask on scores of heads",
    lambda: (lambda s, m: s.masked_fill(m, float("-inf")), R(2, 4, 7, 7), R(2, 7) > 0.5),
    r"\[:, None, None\]",
)
case(
    "mean of the tokens that are no padding",
    lambda: (N(lambda s, x, m: (s.l(x) * m).sum(1), l=nn.Linear(8, 16)), R(4, 7, 8), R(4, 7)),
    r"\[\.\.\., None\]|\[:, :, None\]|unsqueeze\(-1\)",
)
case(
    "weights under another layer's name",
    lambda: (
        (lambda m: m.load_state_dict)(N(lambda s, x: x, head=nn.Linear(4, 2))),
        {"fc.weight": R(2, 4), "fc.bias": R(2)},
    ),
    r"replace|rename|strict=False|head",
)
case(
    "weights without a bias",
    lambda: (nn.Linear(4, 2).load_state_dict, {"weight": R(2, 4)}),
    r"bias=False|strict=False",
)
case(
    "optimiser given the method",
    lambda: ((lambda m: lambda: torch.optim.Adam(m.parameters))(nn.Linear(2, 2)),),
    r"parameters\(\)",
)
case(
    "numpy of what has gradients",
    lambda: ((lambda m: lambda x: m(x).numpy())(nn.Linear(4, 2)), R(3, 4)),
    r"detach\(\)",
)
case(
    "boolean indexing, then view",
    lambda: (lambda d, m: d[m].view(4, -1), R(4, 6), (torch.arange(24) % 5 > 0).view(4, 6)),
    r"where|masked_fill|\* |nested|pad",
)
case(
    "values for another number of cells",
    lambda: (
        lambda y, i, v: y.__setitem__((torch.arange(4), i), v),
        torch.zeros(4, 10),
        torch.randint(0, 10, (4,)),
        R(3),
    ),
    r"4|as many|match",
)
case(
    "one-hot by scatter",
    lambda: (lambda z, y: z.scatter_(1, y, 1.0), torch.zeros(4, 5), torch.randint(0, 5, (4,))),
    r"unsqueeze\((1|-1)\)|\[:, None\]",
)
case(
    "packing a batch that comes first",
    lambda: (
        lambda x, n: nn.utils.rnn.pack_padded_sequence(x, n),
        R(3, 5, 8),
        torch.tensor([5, 4, 2]),
    ),
    r"batch_first=True",
)
case(
    "stft of waveforms with a channel",
    lambda: (lambda x: torch.stft(x, 64, return_complex=True, window=torch.ones(64)), R(4, 1, 400)),
    r"squeeze\(1\)|flatten\(0, 1\)",
)
case(
    "univariate series into an LSTM",
    lambda: (nn.LSTM(1, 16, batch_first=True), R(8, 30)),
    r"unsqueeze\(-1\)|\[\.\.\., None\]|\[:, :, None\]",
)
case(
    "one feature, a vector of samples",
    lambda: (S(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1)), R(20)),
    r"unsqueeze\(-?1\)|\[:, None\]|\[\.\.\., None\]",
)
case(
    "longer forecast than the target",
    lambda: (N(lambda s, x, y: F.mse_loss(s.l(x), y), l=nn.Linear(4, 1)), R(8, 36, 4), R(8, 12, 1)),
    r"\[:, -\w",
)
case(
    "patches longer than the series",
    lambda: (lambda x: x.unfold(-1, 16, 8), R(4, 3, 10)),
    r"10|pad",
)
case(
    "one window for the channels of SSIM",
    lambda: (lambda x, w: F.conv2d(x, w, padding=5, groups=3), R(2, 3, 32, 32), R(1, 1, 11, 11)),
    r"expand\(3|repeat\(3",
)
case(
    "flow as a grid",
    lambda: (
        lambda x, f: F.grid_sample(x, f, align_corners=False),
        R(2, 3, 16, 16),
        R(2, 2, 16, 16),
    ),
    r"permute\(0, 2, 3, 1\)|movedim\(1, -1\)",
)
case(
    "decoder that forgets its skip's channels",
    lambda: (
        N(
            lambda s, x: (lambda a: s.o(torch.cat([s.u(s.d(F.max_pool2d(a, 2))), a], 1)))(s.c(x)),
            c=nn.Conv2d(3, 8, 3, padding=1),
            d=nn.Conv2d(8, 16, 3, padding=1),
            u=nn.ConvTranspose2d(16, 8, 2, 2),
            o=nn.Conv2d(8, 2, 1),
        ),
        R(1, 3, 16, 16),
    ),
    r"Conv2d\(16, 2, 1\)",
)
case(
    "pyramid without its lateral",
    lambda: (
        N(
            lambda s, x: (lambda a: a + F.interpolate(s.d(a), scale_factor=2))(s.c(x)),
            c=nn.Conv2d(3, 16, 3, 2, 1),
            d=nn.Conv2d(16, 32, 3, 2, 1),
        ),
        R(1, 3, 32, 32),
    ),
    r"nn\.Conv2d\(16, 32, (kernel_size=)?1\)|nn\.Conv2d\(32, 16, (kernel_size=)?1\)",
)
case(
    "low-level features beside a coarse map",
    lambda: (
        N(
            lambda s, x: (lambda a: torch.cat([a, s.b(a)], 1))(s.a(x)),
            a=nn.Conv2d(3, 8, 3, 4, 1),
            b=nn.Conv2d(8, 16, 3, 4, 1),
        ),
        R(2, 3, 64, 64),
    ),
    r"interpolate\(\w, size=\w\.shape",
)
case(
    "fixed average pool on smaller maps",
    lambda: (
        S(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.AvgPool2d(7),
            nn.Flatten(),
            nn.Linear(32, 5),
        ),
        R(2, 3, 16, 16),
    ),
    r"Adaptive|AvgPool2d\((kernel_size=)?4\)",
)
case(
    "channel shuffle with odd groups",
    lambda: (
        N(
            lambda s, x: (
                lambda y: (
                    y.view(len(y), 4, y.shape[1] // 4, *y.shape[2:]).transpose(1, 2).flatten(1, 2)
                )
            )(s.c(x)),
            c=nn.Conv2d(3, 10, 1),
        ),
        R(2, 3, 8, 8),
    ),
    r"multiple|Conv2d\(3, (8|12), 1\)",
)
case(
    "a tuple into relu",
    lambda: (N(lambda s, x: F.relu(s.r(x)), r=nn.GRU(8, 16, batch_first=True)), R(4, 5, 8)),
    r"\[0\]",
)
case(
    "a dict of outputs into the loss",
    lambda: (
        N(lambda s, x, y: F.cross_entropy({"out": s.c(x)}, y), c=nn.Conv2d(3, 4, 1)),
        R(2, 3, 8, 8),
        torch.randint(0, 4, (2, 8, 8)),
    ),
    r"\['out'\]",
)
case(
    "three axes to permute, four given",
    lambda: (N(lambda s, x: s.c(x).permute(0, 2, 1), c=nn.Conv2d(3, 16, 4, 4)), R(2, 3, 16, 16)),
    r"flatten\(2\)|permute\(0, \d, \d, \d\)",
)
case(
    "split into sizes that do not add up",
    lambda: (N(lambda s, x: s.c(x).split([32, 32], 1), c=nn.Conv2d(3, 60, 1)), R(2, 3, 8, 8)),
    r"64|28|30",
)
case("GLU of an odd width", lambda: (S(nn.Conv1d(8, 15, 3), nn.GLU(1)), R(2, 8, 20)), r"16|14|30")
case(
    "both last states into a head for twice the width",
    lambda: (
        N(
            lambda s, x: s.f(s.r(x)[1]),
            r=nn.GRU(8, 16, batch_first=True, bidirectional=True),
            f=nn.Linear(32, 3),
        ),
        R(4, 5, 8),
    ),
    r"cat\(|\.transpose\(0, 1\)\.flatten",
)
case(
    "a state of a gym in float64",
    lambda: (S(nn.Linear(4, 16), nn.ReLU()), torch.from_numpy(np.zeros(4))),
    r"float\(\)",
)

# what 26 more found, of which 15 had the expert's fix first, and 24 after it was mended
case(
    "shallow volumes pooled three times",
    lambda: (
        S(
            nn.Conv3d(1, 4, 3, padding=1),
            nn.MaxPool3d(2),
            nn.Conv3d(4, 8, 3, padding=1),
            nn.MaxPool3d(2),
            nn.MaxPool3d(2),
        ),
        R(1, 1, 4, 32, 32),
    ),
    r"\(1, 2, 2\)|8 x 8",
)
case(
    "text and image features joined",
    lambda: (
        N(lambda s, a, b: s.h(torch.cat([a, b], 1)), h=nn.Linear(768, 10)),
        R(2, 768),
        R(2, 512),
    ),
    r"Linear\(1280, 10\)",
)
case(
    "BatchNorm1d after a 2-D convolution",
    lambda: (S(nn.Conv2d(3, 8, 3), nn.BatchNorm1d(8)), R(2, 3, 8, 8)),
    r"BatchNorm2d\(8\)",
)
case(
    "a GRU given an axis of one",
    lambda: (nn.GRU(5, 8, batch_first=True), R(3, 7, 1, 5)),
    r"squeeze\(2\)|flatten\(1, 2\)",
)
case(
    "one_hot with too few classes",
    lambda: (lambda y: F.one_hot(y, 3), torch.tensor([0, 3, 1])),
    r"4|y - 1",
)
case(
    "time beside features",
    lambda: (N(lambda s, x, t: s.l(torch.cat([x, t], 1)), l=nn.Linear(9, 4)), R(6, 8), R(6)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "weights of samples on a loss map",
    lambda: (lambda loss, w: (loss * w).mean(), R(4, 6, 7), R(4)),
    r"\[:, None, None\]",
)
case(
    "padding mask added to scores of heads",
    lambda: (lambda s, m: s + m, R(2, 4, 5, 7), R(2, 1, 7)),
    r"\[:, None\]|unsqueeze\(1\)",
)
case(
    "similarity of tokens without transpose",
    lambda: (lambda a, b: torch.bmm(a, b), R(2, 5, 16), R(2, 7, 16)),
    r"transpose|mT",
)
case(
    "class token expanded to two sizes",
    lambda: (N(lambda s, x, c: torch.cat([c.expand(len(x), -1), x], 1)), R(4, 9, 16), R(1, 1, 16)),
    r"-1, -1",
)
case(
    "repeat of too few axes",
    lambda: (lambda x: x.repeat(2), R(3, 4)),
    r"repeat\(2, 1\)|repeat\(1, 2\)|1",
)
case(
    "binary output, coloured mask",
    lambda: (
        N(lambda s, x, y: F.binary_cross_entropy_with_logits(s.o(x), y), o=nn.Conv2d(8, 1, 1)),
        R(2, 8, 6, 6),
        R(2, 3, 6, 6),
    ),
    r"\[:, :1\]|Conv2d\(8, 3|keepdim",
)
case(
    "boxes with a label in the loss",
    lambda: (N(lambda s, x, y: F.smooth_l1_loss(s.b(x), y), b=nn.Linear(16, 4)), R(8, 16), R(8, 5)),
    r"\[:, :4\]|Linear\(16, 5\)|5 values",
)
case(
    "one-hot into an embedding",
    lambda: (nn.Embedding(10, 4), F.one_hot(torch.randint(0, 10, (3,)), 10).float()),
    r"argmax",
)
case(
    "weights for a wrapped model",
    lambda: (
        (lambda m: m.load_state_dict)(nn.DataParallel(nn.Linear(4, 2))),
        nn.Linear(4, 2).state_dict(),
    ),
    r"module\.",
)
case(
    "a mask of integers resized",
    lambda: (lambda m: F.interpolate(m, scale_factor=2), torch.randint(0, 3, (2, 1, 8, 8))),
    r"float\(\)",
)
case("mean of counts", lambda: (lambda x: x.mean(), torch.randint(0, 5, (4, 3))), r"float\(\)")
case(
    "float positions into a table",
    lambda: (N(lambda s, x: s.e(torch.arange(0.0, x.shape[1])), e=nn.Embedding(20, 8)), R(2, 5)),
    r"long\(\)",
)
case(
    "attention called with x alone",
    lambda: (N(lambda s, x: s.a(x), a=nn.MultiheadAttention(16, 4, batch_first=True)), R(2, 5, 16)),
    r"x, x, x",
)
case(
    "the batch size of all but the last batch",
    lambda: (
        N(
            lambda s, z: s.u(s.l(z).view(32, 8, 4, 4)),
            l=nn.Linear(16, 128),
            u=nn.ConvTranspose2d(8, 1, 4, 2, 1),
        ),
        R(20, 16),
    ),
    r"-1, 8, 4, 4|len\(x\)|unflatten",
)
case(
    "a decoder that grows too much",
    lambda: (
        N(
            lambda s, x: (lambda a: torch.cat([s.u(s.d(a)), a], 1))(s.c(x)),
            c=nn.Conv2d(3, 8, 3, padding=1),
            d=nn.Conv2d(8, 16, 3, 2, 1),
            u=nn.ConvTranspose2d(16, 8, 4, 4),
        ),
        R(1, 3, 16, 16),
    ),
    r"stride=2|ConvTranspose2d\(16, 8, (2|4), (stride=)?2|interpolate",
)
case(
    "spectrogram of one recording",
    lambda: (
        S(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)),
        R(64, 100),
    ),
    r"\[None, None\]|unsqueeze",
)
case(
    "linear over a series that is channels first",
    lambda: (
        N(lambda s, x: s.o(s.c(x)), c=nn.Conv1d(4, 16, 3, padding=1), o=nn.Linear(16, 1)),
        R(2, 4, 30),
    ),
    r"transpose\(1, 2\)|movedim\(1, -1\)",
)
case(
    "GAN: fake images one size too large",
    lambda: (
        N(
            lambda s, z: s.d(s.g(z)),
            g=S(nn.ConvTranspose2d(16, 8, 4), nn.ConvTranspose2d(8, 1, 4, 2, 1)),
            d=S(nn.Conv2d(1, 8, 4, 2, 1), nn.Flatten(), nn.Linear(72, 1)),
        ),
        R(4, 16, 1, 1),
    ),
    r"Linear\(128, 1\)",
)
case(
    "a head for one feature behind a layer of seven",
    lambda: (S(nn.Linear(4, 7), nn.ReLU(), nn.Linear(1, 3)), R(5, 4)),
    r"Linear\(7, 3\)",
)
case(
    "a GRU for one feature behind a layer of sixteen",
    lambda: (S(nn.Linear(6, 16), nn.GRU(1, 8, batch_first=True)), R(5, 4, 6)),
    r"GRU\(16, 8",
)
