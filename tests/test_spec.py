"""Text that names layers, sizes and models: what is understood, and what the refusals say."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convdocs import inputs, layers, loading, snippet, spec


@given(
    name=st.sampled_from(["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"]),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    bias=st.booleans(),
)
def test_the_code_of_a_layer_makes_that_layer_again(name, channels, kernel, stride, padding, bias):
    made = getattr(nn, name)(*channels, kernel, stride=stride, padding=padding, bias=bias)
    assert layers.code(spec.layer(layers.code(made))) == layers.code(made)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is no layer: write one as Conv2d(1, 1, 3, padding=1)"),
        ("Conv2d", "'Conv2d' is no layer"),
        ("1 + ", "is no layer"),
        ("\0Conv2d()", "is no layer"),
        ("Conv2(1, 1, 3)", "torch.nn has no layer called Conv2; did you mean Conv2d"),
        ("os.system('x')", "torch.nn has no layer called os.system"),
        ("__import__('os')", "torch.nn has no layer called __import__"),
        ("(lambda: 0)()", "torch.nn has no layer called lambda"),
        ("Conv1d(1, 1, 1 + 2)", "Conv1d: 1 + 2 is not a literal"),
        ("Conv1d(1, 1, open('x'))", "torch.nn has no layer called open"),
        ("Conv1d(1, 1, [i for i in 'ab'])", "is not a literal"),
        ("Conv1d(**{'a': 1})", "** is not read here"),
        ("Conv1d(*(1, 1, 3))", "is not a literal"),
        ("Conv1d(1)", "it takes (in_channels, out_channels, kernel_size, stride, padding"),
        ("Conv1d(1, 1, 3, pading=1)", "it takes no pading; did you mean padding"),
        ("Conv1d(3, 2, 3, groups=2)", "in_channels must be divisible by groups"),
        ("Conv1d(1, 1, 3, padding='sam')", "padding"),
        (
            "Conv1d(1, 1, 3, padding='same', stride=2)",
            "padding='same' is not supported for strided",
        ),
    ],
)
def test_text_that_is_no_layer_is_told_what_to_write(text, says):
    with pytest.raises(spec.SpecError) as refused:
        spec.layer(text)
    assert says in str(refused.value)


def test_reading_layer_text_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    spec.layer("Sequential(nn.Conv1d(1, 1, 3), torch.nn.ReLU())")
    spec.worked("conv2d(1, 1, 3)", (4, 5))
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_gives_the_same_weights_again():
    first, second, other = (spec.layer("Conv1d(1, 1, 3)", seed=seed) for seed in (5, 5, 6))
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


def test_worked_layers_can_count_from_zero():
    """The best-known small example, from Dive into Deep Learning."""
    layer, x = spec.worked("Conv2d(1, 1, 2)", (3, 3), values="counting")
    assert layer(x).flatten().tolist() == [19, 25, 37, 43]


def test_a_seed_draws_the_same_whole_numbers_for_ever():
    _, x = spec.worked("Conv1d(1, 1, 2)", (4,))
    assert x.tolist() == [[0, 3, 9, 7]]


def test_a_kind_alone_is_told_what_it_needs():
    whole = "write the layer whole, as Conv1d(in_channels, out_channels, kernel_size) with numbers"
    assert spec.how_written("conv1d") == whole


def test_worked_layers_have_whole_numbers_or_those_that_torch_draws():
    whole, x = spec.worked("Conv2d(2, 3, 3)", (4, 5))
    assert x.shape == (2, 4, 5)
    assert all(torch.equal(one, one.round()) for one in (x, whole.weight, whole.bias))
    drawn, y = spec.worked("Conv2d(2, 3, 3)", (4, 5), values="random")
    assert not torch.equal(y, y.round())
    assert torch.equal(drawn.weight, spec.layer("Conv2d(2, 3, 3)").weight)


def test_a_size_that_does_not_fit_the_layer_is_told_an_example():
    with pytest.raises(spec.SpecError, match="H and W: its size is 2 numbers, as 7x7, not 7"):
        spec.worked("Conv2d(1, 1, 3)", (7,))
    with pytest.raises(spec.SpecError, match="over L: its size is 1 number, as 7, not 7x7"):
        spec.worked("Conv1d(1, 1, 3)", (7, 7))


@pytest.mark.parametrize("text", ["", "4xx5", "4x-5", "a", "4,,5", "4.0", "1e3"])
def test_a_size_is_whole_numbers(text):
    with pytest.raises(spec.SpecError, match="write whole numbers, as"):
        inputs.size(text)


@pytest.mark.parametrize("text", ["4x5", "4,5", "4 5", "4 x 5", "4×5", "(4, 5)"])
def test_a_size_is_read_as_it_is_typed(text):
    assert inputs.size(text) == (4, 5)


def test_inputs_are_shapes_or_zeros_of_a_dtype():
    assert inputs.tensor_input("(2, 10, 7)") == (2, 10, 7)
    assert inputs.tensor_input("2,3:float16").dtype is torch.float16
    with pytest.raises(spec.SpecError, match="no dtype called flaot32; did you mean float32"):
        inputs.tensor_input("2:flaot32")


@pytest.mark.parametrize("text", ["[1]", "width=8", "{1: 2}", "", "{'a': b}"])
def test_keyword_arguments_are_a_dict_of_literals(text):
    with pytest.raises(spec.SpecError, match="write them as"):
        inputs.keywords(text)


NET = """
from torch import nn
import parts

