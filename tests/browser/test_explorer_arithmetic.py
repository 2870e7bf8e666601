"""The explorer's arithmetic in a real browser, against torch: thousands of random settings."""

import math
import random
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import nn

import convdocs
from convdocs import layers
from convdocs.cells import reads
from convdocs.errors import catalogue
from convdocs.explorer import bundle, embed

KINDS = [kind.__name__ for kind in embed.KINDS]
MANY = 5000

# What the component makes of each setting; JSON has no nan and no inf, so numbers go as text.
WORK_OUT = """settings => settings.map(given => {
  const X = window.ConvExplorer, s = X.complete(given), code = X.code(s);
  const problem = X.problem(s);
  if (problem) {
    const left = problem.fixes.filter(one => X.problem({...s, ...one.patch})?.message
      === problem.message).map(one => one.text);
    return {code, type: problem.type, message: problem.message, page: problem.code,
            fixes: problem.fixes.length, left, own: !!problem.own};
  }
  const L = X.solve(s, X.numbersOf(s)), sizes = s.shape.slice(-s.kernel.length);
  const formulas = X.windowsOf(s).map((w, axis) => X.formula(w, sizes[axis]));
  const again = X.unlink(X.link(s)).setting;
  return {code, formulas, shape: L.outShape, y: [...L.y].map(String),
          linked: X.link(again) === X.link(s)};
})"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_content(f"<script>{bundle.script('explorer')}</script>")
    yield opened
    opened.close()


class Draw:
    """Random settings: mostly plausible ones, with a dose of impossible values."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.dose = 0.0

    def one(self, likely: list[Any], odd: list[Any]) -> Any:
        return self.random.choice(odd if self.random.random() < self.dose else likely)

    def setting(self) -> dict[str, Any]:
        self.dose = self.random.choice([0, 0.02, 0.1, 0.3])
        kind = self.random.choice(KINDS)
        dims, pool, transposed = int(kind[-2]), "Pool" in kind, "Transpose" in kind
        groups = self.one([1, 1, 1, 2, 3], [0, -1, 4])
        wide = max(groups, 1)
        s: dict[str, Any] = {
            "kind": kind,
            "groups": groups,
            "in": self.one([wide, 2 * wide], [1, 3, 4, 0, -1]),
            "out": self.one([wide, 2 * wide], [1, 3, 4, 0, -1]),
            "kernel": self.sizes(dims, [1, 2, 3, 4, 5], [0, -1, 7, 10]),
            "stride": self.sizes(dims, [1, 1, 2, 3], [0, -1]),
            "padding": self.sizes(dims, [0, 0, 1, 2], [-1, -2, 3, 5, 9]),
            "dilation": self.sizes(dims, [1, 1, 2, 3], [0, -1]),
            "outputPadding": self.sizes(dims, [0, 0, 1], [-1, 2, 3]),
            "mode": "zeros",
            "bias": self.random.random() < 0.7,
            "ceil": self.random.random() < 0.5,
            "countPad": self.random.random() < 0.7,
            "divisor": self.random.choice([None, 3]) if kind == "AvgPool2d" else None,
            "values": "own",
        }
        if self.random.random() < (self.dose if transposed else 0.3):
            s["mode"] = self.random.choice(["reflect", "replicate", "circular"])
        if not pool and self.random.random() < 0.25:
            s["padding"] = self.random.choice(["same", "valid"])
            s["stride"] = self.one([[1] * dims], [s["stride"]])
        s["shape"] = self.shape(dims, self.one([max(s["in"], 1)], [1, 2, 3, 4]))
        return s

    def sizes(self, dims: int, likely: list[int], odd: list[int]) -> list[int]:
        return [self.one(likely, odd) for _ in range(dims)]

    def shape(self, dims: int, channels: int) -> list[int]:
        cells = [self.random.randint(1, 9) for _ in range(dims)]
        plain = [[channels, *cells], [self.random.choice([1, 2, 3, 16]), channels, *cells]]
        return self.one(plain, [cells, [5], [2, 3], [2, 3, 4, 5], [2, 3, 5, 6, 4], [2] * 6])


def build(s: dict[str, Any]) -> nn.Module:
    """The layer of a setting; raises what torch raises."""
    kind = getattr(nn, s["kind"])
    names = {"kernel": "kernel_size", "stride": "stride", "padding": "padding"}
    if "Conv" in s["kind"]:
        names |= {"dilation": "dilation", "groups": "groups", "bias": "bias"}
        names |= {"mode": "padding_mode"}
    if "Transpose" in s["kind"]:
        names |= {"outputPadding": "output_padding"}
    if "Max" in s["kind"]:
        names |= {"dilation": "dilation", "ceil": "ceil_mode"}
    if "Avg" in s["kind"]:
        names |= {"ceil": "ceil_mode", "countPad": "count_include_pad"}
    if s["kind"] == "AvgPool2d":
        names |= {"divisor": "divisor_override"}
    typed = {
        name: tuple(s[key]) if isinstance(s[key], list) else s[key] for key, name in names.items()
    }
    if s["kind"] == "MaxPool1d":
        typed = {
            name: value[0] if isinstance(value, tuple) else value for name, value in typed.items()
        }
    channels = (s["in"], s["out"]) if "Conv" in s["kind"] else ()
    return kind(*channels, **typed)


