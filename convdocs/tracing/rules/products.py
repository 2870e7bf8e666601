"""Linear layers, matrix products, recurrent layers: what multiplies and accumulates."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.tracing import flow
from convdocs.tracing.rules.base import (
    BOOK,
    CONSTANT,
    FLOATS,
    Answer,
    Mark,
    by_kernel,
    facts,
    own_facts,
)
from convdocs.tracing.rules.pointwise import broadcast


@BOOK.rule("linear")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Answer | None:
    return matrix(facts(input), facts(weight), bias if bias is None else facts(bias))


def matrix(x: Mark, w: Mark, bias: Mark | None) -> Answer | None:
    """Answer for a linear layer over the last axis."""
    if len(w.shape) != 2 or not x.shape or x.shape[-1] != w.shape[1]:
        return None
    sound = (
        x.dtype is w.dtype
        and w.dtype in FLOATS
        and (bias is None or (bias.shape == w.shape[:1] and bias.dtype is w.dtype))
    )
    macs = prod(x.shape) * w.shape[0]
    shape, laid_out = (*x.shape[:-1], w.shape[0]), x.plain and w.plain
    return Answer(shape, x.dtype, sound, laid_out, macs, flow=flow.last_mixed)


@BOOK.module(nn.Linear)
def linear_module(module: Any, input: Tensor) -> Answer | None:
    parameters = module._parameters
    weight, bias = parameters.get("weight"), parameters.get("bias")
    if weight is None:
        return None
    return matrix(facts(input), own_facts(weight), bias if bias is None else own_facts(bias))


@BOOK.rule("matmul", "mm", "bmm", "__matmul__", "mv", "dot")
def matmul(input: Tensor, other: Tensor) -> Answer | None:
    x, y = facts(input), facts(other)
    if not x.shape or not y.shape:
        return None
    left = x.shape if len(x.shape) > 1 else (1, *x.shape)
    right = y.shape if len(y.shape) > 1 else (*y.shape, 1)
    batch = broadcast(left[:-2], right[:-2])
    if left[-1] != right[-2] or batch is None:
        return None
    macs = prod(batch) * left[-2] * left[-1] * right[-1]
    weighted = y.source == CONSTANT and len(y.shape) == 2
    return by_kernel(x, flow.last_mixed if weighted else flow.unknown, macs)


@BOOK.rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(input: Tensor, *rest: Any, **named: Any) -> Answer | None:
    # (input, hx, weights, ...), or (data, batch_sizes, hx, weights, ...) for packed sequences
    packed = len(rest) > 1 and isinstance(rest[0], Tensor) and not isinstance(rest[1], list)
    weights = rest[2] if packed else rest[1]
    x = facts(input)
    macs = prod(x.shape[:-1]) * sum(prod(w.shape) for w in weights if w.dim() == 2)
    return by_kernel(x, flow.recurrent, macs)


@BOOK.rule("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def recurrent_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, *biases: Any) -> Answer:
    x = facts(input)
    return by_kernel(x, flow.unknown, prod(x.shape[:-1]) * (prod(w_ih.shape) + prod(w_hh.shape)))