class Net(nn.Module):
    def __init__(self, width, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*[parts.block(width) for _ in range(depth)])

small = nn.Conv1d(3, 2, 3)
number = 3

def broken():
    raise RuntimeError("out of order")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "parts.py").write_text(
        "from torch import nn\n\ndef block(width):\n    return nn.Conv1d(width, width, 3)\n"
    )
    (tmp_path / "torch.py").write_text("from torch import nn\nactivation = nn.ReLU()\n")
    (tmp_path / "bad.py").write_text("1 / 0\n")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "quits.py").write_text("raise SystemExit(3)\n")
    return tmp_path


@pytest.mark.parametrize("target", ["net:small", "net.py:small"])
def test_models_are_imported_and_the_interpreter_is_left_as_it_was(folder, target):
    modules, path = set(sys.modules), sys.path[:]
    with loading.loaded(target, folder=folder) as found:
        assert layers.code(found.model) == "Conv1d(3, 2, 3)"
        assert [file.name for file in found.files] == ["net.py", "parts.py"]
    assert sys.path == path
    assert {"net", "parts"} & set(sys.modules) == set()
    assert set(sys.modules) == modules


def test_a_changed_file_is_read_again(folder):
    def kernel() -> int:
        with loading.loaded("net.py:small", folder=folder) as found:
            return found.model.kernel_size[0]

    assert kernel() == 3
    (folder / "net.py").write_text("from torch import nn\nsmall = nn.Conv1d(3, 2, 11)\n")
    assert kernel() == 11


def test_a_file_called_like_an_imported_module_replaces_nothing(folder):
    with loading.loaded("torch.py:activation", folder=folder) as found:
        assert isinstance(found.model, nn.ReLU)
    assert sys.modules["torch"] is torch


def test_a_class_is_made_with_its_kwargs(folder):
    with loading.loaded("net.py:Net", {"width": 4, "depth": 2}, folder=folder) as found:
        assert len(found.model.layers) == 2


@pytest.mark.parametrize(
    ("target", "kwargs", "says"),
    [
        ("net", {}, "'net' is no model: write module:name, file.py:name, or a layer as"),
        ("net.py:", {}, "net.py holds Net, small: name one, as net.py:small"),
        ("nett.py:Net", {}, "no file nett.py in"),
        ("nett.py:Net", {}, "did you mean net.py"),
        ("nett:Net", {}, "no module called nett, neither in the folder"),
        ("nett:Net", {}, "did you mean net"),
        ("torch.nnn:ReLU", {}, "no module called torch.nnn, neither"),
        ("net.py:Nett", {}, "net.py has no Nett; did you mean Net"),
        ("net:smal", {}, "net has no smal; did you mean small"),
        ("net:Net", {}, 'Net needs width: give kwargs, as {"width": …}'),
        ("net:Net", {"widht": 3}, "Net takes no widht; did you mean width"),
        ("net:small", {"width": 3}, "small is a model already and takes no kwargs"),
        ("net:number", {}, "number is an int, not a model or what makes one"),
        ("net:broken", {}, "broken raises RuntimeError: out of order"),
        ("bad.py:x", {}, "bad.py raises ZeroDivisionError: division by zero"),
        ("bad:x", {}, "bad raises ZeroDivisionError"),
        ("needy:x", {}, "needy imports not_installed_anywhere, which is not installed"),
        ("needy.py:x", {}, "needy.py imports not_installed_anywhere, which is not installed"),
        ("quits:x", {}, "quits raises SystemExit: 3"),
        ("Conv1d(1, 1, 3)", {"width": 3}, "has its arguments already"),
    ],
)
def test_a_model_that_is_not_there_is_told_where_and_what_is_near(folder, target, kwargs, says):
    modules, path = dict(sys.modules), sys.path[:]
    with (
        pytest.raises(spec.SpecError) as refused,
        loading.loaded(target, kwargs, folder=folder),
    ):
        pass
    assert says in str(refused.value)
    assert (dict(sys.modules), sys.path) == (modules, path)


def test_what_happens_inside_the_with_block_is_not_reworded(folder):
    with pytest.raises(KeyError), loading.loaded("net:small", folder=folder):
        raise KeyError("mine")
    assert "net" not in sys.modules


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "there is no code"),
        ("x = 1", "the last line must call the model on its input, as model(x)"),
        ("x = (\n", "line 1 of the code"),
        ("x = 1\nx(2)", "the first argument must be callable"),
        ("x = 1 / 0\nf(x)", "the code raises ZeroDivisionError"),
        ("import not_installed_anywhere\nf(x)", "the code imports not_installed_anywhere"),
    ],
)
def test_an_example_that_cannot_be_run_says_why(code, says):
    with pytest.raises(spec.SpecError) as refused:
        snippet.example(code)
    assert says in str(refused.value)


def test_an_example_keeps_keyword_arguments():
    call = snippet.example("def f(*a, **k): 1/0\nf(*(1, 2), b=3, **{'c': 4})")
    assert (call.func.__name__, call.args, call.keywords) == ("f", (1, 2), {"b": 3, "c": 4})


def test_the_folder_by_default_is_the_current_one(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert Path.cwd() == folder
    with loading.loaded("net.py:small") as found:
        assert isinstance(found.model, nn.Conv1d)