def run(s: dict[str, Any]) -> dict[str, Any]:
    """What torch makes of a setting; puts the numbers it used into it."""
    x = torch.randn(s["shape"])
    s["own"] = {"x": {"shape": s["shape"], "data": x.flatten().tolist()}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            layer = build(s)
            for name, numbers in layer.named_parameters():
                flat = numbers.flatten().tolist()
                s["own"][name] = {"shape": list(numbers.shape), "data": flat}
            y = layer(x)
        except Exception as error:
            return {"type": type(error).__name__, "message": str(error)}
    return {"layer": layer, "x": x, "shape": list(y.shape), "y": y.flatten().tolist()}


def settings(count: int, seed: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    draw = Draw(seed)
    torch.manual_seed(seed)
    return [(s, run(s)) for s in (draw.setting() for _ in range(count))]


def close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-5)


def unsure(true: dict[str, Any]) -> bool:
    """Whether torch runs what some of its libraries refuse: no output cell, or a dilation of 0."""
    return 0 in true["shape"] or 0 in true["layer"].dilation


def difference(true: dict[str, Any], found: dict[str, Any]) -> str:
    """What differs, or nothing."""
    if found.get("own"):
        return "" if "message" in true or unsure(true) else f"torch runs it: {found['message']!r}"
    if true.get("message") != found.get("message") or true.get("type") != found.get("type"):
        return f"torch: {true.get('message')!r}; here: {found.get('message')!r}"
    if "message" in true:
        return f"does not mend it: {found['left']}" if found["left"] else ""
    if true["shape"] != found["shape"]:
        return f"shape {true['shape']}, not {found['shape']}"
    numbers = [float(text.replace("Infinity", "inf")) for text in found["y"]]
    if not all(close(a, b) for a, b in zip(true["y"], numbers, strict=True)):
        return "values"
    size = true["x"].shape[-len(layers.read(true["layer"]).windows) :]
    windows = layers.read(true["layer"]).windows
    if [w.formula(n) for w, n in zip(windows, size, strict=True)] != found["formulas"]:
        return f"formula {found['formulas']}"
    if found["code"] != f"nn.{layers.code(true['layer'])}":
        return f"code {found['code']}, not nn.{layers.code(true['layer'])}"
    return "" if found["linked"] else "its link opens another setting"


def test_sizes_values_and_messages_are_torchs(page: Page) -> None:
    cases = settings(MANY, seed=0)
    found = page.evaluate(WORK_OUT, [s for s, _ in cases])
    wrong = [
        (told, {key: value for key, value in s.items() if key != "own"})
        for (s, true), here in zip(cases, found, strict=True)
        if (told := difference(true, here))
    ]
    legal = sum("y" in true for _, true in cases)
    messages = {true["message"] for _, true in cases if "message" in true}
    assert legal > MANY // 4
    assert len(messages) > 500
    assert not wrong, f"{len(wrong)} of {MANY}, as {wrong[:3]}"


def test_errors_lead_to_their_entries_in_the_catalogue(page: Page) -> None:
    known = {f"{entry.page}#{entry.code}" for entry in catalogue.entries()}
    found = page.evaluate(WORK_OUT, [s for s, _ in settings(1500, seed=1)])
    told = {one["page"] for one in found if "page" in one}
    assert len(told) > 18
    assert told <= known
    assert all(one["fixes"] for one in found if "page" in one)


TERMS = """([given, [n, o, h, w]]) => {
  const X = window.ConvExplorer, s = X.complete(given), L = X.solve(s, X.numbersOf(s));
  return X.terms(L, n, o, h, w).map(one => [one.c, one.tap, one.place, one.padded, one.w, one.x]);
}"""
REACHED = """([given, [c, row, column]]) => {
  const X = window.ConvExplorer, s = X.complete(given), L = X.solve(s, X.numbersOf(s));
  return X.reached(L, c, row, column).map(one => [one.o, one.h, one.w]);
}"""


def small_legal(count: int, seed: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for s, true in settings(count, seed):
        if true.get("y"):
            yield s, true


def test_taps_are_those_that_explain_gives(page: Page) -> None:
    compared = 0
    for s, true in small_legal(600, seed=2):
        dims, layer, x = len(s["kernel"]), true["layer"], true["x"]
        shape = true["shape"]
        at = [size - 1 for size in shape]
        told = convdocs.explain(layer, x, at)
        place = ([0] * (dims + 2 - len(at)) + at)[:2] + [0] * (2 - dims) + at[-dims:]
        here = page.evaluate(TERMS, [s, place])
        # taps that read nothing are left out: past the padding, and where zeros don't count
        zeros = s["kind"].startswith(("Conv1d", "Conv2d", "Avg"))
        want = [
            one for one in told.terms if one.reason is None or (zeros and one.reason == "padding")
        ]
        assert len(here) == len(want), s
        for (c, tap, position, padded, weight, value), one in zip(here, want, strict=True):
            kernel = (tap,) if dims == 1 else divmod(tap, s["kernel"][1])
            assert (c, tuple(kernel), tuple(position[-dims:])) == (
                one.channel,
                one.kernel,
                one.position,
            )
            assert padded == one.padded
            assert weight == pytest.approx(one.weight) if one.weight is not None else weight is None
            assert value == pytest.approx(one.value)
        compared += 1
    assert compared > 100


def test_an_input_reaches_the_outputs_that_read_it(page: Page) -> None:
    compared = 0
    for s, true in small_legal(600, seed=3):
        dims, batch = len(s["kernel"]), len(s["shape"]) > len(s["kernel"]) + 1
        cell = [size // 2 for size in s["shape"]]
        if batch:
            cell[0] = 0
        want = {index[-dims - 1 :] for index in reads(true["layer"], s["shape"], cell)}
        place = [cell[-dims - 1], *([0] if dims == 1 else []), *cell[-dims:]]
        here = {(o, *([h, w][-dims:])) for o, h, w in page.evaluate(REACHED, [s, place])}
        assert here == want, s
        compared += 1
    assert compared > 100
