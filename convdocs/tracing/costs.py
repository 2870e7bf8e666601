# ruff: noqa: SIM905 (long lists of names read best as words)
"""Multiply-accumulates of a function that has no rule, counted in the kernels that it calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


# contractions of which torch's own registry has no formula: each element of a matrix, or of a
# vector, times one of a vector
_MORE: dict[Any, Callable[..., int]] = {
    aten.mv: lambda matrix, vector: int(matrix.numel()),
    aten.dot: lambda vector, other: int(vector.numel()),
    aten.vdot: lambda vector, other: int(vector.numel()),
    aten.addmv: lambda added, matrix, vector: int(matrix.numel()),
}
# kernels that only move, compare, reduce or combine element by element, as torch's tags say,
# and these, which have no such tag
_FREE_TAGS = frozenset(
    getattr(torch.Tag, name)
    for name in ("pointwise", "reduction", "view_copy", "inplace_view")
    if hasattr(torch.Tag, name)
)
_FREE = frozenset(
    (
        "new_zeros new_ones new_full _linalg_check_errors _pack_padded_sequence "
        "_pad_packed_sequence "
        "cat stack copy_ _to_copy clone contiguous empty empty_like empty_strided new_empty "
        "new_empty_strided zeros ones full arange zeros_like ones_like full_like rand_like "
        "randn_like index index_select index_put gather scatter scatter_add where masked_fill "
        "slice_scatter select_scatter _softmax _log_softmax _safe_softmax softmax log_softmax "
        "native_layer_norm native_batch_norm native_group_norm _native_batch_norm_legit "
        "_native_batch_norm_legit_no_training _native_batch_norm_legit_functional "
        "batch_norm_no_update cudnn_batch_norm _batch_norm_with_update native_dropout "
        "bernoulli bernoulli_ uniform_ normal_ random_ embedding _embedding_bag embedding_bag "
        "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d "
        "replication_pad2d replication_pad3d roll flip repeat cumsum cumprod sort topk "
        "argsort max_pool2d_with_indices max_pool3d_with_indices avg_pool2d avg_pool3d "
        "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d "
        "fractional_max_pool2d fractional_max_pool3d max_unpool2d max_unpool3d "
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d "
        "upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d im2col col2im "
        "pixel_shuffle pixel_unshuffle channel_shuffle tril triu one_hot zero_ fill_ "
        "_thnn_fused_lstm_cell _thnn_fused_gru_cell prelu _prelu_kernel glu mode median "
        "kthvalue nll_loss_forward nll_loss2d_forward mse_loss smooth_l1_loss "
        "binary_cross_entropy native_channel_shuffle renorm linalg_vector_norm diagonal_copy "
        "as_strided lift_fresh nll_loss rrelu_with_noise multi_margin_loss "
        "multilabel_margin_loss_forward huber_loss soft_margin_loss logcumsumexp max min "
        "aminmax squeeze unbind split chunk alias detach _reshape_alias _unsafe_view view "
        "reshape resize_ set_ local_scalar_dense _local_scalar_dense unfold tril_indices "
        "triu_indices "
    ).split()
)


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the contractions of every kernel that runs under it.

    Examples
    --------
    >>> with Counter() as counter:
    ...     product = torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 4))
    >>> counter.macs, counter.note
    (24, '')
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._total = 0
        self._unknown: dict[str, None] = {}

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates, or None when a kernel's are not known."""
        return None if self._unknown else self._total

    @property
    def note(self) -> str:
        """Which kernels' are not known."""
        return f"not counted: {', '.join(self._unknown)}" if self._unknown else ""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        packet = func.overloadpacket
        if packet in flop_registry:
            count: Any = flop_registry[packet]
            self._total += count(*args, **(kwargs or {}), out_val=out) // 2
        elif packet in _MORE:
            self._total += _MORE[packet](*args)
        elif not _is_free(func):
            self._unknown[packet.__name__] = None
        return out


def _is_free(func: Any) -> bool:
    if not any("Tensor" in str(argument.type) for argument in func._schema.arguments):
        return True  # makes a tensor out of numbers
    name = func.overloadpacket.__name__
    return func.is_view or name in _FREE or not _FREE_TAGS.isdisjoint(func.tags)
