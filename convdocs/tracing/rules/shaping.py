"""Concatenating, flattening, linear layers: what changes which axis means what."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, Mark, facts


@BOOK.rule("cat", "concat", "concatenate")
def concatenation(tensors: Sequence[Tensor], dim: int = 0) -> Answer | None:
    parts = [facts(one) for one in tensors]
    first = parts[0].shape
    rank = len(first)
    if not -rank <= dim < rank:
        return None
    dim %= rank
    total, plain = 0, parts[0].dtype in FLOATS
    for part in parts:
        shape = part.shape
        if len(shape) != rank or shape[:dim] != first[:dim] or shape[dim + 1 :] != first[dim + 1 :]:
            return None
        plain = plain and part.plain and part.dtype is parts[0].dtype
        total += shape[dim]
    shape = (*first[:dim], total, *first[dim + 1 :])
    return Answer(shape, parts[0].dtype, plain, flow=flow.concatenated(dim))


@BOOK.rule("linear")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Answer | None:
    return matrix(facts(input), facts(weight), bias if bias is None else facts(bias))


def matrix(x: Mark, w: Mark, bias: Mark | None) -> Answer | None:
    """Answer for a linear layer over the last axis."""
    if len(w.shape) != 2 or not x.shape or x.shape[-1] != w.shape[1]:
        return None
    plain = (
        x.plain
        and w.plain
        and x.dtype is w.dtype
        and w.dtype in FLOATS
        and (bias is None or (bias.shape == w.shape[:1] and bias.dtype is w.dtype))
    )
    macs = prod(x.shape) * w.shape[0]
    return Answer((*x.shape[:-1], w.shape[0]), x.dtype, plain, macs, flow=flow.last_mixed)


@BOOK.module(nn.Linear)
def linear_module(module: Any, input: Tensor) -> Answer | None:
    parameters = module._parameters
    bias = parameters["bias"]
    return matrix(facts(input), facts(parameters["weight"]), bias if bias is None else facts(bias))


@BOOK.rule("flatten")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Answer | None:
    x = facts(input)
    rank = len(x.shape)
    if not rank or not (-rank <= start_dim < rank and -rank <= end_dim < rank):
        return None
    start, end = start_dim % rank, end_dim % rank
    if start > end:
        return None
    shape = (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
    # a view: torch makes it, so that writing into it writes into its base
    return Answer(shape, x.dtype, False, flow=flow.flattened(start, end))
