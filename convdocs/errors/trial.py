"""The failing model with a fix in it: a copy that shares all but the mended layer."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

from convdocs.errors.failure import Failure
from convdocs.errors.repair import Fixed
from convdocs.tracing.standin import Copier


def mended(model: nn.Module, failure: Failure, fixed: Fixed) -> nn.Module:
    """The model with the fixed call in place of the failing one; ``model`` is left as it is."""
    if failure.layer is None:
        return _Replaced(model, failure, fixed)
    mend = Mended(fixed) if fixed.steps or fixed.layer is None else fixed.layer
    copier = Copier(lambda tensor: tensor)
    copier.replace(failure.layer, mend)
    mended: nn.Module = copier.copy(model)
    return mended


class Mended(nn.Module):
    """The failing layer, with its inputs mended first."""

    def __init__(self, fixed: Fixed) -> None:
        super().__init__()
        self.layer = fixed.layer
        self.fixed = fixed

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.fixed(args, kwargs)


class _Replaced(nn.Module):
    """The model, running so that the failing function call is answered by the fixed one."""

    def __init__(self, model: nn.Module, failure: Failure, fixed: Fixed) -> None:
        super().__init__()
        self.model = model
        self.answers = (failure, fixed)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        with _Answers(*self.answers):
            return self.model(*args, **kwargs)


class _Answers(TorchFunctionMode):
    def __init__(self, failure: Failure, fixed: Fixed) -> None:
        super().__init__()
        self.failure = failure
        self.fixed = fixed

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is self.failure.call:
            here = Failure("", args=args, kwargs=kwargs)
            if here.shapes == self.failure.shapes:
                return self.fixed(args, kwargs)
        return func(*args, **kwargs)
