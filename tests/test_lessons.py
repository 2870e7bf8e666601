"""The lessons: how each is built, and what their prose claims."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from torch import nn

import convdocs
import convdocs.draw
from convdocs.draw.palette import ROLES, colour

LEARN = Path(__file__).parent.parent / "docs" / "learn"
sys.path += [str(LEARN), str(LEARN.parent / "_ext")]
images = importlib.import_module("lesson_images")
lesson_pictures = importlib.import_module("lesson_pictures")
training = importlib.import_module("lesson_training")
nets = importlib.import_module("nets")

INDEX = (LEARN / "index.md").read_text(encoding="utf-8")
CONTENTS = re.search(r"\{toctree\}\n:hidden:\n\n(.*?)```", INDEX, re.S)
LESSONS = [name for name in CONTENTS[1].split() if name != "teachers"]
TOUCHED = r"```\{(conv|network)-explorer\}|learning\(\)"
SEEN = r"```\{drawn\}|```\{conv-picture\}|```\{network-explorer\}"


def text(name: str) -> str:
    whole = (LEARN / f"{name}.md").read_text(encoding="utf-8")
    return whole[whole.index("\n# " if whole.startswith("---") else "# ") :].strip()


def test_there_are_thirteen() -> None:
    assert len(LESSONS) == 13


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_asks_shows_is_touched_and_ends_in_exercises(name: str) -> None:
    page = text(name)
    first = page.split("\n\n")[1]
    assert first.startswith("*Before you read:")
    assert first.endswith("?*")
    assert re.search(TOUCHED, page)
    assert re.search(SEEN, page)
    before, _, exercises = page.partition("\n## Exercises\n")
    assert "```{exercise}" not in before
    assert exercises.count("```{exercise}") >= 4
    assert "\n## " not in exercises


@pytest.mark.parametrize("name", LESSONS)
def test_an_exercise_has_a_solution_and_most_have_a_hint(name: str) -> None:
    exercises = re.findall(r"```\{exercise\}.*?\n```", text(name), re.S)
    assert all("\n+++\n" in one for one in exercises)
    assert sum(":hint:" in one for one in exercises) >= len(exercises) - 2


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_read_in_a_few_minutes(name: str) -> None:
    """One to five at 180 words a minute, without code, exercises and what there is to try."""
    prose = re.sub(r"```.*?```", "", text(name).partition("\n## Exercises\n")[0], flags=re.S)
    assert 250 <= len(prose.split()) <= 900


def test_the_teachers_table_counts_the_exercises() -> None:
    rows = re.findall(r"\| \{doc\}`(\w+)` \| .* \| (\d+) \|", text("teachers"))
    assert [name for name, _ in rows] == LESSONS
    for name, count in rows:
        assert text(name).count("```{exercise}") == int(count), name


def counted(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_the_three_networks_are_those_of_their_papers() -> None:
    assert counted(nets.vgg16) == 138_357_544
    assert counted(nets.resnet18) == 11_689_512
    linear = sum(counted(layer) for layer in nets.vgg16 if isinstance(layer, nn.Linear))
    assert round(linear / counted(nets.vgg16), 1) == 0.9  # "nine tenths"
    assert round(counted(nets.vgg16) / counted(nets.resnet18)) == 12  # "a twelfth"
    trace = convdocs.trace(nets.unet, (1, 1, 64, 64))
    assert trace.output_shapes == ((1, 2, 64, 64),)  # "an answer for each pixel"


def test_the_second_network_takes_an_eighth_of_the_multiplications_of_the_first() -> None:
    first, second = (
        convdocs.trace(net, (1, 3, 224, 224)).macs for net in (nets.vgg16, nets.resnet18)
    )
    assert 8 < first / second < 9


def test_each_of_the_last_cells_sees_49_of_64_pixels() -> None:
    trace = convdocs.trace(training.trained()[1][:6], (1, 1, 8, 8))
    fields = trace.calls[-1].receptive_field
    for cell in range(2):
        seen = [len([place for place in axis.cells(cell) if 0 <= place < 8]) for axis in fields]
        assert seen == [7, 7]


def test_the_trained_network_is_what_the_page_says_of_it() -> None:
    shown, labels = (part[training.unseen()] for part in images.digits())
    before, after = (net(shown) for net in training.trained())
    assert (before.argmax(1) == labels).float().mean() < 0.3
    wrong = after.argmax(1) != labels
    assert 0 < wrong.float().mean() < 0.05
    second = after.topk(2).indices[wrong, 1]
    assert (second == labels[wrong]).float().mean() > 0.5  # "for most of them"
    noise = training.with_softmax()(torch.rand(200, 1, 8, 8)).max(dim=1).values
    assert (noise > 0.5).float().mean() > 0.5  # "often gets more than half"


def test_photograph_and_weights_of_a_linear_layer() -> None:
    assert images.photo().shape == (1, 1, 120, 102)
    assert round((120 * 102) ** 2 * 4 / 1e6) == 599  # "600 MB"


def test_the_kernel_learned_is_the_one_that_made_the_map() -> None:
    first, *_, last = training.learning()
    assert first.alt.endswith("the loss is 0.8768.")
    assert last.alt.startswith("After 2,000 steps")
    assert last.alt.endswith("the loss is 0.0001.")


@pytest.mark.parametrize("name", ["mistakes", "learning"])
def test_a_phone_gets_a_narrower_picture_with_the_same_words(name: str) -> None:
    pictures = {"mistakes": lambda: [training.mistakes(8)], "learning": training.learning}
    picture = pictures[name]()[0]
    narrow = picture.narrow()
    assert narrow.get_figwidth() < picture.get_figwidth() - 1
    assert convdocs.draw.describe(narrow) == convdocs.draw.describe(picture)


def test_the_random_state_is_left_alone() -> None:
    training.trained.cache_clear()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    training.trained()
    training.learning()
    assert torch.equal(torch.random.get_rng_state(), before)


def luminance(colour: np.ndarray) -> float:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_are_read_on_the_fullest_shades(theme: str) -> None:
    full = lesson_pictures.kernels({"signs": [[-9, 0, 9]]})
    kernel = nn.Conv2d(1, 1, 16).requires_grad_(False)
    kernel.weight.data = torch.linspace(-8, 8, 256).reshape(1, 1, 16, 16)
    greys = lesson_pictures.patch(torch.linspace(0, 1, 256).reshape(1, 1, 16, 16), kernel, (0, 0))
    page = np.array(to_rgb(colour("page", theme)))
    swapped = {light: dark if theme == "dark" else light for light, dark in ROLES.values()}
    read = 0
    for axis in [*full.axes, *greys.axes]:
        for text in axis.texts:
            column, row = map(int, text.get_position())
            shade = axis.images[0].to_rgba(axis.images[0].get_array())[row, column]
            below = shade[:3] * shade[3] + page * (1 - shade[3])
            ink = np.array(to_rgb(swapped.get(to_hex(text.get_color()), text.get_color())))
            low, high = sorted((luminance(below), luminance(ink)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, shade)
            read += 1
    assert read == 3 + 3 * 256


def test_a_map_is_clear_where_it_is_zero() -> None:
    assert lesson_pictures.SIGNS([0.0, 0.5, 1.0])[:, 3] == pytest.approx([1, 0, 1], abs=0.01)
