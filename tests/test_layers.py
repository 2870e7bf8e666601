"""Reading layers: their windows, and the code that makes them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from convdocs.geometry import Window
from convdocs.layers import LayerError, code, layer_class, per_axis, plain_settings, read
from convdocs.tracing import trace

# written as one would type them; made, and spelled back
TYPED = """
Conv1d(3, 2, 3)
Conv2d(3, 4, (3, 5), stride=2, padding=(1, 2), dilation=2, bias=False)
Conv2d(4, 4, 3, groups=4, padding_mode='reflect')
Conv3d(1, 1, (1, 2, 3))
Conv1d(1, 1, 3, padding='same')
ConvTranspose1d(3, 2, 3, stride=2, output_padding=1)
ConvTranspose2d(3, 2, 3, stride=2, bias=False, dilation=2)
ConvTranspose3d(2, 2, 2, groups=2)
LazyConv1d(4, 3)
LazyConvTranspose2d(4, 3, bias=False)
LazyLinear(3)
LazyBatchNorm2d()
LazyInstanceNorm1d(affine=False)
MaxPool1d(2)
MaxPool2d(3, stride=2, padding=1)
MaxPool2d((2, 1), ceil_mode=True)
MaxPool3d(2, return_indices=True)
MaxUnpool2d(2)
AvgPool1d(2)
AvgPool2d(3, stride=1, count_include_pad=False)
AvgPool3d(2, divisor_override=3)
LPPool1d(2, 3)
LPPool2d(1.5, (2, 3), stride=2)
LPPool3d(2, 2, ceil_mode=True)
FractionalMaxPool2d(2, output_ratio=0.5)
FractionalMaxPool3d(2, output_size=(3, 3, 4))
AdaptiveAvgPool1d(1)
AdaptiveAvgPool2d((None, 7))
AdaptiveMaxPool2d(3, return_indices=True)
AdaptiveMaxPool3d((1, 2, 3))
Unfold(3, padding=1)
Fold((4, 5), 2, stride=2)
ZeroPad1d(1)
ZeroPad2d((1, 2, 0, 0))
ConstantPad2d(1, 2.5)
ReflectionPad2d(1)
ReplicationPad3d((1, 1, 2, 2, 3, 3))
CircularPad1d((0, 2))
BatchNorm1d(4)
BatchNorm2d(4, momentum=None, affine=False)
BatchNorm3d(4, track_running_stats=False)
SyncBatchNorm(4)
InstanceNorm2d(4, affine=True)
GroupNorm(2, 4, bias=False)
LayerNorm(4)
LayerNorm((3, 3), eps=1e-06)
LayerNorm((2, 3), elementwise_affine=False)
LayerNorm(4, bias=False)
RMSNorm((2, 3))
LocalResponseNorm(2, k=2.0)
Linear(3, 4)
Linear(3, 4, bias=False)
Bilinear(1, 2, 3)
Identity()
Flatten()
Flatten(start_dim=0, end_dim=1)
Unflatten(1, (2, 2))
Dropout()
Dropout(p=0.1, inplace=True)
Dropout2d(p=0.3)
AlphaDropout()
ReLU()
ReLU(inplace=True)
ReLU6()
LeakyReLU(negative_slope=0.2)
PReLU(num_parameters=4)
RReLU(upper=0.5)
ELU(alpha=2.0)
CELU()
SELU()
GELU(approximate='tanh')
SiLU()
Mish()
Hardswish()
Hardtanh(min_val=-2, max_val=2)
Hardshrink(lambd=0.3)
Softshrink()
Softplus(beta=2.0)
Softsign()
Sigmoid()
Tanh()
LogSigmoid()
Threshold(0.1, 20)
GLU()
Softmax(dim=1)
LogSoftmax(dim=-1)
Softmin()
Softmax2d()
Upsample(scale_factor=2)
Upsample(size=7, mode='bilinear', align_corners=True)
Upsample(scale_factor=(2, 1.5))
UpsamplingNearest2d(scale_factor=2)
UpsamplingBilinear2d(size=(3, 4))
PixelShuffle(2)
PixelUnshuffle(3)
ChannelShuffle(2)
Embedding(9, 4, padding_idx=0)
EmbeddingBag(9, 4, mode='sum')
RNN(3, 4, nonlinearity='relu')
LSTM(3, 4, num_layers=2, bidirectional=True)
LSTM(4, 8, proj_size=2)
GRU(3, 4, bias=False, batch_first=True)
LSTMCell(3, 4)
GRUCell(3, 4, bias=False)
RNNCell(3, 4)
MultiheadAttention(8, 2)
MultiheadAttention(8, 2, dropout=0.1, bias=False, batch_first=True)
MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, kdim=4, vdim=6)
CosineSimilarity()
PairwiseDistance(p=1.0)
MSELoss()
L1Loss(reduction='sum')
CrossEntropyLoss(label_smoothing=0.1)
NLLLoss(ignore_index=3)
BCEWithLogitsLoss()
CTCLoss(blank=2)
HuberLoss(delta=2.0)
TripletMarginLoss(margin=2.0)
""".strip().splitlines()


def made(line: str) -> nn.Module:
    return eval(f"nn.{line}", {"nn": nn})


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
@pytest.mark.parametrize("line", TYPED)
def test_code_is_what_one_would_type(line: str):
    layer = made(line)
    assert code(layer) == line
    assert repr(made(code(layer))) == repr(layer)


LEAVES_OUT = {
    # made of other modules, or of a tensor, or abstract
    "AdaptiveLogSoftmaxWithLoss", "Container", "DataParallel", "ModuleDict", "ModuleList",
    "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase", "Sequential", "Transformer",
    "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer", "TripletMarginWithDistanceLoss", "LinearCrossEntropyLoss",
    # losses and dropouts like the ones above, in all but name
    "BCELoss", "CosineEmbeddingLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "KLDivLoss",
    "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "NLLLoss2d", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "CrossMapLRN2d",
    "Dropout1d", "Dropout3d", "FeatureAlphaDropout", "Hardsigmoid", "Tanhshrink", "Module",
}  # fmt: skip


def test_no_layer_of_torch_is_forgotten():
    classes = {
        n
        for n in dir(nn)
        if isinstance(getattr(nn, n), type) and hasattr(getattr(nn, n), "forward")
    }
    typed = {line.split("(")[0] for line in TYPED}
    families = {name.rstrip("123d") for name in typed | LEAVES_OUT}
    missing = {name for name in classes if name.rstrip("123d") not in families}
    assert not missing


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_code_of_what_is_no_single_layer():
    assert code(nn.Sequential(nn.ReLU())) == "Sequential(...)"
    assert code(nn.TransformerEncoderLayer(8, 2)) == "TransformerEncoderLayer(...)"
    assert code(nn.CrossEntropyLoss(weight=torch.ones(3))) == "CrossEntropyLoss(weight=...)"
    assert code(nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5])) == "AdaptiveLogSoftmaxWithLoss(...)"


def test_code_of_a_parametrised_layer():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3, bias=False))
    assert code(layer) == "Conv1d(3, 4, 3, bias=False)"
    assert layer_class(layer) is nn.Conv1d


class Mine(nn.Conv1d):
    """A class of one's own, whose constructor takes other arguments."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3)


