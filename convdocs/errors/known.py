"""What is known of a failure, by the names that an entry's sentences and conditions use.

Those that sizes tell are in ``shape_facts``.
"""

from __future__ import annotations

import inspect
import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.errors import meaning, sizes
from convdocs.errors.failure import Failure
from convdocs.errors.shape_facts import SHAPE_FACTS
from convdocs.errors.sizes import typed, whole
from convdocs.suggest import nearest
from convdocs.tracing.nested import tensors_in
from convdocs.view.numbers import counted

VOID = 100  # a label so far above the classes marks what has none: 255 in most data sets
# what compares all of one set with all of another
_PAIRWISE = ("cosine_similarity", "pairwise_distance", "max", "min", "maximum", "minimum")
# an odd call lacks part of a fact; RuntimeError is torch's, of a stand-in's values
ODD = (AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)


class Known(Failure):
    """A failure whose message is known: its facts by name, as ``known["rows"]``.

    A name is a part of the message, one of the facts below, a setting or an attribute; a fact that
    this failure does not tell raises KeyError.
    """

    words: dict[str, str]  # the named parts of the message
    told: dict[str, Any]

    def __init__(self, failure: Failure, words: Mapping[str, str]) -> None:
        parts = {key: text for key, text in words.items() if text}
        # "shape" is a fact of its own, which takes the message's words where there is no tensor
        told = {key: text for key, text in parts.items() if key != "shape"}
        vars(self).update(vars(failure), words=parts, told=told)

    def __getitem__(self, key: str) -> Any:
        if key not in self.told:
            try:
                if key in FACTS:
                    value = FACTS[key](self)
                elif key in self.settings:
                    value = self.settings[key]
                    value = typed(value) if isinstance(value, tuple) else value
                else:
                    value = getattr(self, key)
            except ODD as error:
                raise KeyError(key) from error
            self.told[key] = value
        value = self.told[key]
        if value is None or (isinstance(value, str | dict) and not value):
            raise KeyError(key)
        return value

    def value(self, declared: Any) -> Any:
        """What an entry means by a value: ``"{rows}"`` is a fact, and its digits a number."""
        match declared:
            case "None":  # which TOML has no word for
                return None
            case "...":
                return ...
            case str() if declared.startswith("{"):
                value = self[declared[1:-1]]
                return int(value) if isinstance(value, str) and value.isdecimal() else value
        return declared

    def holds(self, condition: str) -> bool:
        """Whether a fact is known and true, or is neither behind a ``not``."""
        name = condition.removeprefix("not ")
        try:
            known = bool(self[name])
        except KeyError:
            known = False
        return known == (name == condition)

    def filled(self, template: str, words: Mapping[str, Any] | None = None) -> str:
        """A sentence with its facts in place; raises LookupError where one is not known."""
        text = template.format_map(ChainMap(dict(words or {}), self))  # type: ignore[arg-type]
        return text[:1].upper() + text[1:] if template.startswith("{input}") else text


def _constructor_of_torch(f: Known) -> bool:
    made = f.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return bool(sizes.not_whole(f)) or (made != f.message and known)


def _rows(f: Known) -> int:
    """Rows of an embedding's table, classes of a loss, or cells along an axis."""
    if f.function == "embedding" and len(f.shapes) > 1:
        return f.shapes[1][0]
    if f.function == "one_hot":
        return int(f.args[1])
    return int(f.settings.get("num_embeddings", f.shapes[0][int(len(f.shapes[0]) > 1)]))


def _devices(f: Known) -> list[str]:
    """The devices of the inputs and the weights; none for stand-ins, which lie on meta."""
    tensors = () if f.on_shapes else (*f.tensors, *f.weights[:1])
    return list(dict.fromkeys(str(tensor.device) for tensor in tensors))


def _encoded(f: Known) -> bool:
    """Whether each row of the input adds up to one, as one-hot rows do."""
    values = f.inputs[0][0] if f.on_shapes and f.source(0) == -1 else f.tensors[0]
    return bool((values.sum(-1) == 1).all())


def _habit(f: Known) -> str:
    dtype = f.tensors[0].dtype
    if dtype == torch.uint8:
        return "Images come as uint8 from 0 to 255"
    habit = dtype == torch.float64 and f.weight_type == torch.float32
    return "NumPy makes float64 unless told otherwise" if habit else ""


def _thing(f: Known) -> str:
    word = type(f.args[0]).__name__ if f.args else f.words["got"]
    word = word.removeprefix("numpy.")
    article = "an" if word[:1] in "aeiou" else "a"
    return {"NoneType": "nothing", "ndarray": "a NumPy array"}.get(word, f"{article} {word}")


def _parameters(f: Known) -> dict[str, inspect.Parameter]:
    """What the constructor of a torch layer takes."""
    classes = [base for one in vars(nn).values() for base in getattr(one, "__mro__", ())]
    made: Any = next(one for one in classes if one.__name__ == f.words["op"])
    known = inspect.signature(made.__init__).parameters.items()
    left_out = ("self", "device", "dtype")
    return {k: one.replace(annotation=one.empty) for k, one in known if k not in left_out}


# what leaves the graph of gradients behind
_CUTS = re.compile(
    r"argmax|\.item\(|\.detach\(|\.numpy\(|\.data\b|torch\.tensor\(|no_grad|inference_mode|"
    r"requires_grad\w*[ (=]+False"
)


