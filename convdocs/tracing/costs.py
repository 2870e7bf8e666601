# ruff: noqa: SIM905 (long lists of names read best as words)
"""Multiply-accumulates: by the shapes of the common functions, else in the kernels they call."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from convdocs.tracing.memory import Operand
from convdocs.tracing.nested import tensors_in
from convdocs.tracing.rules import entering

aten = torch.ops.aten
Cost = Callable[..., Any]
COSTS: dict[Any, Cost] = {}  # from a function's arguments and the shape of its output
_cost = entering(COSTS)


@_cost("conv1d", "conv2d", "conv3d")
def _convolution(out: Any, input: Operand, weight: Operand, *rest: Any, **more: Any) -> Any:
    return prod(out) * prod(weight.shape[1:])


@_cost("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _transposed(out: Any, input: Operand, weight: Operand, *rest: Any, **more: Any) -> Any:
    return prod(input.shape) * prod(weight.shape[1:])


@_cost("linear", "matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "__matmul__", "__rmatmul__")
def _matrix(out: Any, input: Operand, *rest: Any, **more: Any) -> Any:
    return prod(out) * input.shape[-1]


@_cost("scaled_dot_product_attention")
def _attention(out: Any, query: Operand, key: Operand, value: Operand, *_: Any, **more: Any) -> Any:
    """Each token of the query with each of the keys, and their weights with the values."""
    return prod(out[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


@_cost("bilinear")
def _bilinear(
    out: Any, input1: Operand, input2: Operand, weight: Operand, *rest: Any, **more: Any
) -> Any:
    """Each sample and output: the first input times the matrix, and that times the second."""
    return prod(input1.shape[:-1]) * (prod(weight.shape) + weight.shape[0] * input2.shape[-1])


@_cost("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(out: Any, input: Operand, *rest: Any, **more: Any) -> Any:
    # (input, hx, weights, ...), or (data, batch_sizes, hx, weights, ...) for packed sequences
    packed = isinstance(rest[0], Operand) and not isinstance(rest[1], list)
    weights = rest[2] if packed else rest[1]
    return prod(input.shape[:-1]) * sum(prod(w.shape) for w in weights if len(w.shape) == 2)


@_cost("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def _cell(out: Any, input: Operand, hx: Any, w_ih: Operand, w_hh: Operand, *biases: Any) -> Any:
    return prod(input.shape[:-1]) * (prod(w_ih.shape) + prod(w_hh.shape))


def _grouped(x: Any, y: Any) -> int:
    """Every row, column or cell of what has no axis of groups is in one group alone."""
    groups = x.shape[0] if x.ndim > y.ndim else 1
    return int(x.numel() * y.shape[-1] // groups)


# kernels of which torch's own registry has no formula, from their arguments and their output
_MORE: dict[str, Cost] = {
    "mv": lambda out, matrix, vector: matrix.numel(),
    "dot": lambda out, vector, other: vector.numel(),
    "vdot": lambda out, vector, other: vector.numel(),
    "addmv": lambda out, added, matrix, vector, **more: matrix.numel(),
    "addbmm": lambda out, added, x, y, **more: x.numel() * y.shape[-1],
    "linear": lambda out, x, weight, *bias: x.numel() * weight.shape[0],
    "_grouped_mm": lambda out, x, y, *rest, **more: _grouped(x, y),
    "_scaled_dot_product_flash_attention_for_cpu": lambda out, q, k, v, *rest, **more: (
        q.numel() * k.shape[-2] + q[..., 0].numel() * v.shape[-2] * v.shape[-1]
    ),
}
# kernels that multiply and accumulate in ways that are not counted here; all other ones of torch
# only move, compare, choose, reduce or combine element by element
_UNCOUNTED = frozenset(
    (
        "_trilinear _cdist_forward _cdist_backward _euclidean_dist cholesky cholesky_inverse "
        "cholesky_solve _fft_c2c _fft_c2r _fft_r2c geqrf linalg_cholesky_ex linalg_eig "
        "linalg_eigh _linalg_eigh _linalg_eigvals linalg_eigvals linalg_inv_ex "
        "linalg_householder_product linalg_ldl_factor_ex "
        "linalg_ldl_solve linalg_lstsq linalg_lu linalg_lu_factor_ex linalg_lu_solve "
        "linalg_matrix_exp linalg_qr linalg_solve_triangular _linalg_det _linalg_slogdet "
        "_linalg_solve_ex _linalg_svd lstsq ormqr orgqr triangular_solve logdet "
        "_transformer_encoder_layer_fwd _native_multi_head_attention mkldnn_rnn_layer "
        "_cudnn_rnn miopen_rnn _sparse_mm _sparse_addmm sspaddmm hspmm smm _sparse_sparse_matmul "
        "sparse_sampled_addmm _sparse_mm_reduce_impl _weight_int4pack_mm _weight_int8pack_mm "
        "_weight_int4pack_mm_for_cpu _mixed_dtypes_linear _cslt_sparse_mm "
        "_sparse_semi_structured_linear _dyn_quant_matmul_4bit fbgemm_linear_fp16_weight "
        "fbgemm_linear_int8_weight conv_tbc quantized_lstm quantized_gru "
        "_scaled_grouped_mm block_diag_mm chain_matmul gru_input _thnn_differentiable_lstm"
    ).split()
)
_OF_TORCH = frozenset({"aten", "prim", "prims", "_c10d_functional"})


def _is_dense(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the contractions of every kernel that runs under it."""

    supports_higher_order_operators = True

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
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if isinstance(func, HigherOrderOperator):
            self._count_higher(func._name, args)
            return out
        packet = func.overloadpacket
        name = packet.__name__
        if packet in flop_registry and not all(map(_is_dense, tensors_in((args, kwargs)))):
            self._unknown[f"{name} of a sparse tensor"] = None
        elif packet in flop_registry:
            count: Any = flop_registry[packet]
            self._total += count(*args, **kwargs, out_val=out) // 2
        elif func.namespace == "aten" and name in _MORE:
            self._total += _MORE[name](out, *args, **kwargs)
        elif name in _UNCOUNTED or func.namespace not in _OF_TORCH:
            self._unknown[name] = None
        return out

    def _count_higher(self, name: str, args: Any) -> None:
        """An operator that takes functions."""
        if name == "flex_attention":  # of all pairs: what the mask leaves out is not known
            query, key, value = args[:3]
            self._total += query.numel() * key.shape[-2]
            self._total += query[..., 0].numel() * key.shape[-2] * value.shape[-1]
        else:
            self._unknown[name] = None
