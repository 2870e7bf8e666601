"""More calls that fail as the catalogue's entries say, each for another of torch's messages.

The error pages run them and show the messages; the tests run them too.
"""

# entry -> calls
CALLS = {
    "attention-batch": [
        "nn.Transformer(16, 4, 1, 1, 32).eval()(torch.zeros(4, 7, 16), torch.zeros(4, 5, 16))",
    ],
    "attention-mask": [
        "nn.MultiheadAttention(16, 4, batch_first=True)(*[torch.zeros(2, 5, 16)] * 3, "
        "key_padding_mask=torch.zeros(5, 2, dtype=torch.bool))",
    ],
    "attention-width": [
        "nn.Transformer(16, 4, 1, 1, 32, batch_first=True)(*[torch.zeros(4, 7, 8)] * 2)",
        "nn.TransformerEncoderLayer(32, 4, batch_first=True)(torch.zeros(2, 5, 16))",
    ],
    "binary-dtype": [
        "nn.BCELoss()(torch.zeros(4), torch.zeros(4, dtype=torch.int64))",
    ],
    "binary-shape": [
        "nn.BCEWithLogitsLoss()(torch.zeros(4, 2), torch.zeros(4))",
    ],
    "ctc-lengths": [
        "nn.CTCLoss()(torch.zeros(50, 4, 20), torch.ones(4, 10, dtype=torch.int64), "
        "torch.full((4,), 60), torch.full((4,), 10))",
    ],
    "embedding-dtype": [
        "torch.zeros(4, 10)[torch.zeros(4)]",
        "torch.zeros(4, 6).gather(1, torch.zeros(4, 1))",
        "nn.functional.one_hot(torch.zeros(3))",
    ],
    "embedding-range": [
        "nn.EmbeddingBag(10, 4)(torch.tensor([[1, 12]]))",
    ],
    "matrix-rank": [
        "torch.bmm(torch.zeros(2, 3), torch.zeros(3, 2))",
        "torch.bmm(torch.zeros(4, 5, 8), torch.zeros(4, 8))",
    ],
    "rnn-rank": [
        "nn.LSTM(8, 12)(torch.zeros(5, 4, 3, 8))",
        "nn.GRU(8, 12)(torch.zeros(5, 4, 8), torch.zeros(4, 12))",
        "nn.GRUCell(8, 12)(torch.zeros(4, 8), torch.zeros(1, 4, 12))",
    ],
    "rnn-state": [
        "nn.LSTM(8, 12)(torch.zeros(5, 4, 8), (torch.zeros(1, 4, 12), torch.zeros(1, 3, 12)))",
        "nn.GRUCell(8, 12)(torch.zeros(4, 8), torch.zeros(1, 12))",
        "nn.LSTMCell(8, 12)(torch.zeros(4, 8), (torch.zeros(4, 10), torch.zeros(4, 10)))",
    ],
    "rnn-width": [
        "nn.LSTMCell(8, 12)(torch.zeros(4, 6))",
    ],
    "target-dtype": [
        "nn.CrossEntropyLoss()(torch.zeros(4, 10), torch.zeros(4, 10, dtype=torch.int64))",
        "nn.NLLLoss()(torch.zeros(4, 10), torch.zeros(4, dtype=torch.int32))",
    ],
    "target-shape": [
        "nn.CrossEntropyLoss()(torch.zeros(4, 10), torch.zeros(4, 1, dtype=torch.int64))",
        "nn.NLLLoss()(torch.zeros(2, 5, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.int64))",
        "nn.NLLLoss()(torch.zeros(2, 5, 7, 7), torch.zeros(2, 28, 28, dtype=torch.int64))",
    ],
    "adaptive-none": [
        "nn.AdaptiveAvgPool1d((None,))(torch.zeros(8))",
        "nn.AdaptiveMaxPool1d((None,))(torch.zeros(8))",
    ],
    "adaptive-output-size": [
        "nn.AdaptiveMaxPool1d(-1)(torch.zeros(8, 8))",
        "nn.AdaptiveAvgPool3d(-1)(torch.zeros(8))",
    ],
    "argument-count": [
        "nn.Conv2d(3, 8, 3)()",
        "nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 8, 8), mask=None)",
    ],
    "bias-size": [
        "nn.functional.conv_transpose2d(torch.zeros(1, 3, 8, 8), torch.zeros(3, 4, 3, 3), "
        "torch.zeros(3))",
    ],
    "broadcast": [
        "torch.zeros(2, 3) * torch.zeros(2, 4)",
        'torch.zeros(2, 3, device="meta") + torch.zeros(2, 4, device="meta")',
        "torch.zeros(2, 3).expand(2, 4)",
    ],
    "cat-rank": [
        "torch.cat([torch.tensor(1.0), torch.tensor(2.0)])",
        'torch.cat([torch.zeros(2, 3, device="meta"), torch.zeros(2, device="meta")])',
    ],
    "cat-sizes": [
        'torch.cat([torch.zeros(2, 3, device="meta"), torch.zeros(2, 4, device="meta")])',
    ],
    "channels-mismatch": [
        "nn.Conv2d(3, 8, 3)(torch.zeros(8, 8, 8, 8))",
        "nn.ConvTranspose1d(2, 6, 1)(torch.zeros(1, 2))",
        'nn.Conv1d(1, 3, 2, device="meta")(torch.zeros(4, 2, 6))',
        "nn.Conv2d(1, 8, 3)(torch.zeros(16, 28, 28))",
        "nn.Conv2d(3, 8, 3)(torch.zeros(1, 224, 224, 3))",
        "nn.Conv2d(4, 8, 3, groups=2)(torch.zeros(1, 3, 8, 8))",
        "nn.ConvTranspose2d(8, 3, 2)(torch.zeros(1, 4, 8, 8))",
    ],
    "circular-too-large": [
        "nn.CircularPad1d(3)(torch.zeros(8, 1))",
    ],
    "constructor-arguments": [
        "nn.Conv2d(3, 2.0, 3)",
        "nn.Linear(3.0, 2)",
        "nn.MaxPool2d(2.5)(torch.zeros(8, 8, 8, 8))",
        'nn.Conv1d("3", 8, 3)',
        "nn.ReflectionPad2d(1.5)(torch.zeros(8, 8, 8, 8))",
        "nn.Conv2d(3, 8)",
        "nn.Conv2d(3, 8, 3, kernel=3)",
        "nn.MaxPool2d()",
        "nn.Conv2d(3, None, 3)",
        'nn.Conv2d(3, 8, "3")',
        'nn.Conv2d(3, 8, 3, groups="1")',
        "nn.Conv2d(3, 8, None)",
        "nn.Unflatten(1, 2.5)",
        "nn.Unflatten(1, (2, 2.5))",
        "nn.Flatten(1.5)(torch.zeros(2, 3, 4))",
    ],
    "conv-rank": [
        "nn.Conv1d(3, 8, (1, 4, 2))(torch.zeros(8, 8, 8))",
        'nn.Conv2d(3, 8, (3,), padding="same")(torch.zeros(8, 8, 8, 8))',
        "nn.Conv1d(3, 6, 2)(torch.zeros(3))",
        "nn.ConvTranspose1d(6, 3, 2)(torch.zeros(4))",
        "nn.Conv2d(3, 8, 3)(torch.zeros(28, 28))",
        "nn.Conv3d(3, 8, 3)(torch.zeros(3, 8, 8))",
        "nn.ConvTranspose2d(3, 8, 3)(torch.zeros(28, 28))",
    ],
    "device-mismatch": [
        'nn.Linear(7, 1)(torch.zeros(7, device="meta"))',
        'torch.cat([torch.zeros(3), torch.zeros(3, device="meta")])',
    ],
    "dilation-not-positive": [
        "nn.Conv2d(3, 8, -1, dilation=0)",
        "nn.ConvTranspose1d(4, 8, 2, dilation=0)(torch.zeros(8, 4, 8))",
        "nn.Conv1d(2, 4, 1, dilation=-1)(torch.zeros(4, 2, 8))",
        "nn.Conv1d(1, 6, 2, dilation=0)(torch.zeros(1, 6))",
        "nn.ConvTranspose3d(3, 4, 1, dilation=0, output_padding=2)(torch.zeros(3, 3, 2, 5, 5))",
        "nn.ConvTranspose1d(1, 4, 2, dilation=0)(torch.zeros(1, 7))",
        "nn.Conv1d(3, 2, 1, dilation=0)(torch.zeros(2, 3, 3))",
        "nn.ConvTranspose3d(3, 3, 4, dilation=0)(torch.zeros(4, 3, 5, 3, 3))",
        "nn.ConvTranspose2d(4, 3, 1, padding=3, dilation=0)(torch.zeros(4, 4, 1, 1))",
    ],
    "dtype-mismatch": [
        "nn.Conv1d(3, 6, 2)(torch.zeros(2, dtype=torch.uint8))",
        'nn.Conv1d(3, 4, 1, padding="valid")(torch.zeros(4, 7, dtype=torch.complex64))',
        'nn.Conv1d(4, 8, 2, padding="same", dtype=torch.float64)(torch.zeros(8, 4, 8))',
        "nn.ConvTranspose2d(6, 2, 2)(torch.zeros(6, 6, 5, dtype=torch.float64))",
        "nn.ConvTranspose2d(3, 3, 1, dtype=torch.bfloat16)(torch.zeros(1, 3, 8, 1))",
        "nn.Linear(3, 4)(torch.zeros(8, dtype=torch.bfloat16))",
        "nn.Linear(2, 1)(torch.zeros(8, dtype=torch.bool))",
        "nn.LayerNorm((3,))(torch.zeros(8, dtype=torch.int32))",
        "nn.BatchNorm1d(4, dtype=torch.float16)(torch.zeros(8, 4, 8))",
        "nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))",
        "nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 8, 8, dtype=torch.int64))",
        "nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 8, 8, dtype=torch.float16))",
        "nn.Conv2d(3, 8, 3, dtype=torch.float16)(torch.zeros(1, 3, 8, 8))",
        "nn.BatchNorm2d(3)(torch.zeros(2, 3, 8, 8, dtype=torch.float64))",
        "torch.zeros(3) @ torch.zeros(3, dtype=torch.float64)",
        "torch.zeros(2, 2, 2) @ torch.zeros(2, 2, 2, dtype=torch.float64)",
        "nn.Linear(2, 2, bias=False)(torch.zeros(2, dtype=torch.float64))",
        "torch.addmm(torch.zeros(2), torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.float64))",
        "nn.Bilinear(2, 2, 2)(torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, 2))",
    ],
    "dtype-not-supported": [
        "nn.AvgPool3d(2)(torch.zeros(1, 1, 7, 7, 3, dtype=torch.bfloat16))",
        "nn.AdaptiveMaxPool1d(5)(torch.zeros(8, 8, dtype=torch.bool))",
        "nn.AdaptiveAvgPool1d(1)(torch.zeros(8, 8, dtype=torch.uint8))",
        "nn.MaxPool3d(2)(torch.zeros(1, 3, 8, 8, 8, dtype=torch.bool))",
        "nn.MaxPool2d(2)(torch.zeros(1, 3, 8, 8, dtype=torch.complex64))",
        "nn.BatchNorm2d(3, affine=False, track_running_stats=False)(torch.zeros(2, 3, 8, 8, "
        "dtype=torch.int64))",
        "nn.ReflectionPad2d(1)(torch.zeros(1, 3, 8, 8, dtype=torch.bool))",
        "nn.Dropout()(torch.zeros(3, dtype=torch.int64))",
        "nn.ReLU()(torch.zeros(2, dtype=torch.complex64))",
        "nn.Softmax(1)(torch.zeros(2, 3, dtype=torch.int64))",
    ],
    "empty-input": [
        "nn.Fold(7, 1)(torch.zeros(1, 0, 4))",
        "nn.LPPool1d(2, 1)(torch.zeros(4, 0, 5))",
        "nn.ReplicationPad1d(0)(torch.zeros(8, 0, 8))",
        "nn.Conv3d(2, 1, 1, padding=2)(torch.zeros(1, 2, 5, 1, 0))",
        "nn.AdaptiveAvgPool1d(6)(torch.zeros(8, 0))",
        "nn.AdaptiveMaxPool1d(1)(torch.zeros(8, 0, 8))",
        "nn.LPPool3d(2, 2)(torch.zeros(4, 3, 5, 0, 5))",
        "nn.FractionalMaxPool2d(2, output_size=5)(torch.zeros(2, 1, 0))",
        "nn.FractionalMaxPool3d(1, output_ratio=0.5)(torch.zeros(2, 7, 1, 0))",
        "nn.MaxPool1d(2)(torch.zeros(1, 0))",
        "nn.MaxPool3d(1)(torch.zeros(2, 4, 6, 0, 4))",
    ],
    "features-mismatch": [
        'nn.Linear(9, 2)(torch.zeros(8, device="meta"))',
        "nn.Linear(1, 4)(torch.zeros(8))",
        "torch.zeros(2, 3) @ torch.zeros(2, 3)",
        "torch.zeros(5, 2, 3) @ torch.zeros(5, 2, 3)",
        "torch.zeros(4, 5) @ torch.zeros(1)",
        "torch.zeros(1) @ torch.zeros(2)",
    ],
    "fold-blocks": [
        "nn.Fold(8, 2)(torch.zeros(4, 9))",
    ],
    "fold-channels": [
        "nn.Fold(2, 3)(torch.zeros(8, 8))",
    ],
    "fold-rank": [
        "nn.Unfold(1)(torch.zeros(2))",
        "nn.Fold(0, 1)(torch.zeros(2))",
        "nn.Unfold(2)(torch.zeros(1, 8, 5, 4, 3))",
        "nn.Unfold(2)(torch.tensor(3.0))",
    ],
    "fold-setting": [
        "nn.Fold(0, 2, stride=2, padding=2)(torch.zeros(2, 8, 4))",
        "nn.Unfold(2, dilation=0)(torch.zeros(2))",
        "nn.Fold(5, 0)(torch.zeros(8))",
        "nn.Unfold(2, padding=-1)(torch.zeros(2))",
        "nn.Unfold(2, stride=-1)(torch.zeros(1))",
    ],
    "fold-setting-per-axis": [
        "nn.Fold(5, 1, dilation=(2,))(torch.zeros(2))",
        "nn.Fold(7, (4,))(torch.zeros(8))",
        "nn.Fold((2,), kernel_size=2)(torch.zeros(2, 9, 4))",
        "nn.Fold(7, 2, padding=(1, 0, 1))(torch.zeros(2))",
        "nn.Unfold(1, stride=(3,))(torch.zeros(2, 6, 8))",
        'nn.Unfold(2, padding=(0,))(torch.zeros(1, 1, 4, 1, device="meta"))',
    ],
    "fractional-size": [
        "nn.FractionalMaxPool3d(2)",
        "nn.FractionalMaxPool2d(2, output_ratio=0.0)",
        "nn.FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)",
    ],
    "fractional-too-large": [
        "nn.FractionalMaxPool2d(2, output_size=4)(torch.zeros(2, 3, 2))",
        "nn.FractionalMaxPool2d(1, output_size=2)(torch.zeros(8, 8, 1))",
        "nn.FractionalMaxPool3d(1, output_size=4)(torch.zeros(8, 8, 3, 7))",
        "nn.FractionalMaxPool3d(2, output_size=3)(torch.zeros(8, 3, 2, 7))",
        "nn.FractionalMaxPool3d(2, output_size=2)(torch.zeros(2, 7, 6, 2))",
    ],
    "group-norm-groups": [
        "nn.GroupNorm(0, 2)",
        "nn.GroupNorm(2, 3)",
    ],
    "groups-do-not-divide": [
        "nn.Conv2d(3, 0, 3)(torch.zeros(8, 8, 8, 8))",
        "nn.Conv2d(1, 6, 2, groups=2)",
        "nn.Conv3d(6, 1, 2, groups=2)",
        "nn.functional.conv2d(torch.zeros(1, 6, 8, 8), torch.zeros(8, 2, 3, 3), groups=3)",
    ],
    "groups-not-positive": [
        "nn.Conv1d(6, 3, 1, groups=0)",
        "nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(8, 3, 3, 3), groups=0)",
    ],
    "kernel-larger-than-input": [
        "nn.Conv1d(4, 8, 5)(torch.zeros(4, 3))",
        "nn.Conv2d(4, 8, 2)(torch.zeros(4, 8, 1))",
        "nn.Conv2d(3, 8, 7)(torch.zeros(1, 3, 5, 5))",
    ],
    "kernel-not-positive": [
        "nn.Conv2d(6, 8, 0)(torch.zeros(8, 6, 8, 8))",
        "nn.ConvTranspose1d(2, 8, 0)(torch.zeros(8, 2, 8))",
        "nn.Conv1d(1, 8, 0, dilation=2)(torch.zeros(1, 8))",
        "nn.Conv1d(2, 8, 0)(torch.zeros(2, 8))",
        "nn.Conv3d(1, 8, 0)(torch.zeros(1, 8, 8, 8))",
        "nn.ConvTranspose3d(1, 8, 0)(torch.zeros(1, 8, 8, 8))",
        'nn.ConvTranspose2d(1, 6, 0, padding=1, device="meta")(torch.zeros(1, 1, 3, 1, '
        'device="meta"))',
    ],
    "layer-norm-shape": [
        "nn.LayerNorm((1, 2))(torch.zeros(8))",
        "nn.LayerNorm((3,))(torch.zeros(8))",
    ],
    "linear-scalar": [
        "nn.Linear(8, 4)(torch.tensor(3.0))",
        "torch.tensor(3.0) @ torch.zeros(2)",
    ],
    "negative-output-padding": [
        "nn.ConvTranspose1d(3, 3, 1, output_padding=-1)(torch.zeros(3, 5))",
    ],
    "negative-padding": [
        "nn.Conv1d(2, 6, 1, padding=-2)(torch.zeros(2, 5))",
        'nn.Conv1d(3, 8, 1, padding=-2, padding_mode="circular")(torch.zeros(1, 3, 3))',
    ],
    "negative-size": [
        "nn.Linear(-1, 2)",
        "nn.FractionalMaxPool3d(0)",
        "nn.Bilinear(0, 2, 3)",
    ],
    "no-such-axis": [
        "torch.zeros(3, 4).transpose(1, 2)",
        "torch.zeros(3, 4, 5).flatten(2, 1)",
        "torch.tensor(3.0).squeeze(1)",
        "torch.cat([torch.zeros(3), torch.zeros(3)], 1)",
    ],
    "norm-channels": [
        "nn.GroupNorm(2, 6)(torch.zeros(8, 3))",
        "nn.GroupNorm(1, 3)(torch.zeros(8, 8))",
        "nn.BatchNorm1d(3)(torch.zeros(8, 8))",
        "nn.InstanceNorm1d(3, affine=True)(torch.zeros(5, 3))",
        "nn.InstanceNorm2d(3, track_running_stats=True)(torch.zeros(1, 4, 5, 5))",
        "nn.InstanceNorm2d(3, track_running_stats=True)(torch.zeros(1, 0, 3, 2))",
    ],
    "norm-eps": [
        "nn.BatchNorm1d(3, eps=0)(torch.zeros(8, 8))",
    ],
    "norm-rank": [
        "nn.GroupNorm(2, 2)(torch.zeros(8))",
        "nn.BatchNorm2d(3)(torch.zeros(8))",
        "nn.BatchNorm1d(4)(torch.zeros(8))",
        "nn.SyncBatchNorm(3)(torch.zeros(3))",
    ],
    "not-a-tensor": [
        "nn.Conv2d(3, 8, 3)([[1.0]])",
        "nn.Linear(4, 2)([1.0, 2.0])",
        "nn.MaxPool2d(2)(None)",
        'nn.BatchNorm2d(3)("x")',
        "nn.ReLU()(3)",
        "nn.AdaptiveAvgPool2d(1)(torch.zeros(1, 3, 8, 8).numpy())",
        "torch.cat([torch.zeros(3), [1.0]])",
    ],
    "one-value-per-channel": [
        "nn.InstanceNorm1d(3)(torch.zeros(8, 1))",
        "nn.GroupNorm(2, 2)(torch.zeros(1, 3))",
        "nn.BatchNorm1d(1)(torch.zeros(1, 8))",
    ],
    "output-padding-too-large": [
        "nn.ConvTranspose3d(2, 1, 2, output_padding=3)(torch.zeros(2, 7, 2, 3))",
        "nn.ConvTranspose1d(3, 6, 2, output_padding=3)(torch.zeros(3, 3))",
    ],
    "padding-empties": [
        "nn.ReplicationPad2d(-2)(torch.zeros(8, 3, 8))",
        "nn.ReflectionPad3d(-6)(torch.zeros(8, 8, 8, 8))",
        "nn.ReplicationPad2d(-6)(torch.zeros(8, 8, 8))",
        "nn.ReflectionPad2d(-2)(torch.zeros(8, 3, 3))",
        "nn.ReflectionPad1d(-6)(torch.zeros(8, 8))",
        "nn.ZeroPad1d(-6)(torch.zeros(8, 8))",
        "nn.CircularPad1d(-6)(torch.zeros(4, 1))",
        "nn.ReflectionPad2d(-2)(torch.zeros(4, 5, 2))",
    ],
    "padding-length": [
        "nn.ZeroPad1d((-2, 2, -1))(torch.zeros(8))",
        "nn.ZeroPad1d((1, 2, 5, 0, 1, 2))(torch.zeros(8, 8))",
        "nn.CircularPad1d((0, -2, -1, 2))(torch.zeros(8, 8))",
        "nn.CircularPad3d((0,))(torch.zeros(8, 8, 8, 8, 8, 8))",
    ],
    "padding-mode": [
        'nn.Conv2d(4, 4, 1, padding_mode="edge")',
        'nn.functional.pad(torch.zeros(1, 3, 4, 4), (1, 1, 1, 1), mode="mirror")',
    ],
    "padding-rank": [
        "nn.ZeroPad2d(5)(torch.zeros(8))",
        "nn.ReflectionPad1d(3)(torch.zeros(8))",
        "nn.CircularPad1d(2)(torch.zeros(8))",
    ],
    "padding-string": [
        'nn.Conv1d(4, 1, 1, padding="full")',
        'nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(8, 3, 3, 3), padding="full")',
    ],
    "permute-axes": [
        "torch.zeros(2, 3).permute(0, 0)",
    ],
    "pool-dilation": [
        "nn.MaxPool2d(1, dilation=-1)(torch.zeros(3, 3, 2, 8))",
        "nn.MaxPool3d(1, dilation=0)(torch.zeros(4, 4, 2, 8, 6))",
        "nn.MaxPool1d(1, dilation=0)(torch.zeros(3, 1))",
    ],
    "pool-kernel": [
        "nn.LPPool1d(2, -1)(torch.zeros(4, 7))",
        "nn.AvgPool3d(-1)(torch.zeros(8, 8, 8, 8, 8))",
        "nn.MaxPool1d(0)(torch.zeros(8, 8))",
        "nn.AvgPool1d(0)(torch.zeros(8, 8))",
    ],
    "pool-negative-padding": [
        "nn.MaxPool1d(1, padding=-1)(torch.zeros(1, 8))",
        "nn.AvgPool1d(2, padding=-1)(torch.zeros(2, 7))",
    ],
    "pool-output-too-small": [
        "nn.AvgPool1d(2)(torch.zeros(8, 1))",
        "nn.AvgPool3d(2)(torch.zeros(8, 1, 8, 8))",
        "nn.MaxPool1d(5, dilation=2)(torch.zeros(8, 8))",
    ],
    "pool-padding": [
        "nn.MaxPool1d(1, padding=3)(torch.zeros(4, 5))",
        "nn.AvgPool1d(2, padding=2)(torch.zeros(4, 3))",
        "nn.MaxPool3d(3, padding=2, dilation=2)(torch.zeros(8, 8, 8, 8))",
        "nn.MaxPool2d(3, padding=2, dilation=2)(torch.zeros(8, 8, 8))",
    ],
    "pool-rank": [
        "nn.AdaptiveAvgPool2d(1)(torch.zeros(8))",
        "nn.AdaptiveAvgPool1d(6)(torch.zeros(8))",
        "nn.AdaptiveMaxPool1d(6)(torch.zeros(8))",
        "nn.AvgPool1d((2,))(torch.zeros(8, 8, 8, 8))",
        "nn.AvgPool2d(1)(torch.zeros(1, 1, 3, 5, 2))",
        "nn.AdaptiveMaxPool2d((2, 2))(torch.zeros(8))",
        "nn.AdaptiveAvgPool2d(6)(torch.zeros(8))",
        "nn.AdaptiveMaxPool2d(4)(torch.zeros(8))",
        "nn.FractionalMaxPool2d(2, output_size=3)(torch.zeros(4, 2, 6, 8, 4))",
        "nn.FractionalMaxPool3d(2, output_size=0)(torch.zeros(3, 2, 8, 4, 6, 1))",
        "nn.MaxPool1d(2)(torch.zeros(1))",
        "nn.MaxUnpool2d(2)(torch.zeros(1, 1, 1, 2, 2), torch.zeros(1, 1, 1, 2, 2, "
        "dtype=torch.int64))",
        "nn.AvgPool2d(1)(torch.tensor(3.0))",
    ],
    "pool-setting-per-axis": [
        "nn.AdaptiveMaxPool2d((6, 6, 6, 6))(torch.zeros(8, 8, 8, 8))",
        "nn.AdaptiveAvgPool1d((5, 6))(torch.zeros(8, 8))",
        "nn.AdaptiveAvgPool2d((6,))(torch.zeros(8, 8, 8))",
        "nn.AdaptiveMaxPool1d((3, 5))(torch.zeros(8, 8))",
        "nn.AdaptiveMaxPool3d((1,))(torch.zeros(8, 8, 8, 8))",
        "nn.AvgPool1d((5, 2))(torch.zeros(8, 8, 8))",
        "nn.AvgPool3d((3, 3))(torch.zeros(8))",
        "nn.AvgPool2d((3, 2, 2, 1))(torch.zeros(8))",
        "nn.AvgPool3d(1, padding=(2, 2, 0, 2))(torch.zeros(1, 2, 5, 5))",
        "nn.AvgPool2d(1, padding=(1, 0, 2))(torch.zeros(1, 2, 2))",
        "nn.AvgPool3d(2, stride=(2, 2))(torch.zeros(3, 4, 8, 8, 4))",
        "nn.AvgPool2d(2, stride=(1, 3, 1))(torch.zeros(3, 5, 7))",
        "nn.FractionalMaxPool2d((3,), output_size=2)(torch.zeros(4, 2, 3, 7))",
        "nn.FractionalMaxPool3d((2,), output_size=2)(torch.zeros(2, 7, 3, 3))",
        "nn.FractionalMaxPool2d(2, output_size=(2,))(torch.zeros(2, 3, 5))",
        "nn.FractionalMaxPool3d(2, output_size=(5,))(torch.zeros(4, 2, 8, 4, 8))",
        "nn.MaxPool1d(1, padding=(2, 0, 0), return_indices=True)(torch.zeros(2, 1, 6))",
        "nn.MaxPool1d(1, dilation=(1, 2))(torch.zeros(4, 3, 5))",
        "nn.MaxPool1d((5, 5, 2))(torch.zeros(8, 8, 8))",
        "nn.MaxPool1d(1, padding=(0, 2, 0, 1))(torch.zeros(1, 2))",
        "nn.MaxPool1d(2, stride=(3, 3, 1))(torch.zeros(1, 2, 1))",
        "nn.MaxPool3d(2, dilation=(1, 2))(torch.zeros(3, 4, 6, 1, 3))",
        "nn.MaxPool2d(1, dilation=(2, 2, 2, 1))(torch.zeros(3, 3, 4, 8))",
        "nn.MaxPool3d((3, 1))(torch.zeros(8, 8, 8, 8))",
        "nn.MaxPool2d((5, 1, 1))(torch.zeros(8, 8, 8))",
        "nn.MaxPool3d(2, padding=(0, 0))(torch.zeros(2, 5, 7, 3))",
        "nn.MaxPool2d(2, padding=(0, 2, 2))(torch.zeros(1, 3, 8))",
        "nn.MaxPool3d(2, stride=(1, 2, 3, 2))(torch.zeros(2, 3, 2, 2))",
        "nn.MaxPool2d(2, stride=(3, 1, 1))(torch.zeros(2, 3, 1, 8))",
        "nn.LPPool1d(1, (1,))(torch.zeros(2, 7))",
        "nn.LPPool2d(1, (4,))(torch.zeros(3, 2, 8, 3))",
        "nn.LPPool2d(1, (3, 5, 3, 1))(torch.zeros(2, 1, 8, 8))",
        "nn.MaxUnpool2d((2,))(torch.zeros(2, 4, 1), torch.zeros(2, 4, 1, dtype=torch.int64))",
        "nn.MaxUnpool1d((2, 2))(torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.int64))",
        "nn.LPPool2d(2, (2,))(torch.zeros(1, 3, 8, 8))",
        "nn.LPPool1d(2, (2,))(torch.zeros(1, 3, 8))",
    ],
    "pool-stride": [
        "nn.MaxPool1d(2, stride=0)(torch.zeros(2, 4, 3))",
        "nn.AvgPool1d(1, stride=-1)(torch.zeros(3, 6))",
        "nn.AvgPool3d(1, stride=-1)(torch.zeros(2, 8, 6, 1))",
        "nn.AvgPool2d(1, stride=0)(torch.zeros(4, 7, 5))",
        "nn.MaxUnpool3d(2, stride=0)(torch.zeros(1, 1, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2, "
        "dtype=torch.int64))",
        "nn.MaxUnpool2d(2, stride=-3)(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4, "
        "dtype=torch.int64))",
    ],
    "reflect-too-large": [
        "nn.ReflectionPad1d(5)(torch.zeros(8, 3))",
    ],
    "same-with-stride": [
        'nn.Conv1d(3, 1, 2, stride=2, padding="same")',
        "nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(8, 3, 3, 3), stride=2, "
        'padding="same")',
    ],
    "setting-per-axis": [
        "nn.Conv1d(3, 3, 1, dilation=(1, 1))(torch.zeros(2, 3, 7))",
        "nn.Conv1d(6, 6, 1, padding=(3, 1))(torch.zeros(6, 3))",
        "nn.Conv1d(6, 2, 2, stride=(2, 2))(torch.zeros(1, 6, 1))",
        "nn.functional.conv2d(torch.zeros(2, 3, 8), torch.zeros(8, 3))",
        "nn.functional.conv2d(torch.zeros(1, 2, 5, 2), torch.zeros(4, 2, 3, 1), stride=(1, 1, "
        '1, 1), padding="same")',
        'nn.functional.conv3d(torch.zeros(1, 2, 5, 8, 7, device="meta"), torch.zeros(2, 2, 1, '
        '2, 2, device="meta"), padding=(1, 1))',
        'nn.functional.conv_transpose1d(torch.zeros(2, 2, 1, device="meta"), torch.zeros(2, 1, '
        'device="meta"))',
    ],
    "shuffle": [
        "nn.ChannelShuffle(3)(torch.zeros(8, 8, 8))",
        "nn.ChannelShuffle(0)(torch.zeros(8, 8, 8))",
        "nn.ChannelShuffle(3)(torch.zeros(8))",
        "nn.PixelShuffle(0)(torch.zeros(8, 8, 8))",
        "nn.PixelShuffle(3)(torch.zeros(8))",
        "nn.PixelShuffle(2)(torch.zeros(3, 8, 8))",
        "nn.PixelUnshuffle(0)(torch.zeros(8, 8, 8))",
        "nn.PixelUnshuffle(2)(torch.zeros(8, 3, 8))",
        "nn.PixelUnshuffle(3)(torch.zeros(8))",
        "nn.PixelUnshuffle(2)(torch.zeros(8, 8, 3))",
        'nn.PixelShuffle(2)(torch.zeros(1, 6, 3, device="meta"))',
        'nn.PixelUnshuffle(0)(torch.zeros(4, 1, 4, device="meta"))',
        'nn.PixelUnshuffle(2)(torch.zeros(1, 2, 7, device="meta"))',
    ],
    "stride-not-positive": [
        "nn.Conv1d(4, 1, 1, stride=0)(torch.zeros(4, 7))",
        'nn.Conv1d(4, 1, 3, stride=0, device="meta")(torch.zeros(4, 7, device="meta"))',
    ],
    "transposed-output-size": [
        "nn.ConvTranspose2d(3, 2, 3)(torch.zeros(1, 3, 4, 4), output_size=(4, 4, 4))",
    ],
    "transposed-output-too-small": [
        "nn.ConvTranspose1d(4, 2, 2, padding=3)(torch.zeros(2, 4, 4))",
        "nn.ConvTranspose1d(3, 2, 1, padding=1)(torch.zeros(1, 3, 2))",
        "nn.ConvTranspose3d(3, 2, 1, padding=1)(torch.zeros(1, 3, 2, 2, 2))",
        'nn.ConvTranspose2d(6, 4, 2, padding=3, device="meta")(torch.zeros(1, 6, 2, 5, '
        'device="meta"))',
    ],
    "transposed-padding-mode": [
        'nn.ConvTranspose1d(4, 2, 1, padding_mode="edge")',
    ],
    "unfold-too-small": [
        "nn.Unfold(2)(torch.zeros(8, 1, 8))",
        "nn.Fold(0, 3, padding=1, dilation=2)(torch.zeros(8, 9, 4))",
        'nn.Unfold(2)(torch.zeros(2, 1, 1, 4, device="meta"))',
    ],
    "unpool-index-range": [
        "nn.MaxUnpool3d(2)(torch.zeros(1, 1, 1, 1, 1), torch.full((1, 1, 1, 1, 1), 9))",
    ],
    "unpool-indices-dtype": [
        "nn.MaxUnpool3d(2)(torch.zeros(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1))",
    ],
    "unpool-output-size": [
        "nn.MaxUnpool2d(2)(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, "
        "dtype=torch.int64), output_size=(1, 4, 4))",
    ],
    "upsample-rank": [
        'nn.Upsample(scale_factor=2, mode="linear")(torch.zeros(1, 3, 8, 8))',
        'nn.Upsample(scale_factor=2, mode="trilinear")(torch.zeros(1, 3, 8, 8))',
        "nn.Upsample(scale_factor=2)(torch.zeros(8, 8))",
    ],
    "upsample-corners": [
        "nn.Upsample(size=4, align_corners=False)(torch.zeros(1, 3, 8))",
    ],
    "upsample-size": [
        "nn.Upsample()(torch.zeros(1, 3, 8, 8))",
        "nn.Upsample(scale_factor=(2, 2))(torch.zeros(1, 3, 8))",
        "nn.Upsample(size=0)(torch.zeros(1, 3, 8, 8))",
        'nn.Upsample(size=-1, mode="linear")(torch.zeros(3, 2, 7, device="meta"))',
        'nn.Upsample(size=-1, mode="area")(torch.zeros(1, 2, 7))',
        "nn.Upsample(size=2, scale_factor=2)(torch.zeros(1, 3, 8, 8))",
        "nn.Upsample(size=4, recompute_scale_factor=True)(torch.zeros(1, 3, 8, 8))",
        "nn.Upsample(scale_factor=2)(torch.zeros(1, 3, 0, 8))",
    ],
    "view-size": [
        "torch.zeros(2, 3).view(-1, -1)",
        "torch.zeros(2, 3).reshape(4, -1)",
        "torch.zeros(2, 3).view(2, -3)",
        "torch.zeros(0, 3).view(-1, 0)",
    ],
}

# entry -> messages of devices that the build does not have
ELSEWHERE = {
    "device-mismatch": [
        "Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the "
        "same",
        "Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the "
        "same "
        "or input should be a MKLDNN tensor and weight is a dense tensor",
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
        "cpu!",
    ],
    "dtype-not-supported": [
        "\"slow_conv2d_cpu\" not implemented for 'Half'",
    ],
}