class Any_(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()

    def extra_repr(self) -> str:
        return "a=1"


def test_code_of_a_class_that_keeps_no_arguments():
    assert code(Mine(4)) == "Mine(4, 4, kernel_size=(3,), stride=(1,))"
    assert code(Any_()) == "Any_(a=1)"


def test_a_trace_shows_each_of_them_with_its_own_settings():
    model = nn.Sequential(Mine(4), nn.Conv1d(4, 8, 1), Mine(8))
    assert [call.code for call in trace(model, (1, 4, 9)).calls][::2] == [
        "Mine(4, 4, kernel_size=(3,), stride=(1,))",
        "Mine(8, 8, kernel_size=(3,), stride=(1,))",
    ]


def test_windows():
    layer = read(nn.Conv2d(1, 1, (3, 4), padding="same", dilation=(1, 2)))
    assert layer.windows == (Window(3, 1, (1, 1)), Window(4, 1, (3, 3), 2))
    assert read(nn.MaxPool1d(3)).windows == (Window(3, 3),)
    assert read(nn.LPPool1d(2, 3)).windows == (Window(3, 3),)
    transposed = read(nn.ConvTranspose1d(1, 1, 3, 2, 1, 1))
    assert transposed.windows == (Window(3, 2, (1, 1), output_padding=1, transposed=True),)
    assert read(Mine(2)).kind == "Mine"


def test_what_has_no_window_says_so():
    with pytest.raises(LayerError, match="ReLU has no sliding window that convdocs can read"):
        read(nn.ReLU())


def test_per_axis():
    assert per_axis([1, 2], 2) == (1, 2)
    assert per_axis((4,), 3) == (4, 4, 4)


def test_valid_is_no_padding():
    layer = nn.Conv1d(1, 1, 3, padding="valid")
    (window,) = read(layer).windows
    assert window.padding == (0, 0)
    assert window.output_size(9) == layer(torch.zeros(1, 1, 9)).shape[-1] == 7


def test_plain_settings_are_numbers_words_and_nothing():
    told = dict(plain_settings(nn.CrossEntropyLoss(torch.ones(3))))
    assert "weight" not in told
    assert dict(plain_settings(nn.Upsample(scale_factor=2)))["size"] is None
