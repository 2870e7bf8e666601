"""Which windows take one size to another, against trying them all."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import convdocs
from convdocs.geometry import Window
from convdocs.solving import NoWindowError, solve

SIZES = st.integers(1, 9)
SOME = st.none() | st.integers(1, 4) | st.sets(st.integers(1, 5), min_size=1)


def all_of(given, otherwise):
    if given is None:
        return list(otherwise)
    return [given] if isinstance(given, int) else sorted(given)


def by_trying_all(size, cells, kernel, stride, padding, dilation):
    """Windows within the documented bounds, sorted as documented."""
    found = []
    one_to_size = range(1, size + 1)
    for d, k in itertools.product(all_of(dilation, one_to_size), all_of(kernel, one_to_size)):
        span = d * (k - 1) + 1
        if kernel is None and span > size:
            continue
        if dilation is None and d > 1 and (k == 1 or span > size):
            continue
        pads = all_of(padding, range(span))
        for s, p in itertools.product(all_of(stride, one_to_size), pads):
            window = Window(k, s, (p, p), d)
            if size + 2 * p >= span and window.output_size(size) == cells:
                found.append(window)
    if cells == 1:  # the stride plays no part
        found = [
            min(same, key=lambda window: window.stride)
            for _, same in itertools.groupby(
                sorted(found, key=lambda w: (w.dilation, w.kernel, w.padding)),
                key=lambda w: (w.dilation, w.kernel, w.padding),
            )
        ]
    return sorted(found, key=lambda w: (gaps(w, size), w.dilation, w.kernel, w.stride, w.padding))


def gaps(window, size):
    """Whether cells lie between two places of the window, or after the last one."""
    starts = [window.positions(output)[0] for output in range(window.output_size(size))]
    between = any(b - a > window.span for a, b in itertools.pairwise(starts))
    return between or starts[-1] + window.span < size


@given(SIZES, SIZES, SOME, SOME, st.none() | st.integers(0, 3), SOME)
def test_finds_what_trying_all_finds_in_the_same_order(
    size, cells, kernel, stride, padding, dilation
):
    keywords = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    wanted = by_trying_all(size, cells, **keywords)
    if wanted:
        assert list(solve(size, cells, **keywords, limit=10**6)) == wanted
        assert list(solve(size, cells, **keywords)) == wanted[:10]
    else:
        with pytest.raises(NoWindowError):
            solve(size, cells, **keywords)


@given(SIZES, SIZES, SOME, SOME, st.none() | st.integers(0, 3), SOME)
def test_what_comes_nearest_can_be_had_and_nothing_nearer(
    size, cells, kernel, stride, padding, dilation
):
    keywords = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if by_trying_all(size, cells, **keywords):
        return
    with pytest.raises(NoWindowError) as none:
        solve(size, cells, **keywords)
    words = str(none.value)
    can = [one for one in range(1, cells + 17) if by_trying_all(size, one, **keywords)]
    near = [*[one for one in can if one < cells][-1:], *[one for one in can if one > cells][:1]]
    if not near:
        assert "within 16 of it" in words
    elif len(near) == 1:
        assert f"the nearest size is {near[0]}" in words
    else:
        assert f"the nearest sizes are {near[0]} and {near[1]}" in words


@given(st.integers(1, 6), SIZES, SOME, SOME, SOME)
def test_transposed_windows_build_and_give_the_size(size, cells, kernel, stride, dilation):
    keywords = {"kernel": kernel, "stride": stride, "dilation": dilation}
    try:
        found = solve(size, cells, **keywords, transposed=True)
    except NoWindowError:
        return
    for window in found:
        assert window.transposed
        layer = nn.ConvTranspose1d(
            1,
            1,
            window.kernel,
            window.stride,
            window.padding[0],
            window.output_padding,
            dilation=window.dilation,
        )
        assert layer(torch.ones(1, size)).shape[-1] == cells == window.output_size(size)


def test_the_layer_that_gives_56_from_224():
    assert convdocs.solve is solve
    assert solve(224, 56)[0].arguments == "kernel_size=4, stride=4"
    assert solve(224, 112, kernel=7)[0].arguments == "kernel_size=7, stride=2, padding=3"
    assert solve(224, 112, kernel=1)[0].arguments == "kernel_size=1, stride=2"
    assert solve(5, 5, kernel=3)[0].arguments == "kernel_size=3, padding=1"
    assert solve(28, 56, kernel=4, transposed=True)[0].arguments == (
        "kernel_size=4, stride=2, padding=1"
    )


@pytest.mark.parametrize(
    ("start", "end", "keywords", "words"),
    [
        (
            4,
            9,
            {},
            "no window takes 4 cells to 9; the nearest size is 7; "
            "a transposed one does: kernel_size=3, stride=2",
        ),
        (
            40,
            4,
            {"transposed": True},
            "no transposed window takes 40 cells to 4, or to any size within 16 of it; "
            "a window that is not transposed does: kernel_size=10, stride=10",
        ),
        (
            7,
            6,
            {"kernel": 3, "padding": (0, 1)},
            "no window with kernel=3 and padding=0 or 1 takes 7 cells to 6; "
            "the nearest sizes are 5 and 7",
        ),
        (
            5,
            3,
            {"kernel": 9, "padding": 1},
            "no window with kernel=9 and padding=1 takes 5 cells to 3, or to any size within 16 "
            "of it; the kernel spans 9 cells, and the input with its padding 7",
        ),
        (
            100,
            90,
            {"stride": (7, 8), "kernel": range(2, 6)},
            "no window with kernel=2 to 5 and stride=7 or 8 takes 100 cells to 90, or to any size "
            "within 16 of it; what it gives is between 1 and 29",
        ),
    ],
)
def test_none_does_says_why(start, end, keywords, words):
    with pytest.raises(NoWindowError) as none:
        solve(start, end, **keywords)
    assert str(none.value) == words


def test_senseless_numbers_are_refused():
    with pytest.raises(ValueError, match="a size is at least 1 cell, not 0"):
        solve(5, 0)
    with pytest.raises(ValueError, match="stride is at least 1, not 0"):
        solve(5, 5, stride=0)
    with pytest.raises(ValueError, match=r"kernel is at least 1, not \(\)"):
        solve(5, 5, kernel=())