def _cutting_line(f: Known) -> str:
    """The user's line that leaves the graph behind, in the function that asked for gradients."""
    try:
        lines = inspect.getsourcelines(f.site[0])[0] if f.site else []
    except OSError:
        return ""
    return next((line.strip() for line in lines if _CUTS.search(line)), "")


def _transformer(f: Known) -> str:
    """The layer of torch's that a failing attention is a part of."""
    owner = f.model.get_submodule(f.path.rpartition(".")[0]) if f.model and f.path else None
    name = type(owner).__name__
    return name if name.startswith("Transformer") else ""


FACTS: dict[str, Callable[[Known], Any]] = {
    **SHAPE_FACTS,
    **{fact.__name__.lstrip("_"): fact for fact in (
        _constructor_of_torch, _habit, _thing, _rows,
        _transformer, _cutting_line,
    )},
    # the call
    "name": lambda f: f.name or f.words.get("op") or "the call",
    "owner": lambda f: f.layer and type(f.layer).__name__,
    "input": lambda f: f"the input {f.shape}" if f.tensors else "the input",
    "shape": lambda f: f.shape if f.tensors else whole(f.words["shape"]),
    "all_shapes": lambda f: " and ".join(map(str, f.shapes)),
    "with_shapes": lambda f: " and ".join(map("{} {}".format, f.names, f.shapes)),
    "after_gru": lambda f: (
        f.trace is not None and any(c.kind in ("GRU", "RNN") for c in f.trace.calls[-2:])
    ),
    "given_layer": lambda f: isinstance(f.args[0], nn.Module),
    "given_class": lambda f: type(f.args[0]).__name__,
    "compared": lambda f: (
        f.function.strip("_") in ("eq", "ne")
        and len(f.shapes[1]) == len(f.shape) + 1
        and not f.tensors[1].is_floating_point()
    ),
    "in_place": lambda f: f.function.endswith("_") and f.function != "copy_",
    "copied": lambda f: f.function == "copy_" and f.shapes[0][1:2] == (1,),
    "out_of_place": lambda f: f.function.removesuffix("_"),
    "in_a_list": lambda f: isinstance(f.args[0], list),
    "encoding": lambda f: f.function == "one_hot",
    "attends": lambda f: f.kind == "MultiheadAttention",
    "encoded_rows": lambda f: f.shape[-1] == f["rows"] and _encoded(f),
    "pairwise": lambda f: f.function in _PAIRWISE,
    "constructor": lambda f: f.built is not None,
    "several_tensors": lambda f: len(f.tensors) > 1,
    "no_tensor": lambda f: (
        bool(f.kind or f.message.startswith("expected Tensor as"))
        and not isinstance(next(iter(f.args), None), Tensor)
    ),
    "of_numbers": lambda f: (
        not isinstance(f.args[0], nn.Module | type(None)) and not tensors_in(f.args[0])
    ),
    "one_input": lambda f: f.layer is not None and f.words.get("takes") == "2",
    "strides": lambda f: str(f.tensors[0].stride()),
    # data types and devices
    "torch_version": lambda f: torch.__version__,
    "class": lambda f: re.sub("^_|Nd$", "", f.words["op"]),
    "signature": lambda f: str(inspect.Signature([*_parameters(f).values()])),
    "meant": lambda f: nearest(f["extra"], _parameters(f)).strip("; ?").capitalize(),
    "dtypes": lambda f: " and ".join(dict.fromkeys(str(tensor.dtype) for tensor in f.tensors)),
    "several_devices": lambda f: not f.tensors or len(_devices(f)) > 1,
    "places": lambda f: " and ".join(_devices(f)),
    "where": lambda f: "CPU" if f.on_shapes else f.tensors[0].device.type.upper(),
    "listed": meaning.listed,
    # tables, targets, states
    "largest": lambda f: int(f.indices.max()),  # type: ignore[union-attr]
    "least": lambda f: int(f.indices.min()),  # type: ignore[union-attr]
    "valid": lambda f: f"0 to {int(f['rows']) - 1}",
    "more_classes": lambda f: (
        f["largest"] + 1 if int(f["rows"]) <= f["largest"] < int(f["rows"]) + VOID else None
    ),
    "layers": lambda f: (
        counted(f.settings.get("num_layers", 1), "layer")
        + " x 2 directions" * f.settings.get("bidirectional", False)
    ),
    "weighting": lambda f: (
        "weight" if getattr(f.layer, "pos_weight", None) is None else "pos_weight"
    ),
    "whole_output": lambda f: not f.tensors[0].is_floating_point() and str(f.shape),
    "targets_first": lambda f: (
        not f.tensors[0].is_floating_point() and f.tensors[1].is_floating_point()
    ),
    "scattered": lambda f: "scatter" in f.function and f.shapes[1] == f.shapes[2][:1],
    # a model's own checks, and saved weights
    "own": meaning.own_words,
    "mismatched": lambda f: "; ".join(
        f"{path} was saved as {saved}, and the model's is {own}"
        for path, saved, own in meaning.mismatches(f)[:3]
    ),
    # torch's names for the padding modes of NumPy
    "torch_mode": lambda f: {
        "edge": "replicate", "wrap": "circular", "symmetric": "reflect", "constant": "zeros"
    }.get(f.words["got"]),
}  # fmt: skip
