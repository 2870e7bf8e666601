"""Where a diagnosis appears by itself: under a script, under a notebook's cell, and by its code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import convdocs
from convdocs import cli
from convdocs.errors import catalogue, examples

BAD = """
import sys
import torch
from torch import nn
import beside

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))

if __name__ == "__main__":
    print(__name__, sys.argv[1:], beside.NAME)
    Net()(torch.zeros(4, 3, 8, 8))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("NAME = 'beside'\n", encoding="utf-8")
    return tmp_path


def ran(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script of a user's, under ``convdocs run`` from another folder."""
    script = folder / "train.py"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "convdocs", "run", str(script), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )


def test_a_script_knows_its_whole_path_however_it_was_named(folder: Path) -> None:
    (folder / "where.py").write_text("print(__file__)", encoding="utf-8")
    command = [sys.executable, "-m", "convdocs", "run", "where.py"]
    own = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True)
    assert own.stdout.strip() == str(folder / "where.py")


def test_a_script_runs_as_python_runs_it_and_its_shape_error_is_explained(folder: Path) -> None:
    done = ran(folder, BAD, "--epochs", "3", "run")
    assert done.returncode == 1
    assert done.stdout == "__main__ ['--epochs', '3', 'run'] beside\n"
    traceback, _, told = done.stderr.partition("\n\n")
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert "convdocs" not in traceback  # the user's frames and torch's, as always
    assert "mat1 and mat2 shapes cannot be multiplied (4x512 and 256x10)" in traceback
    assert "train.py:14: return self.head(self.body(x).flatten(1))" in done.stderr
    assert "model.head = nn.Linear(512, 10)" in told


def test_a_loss_and_a_call_of_torchs_are_explained_too(folder: Path) -> None:
    loss = ran(
        folder,
        "import torch\nimport torch.nn.functional as F\n"
        "F.cross_entropy(torch.zeros(4, 3), torch.zeros(4, 1, dtype=torch.int64))\n",
    )
    assert loss.returncode == 1
    assert "convdocs errors target-shape" in loss.stderr


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("print('fine')", 0),
        ("import sys; sys.exit(7)", 7),
        ("raise SystemExit('said')", 1),
        ("{}['x']", 1),
        ("x = (", 1),
        ("import torch; torch.zeros(2)['a']", 1),
    ],
)
def test_other_endings_of_a_script_are_pythons(folder: Path, text: str, status: int) -> None:
    done = ran(folder, text)
    script = str(folder / "train.py")
    alone = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == alone.returncode == status
    assert done.stdout == alone.stdout
    if "torch" not in text:
        assert done.stderr == alone.stderr


def test_a_script_that_is_not_there_is_said_as_wrong_usage(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convdocs", "run", str(tmp_path / "none.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "none.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cells_shape_error_is_explained_once_the_extension_is_loaded(capsys, monkeypatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns of one that is not its own
    shell = InteractiveShell()
    failing = "import torch; torch.nn.Conv2d(3, 8, 3)(torch.zeros(1, 4, 9, 9))"
    shell.run_cell(failing)
    assert "channels-mismatch" not in capsys.readouterr().out
    shell.run_line_magic("load_ext", "convdocs")
    shell.run_line_magic("reload_ext", "convdocs")  # no second time below the same cell
    shell.run_cell(failing)
    assert capsys.readouterr().out.count("convdocs errors channels-mismatch") == 1
    shell.run_cell("{}['x']")
    shell.run_cell("x = 1")
    assert "convdocs errors" not in capsys.readouterr().out
    shell.run_line_magic("unload_ext", "convdocs")
    shell.run_cell(failing)
    assert "channels-mismatch" not in capsys.readouterr().out


def test_the_extension_is_found_without_torch() -> None:
    code = (
        "import sys, convdocs; convdocs.load_ipython_extension; convdocs.unload_ipython_extension;"
        "assert 'torch' not in sys.modules and 'IPython' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def errors(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["errors", *arguments]) == 0
    return capsys.readouterr().out


def test_the_command_lists_all_errors_and_explains_one(capsys) -> None:
    listed = errors(capsys)
    assert all(entry.code in listed for entry in catalogue.entries())
    one = errors(capsys, "channels-mismatch")
    assert "expected input" in one
    assert "Cause:" in one
    assert "nn.Conv1d" in one
    assert json.loads(errors(capsys, "channels-mismatch", "--format", "json"))


def test_the_command_finds_a_pasted_message(capsys) -> None:
    message = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x256 and 400x120)"
    assert "features-mismatch" in errors(capsys, message)
    bce = (
        "ValueError: Using a target size (torch.Size([8])) that is different to the input size "
        "(torch.Size([8, 1])) is deprecated. Please ensure they have the same size."
    )
    assert [entry.code for entry in examples.matching(bce)] == ["binary-shape"]


def test_out_of_memory_is_said_to_be_no_shape_error(capsys) -> None:
    told = errors(capsys, "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 8 GiB total)")
    assert "not a shape error" in told
    assert "convdocs memory" in told


def test_what_the_catalogue_does_not_know_is_said(capsys) -> None:
    assert cli.main(["errors", "chanels-mismatch"]) == 2
    assert "channels-mismatch" in capsys.readouterr().err


class Config:
    """Not a model: its errors are none of ours."""

    def __init__(self, size: int) -> None:
        self.size = size


def test_a_class_of_the_users_that_is_no_model_gets_no_note() -> None:
    with pytest.raises(TypeError) as caught, convdocs.explaining():
        Config(1, 2)  # type: ignore[call-arg]
    assert not hasattr(caught.value, "__notes__")


def test_a_training_step_leaves_no_gradients_behind() -> None:
    layer = torch.nn.Linear(4, 3)

    def step() -> None:
        layer(torch.ones(2, 4)).sum().backward()
        layer(torch.ones(2, 4)).backward()

    found = convdocs.diagnose(step)
    assert found is not None
    assert found.code == "backward-of-many-values"
    assert "(2, 3), which is 6 numbers" in found.cause
    assert layer.weight.grad is None


class Reconstruction(torch.nn.Module):
    """A decoder that ends short of its images, which its loss finds out."""

    def __init__(self) -> None:
        super().__init__()
        self.down = torch.nn.Sequential(*(torch.nn.Conv2d(1, 1, 3, 2, 1) for _ in range(2)))
        self.up = torch.nn.Sequential(*(torch.nn.ConvTranspose2d(1, 1, 3, 2, 1) for _ in range(2)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.up(self.down(images)), images)


def test_a_diagnosis_repeats_no_warning() -> None:
    """Warnings are errors in these tests; torch warns of a loss before it refuses the sizes."""
    model, images = Reconstruction(), torch.zeros(2, 1, 28, 28)
    for found in (convdocs.diagnose(model, images), convdocs.diagnose(lambda: model(images))):
        assert found is not None
        assert found.error == "RuntimeError"
    with pytest.raises(UserWarning, match="target size"):
        model(images)


def test_a_decoder_that_ends_short_is_mended_in_every_layer_that_rounded() -> None:
    found = convdocs.diagnose(Reconstruction(), torch.zeros(2, 1, 28, 28))
    assert found is not None
    first = found.fixes[0]
    assert first.verified
    assert [line.partition(" = ")[0] for line in first.code.splitlines()] == [
        "model.up[0]", "model.up[1]",
    ]  # fmt: skip
    assert first.code.count("output_padding=1") == 2


def test_what_a_function_writes_into_stays_as_it_was() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, total = torch.ones(2, 3, 8, 8), torch.zeros(3)
    loss = model[0](x).sum()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def step(seen: torch.Tensor) -> None:
        seen.add_(1)
        total.index_add_(0, torch.tensor([0]), torch.ones(1))
        optimizer.zero_grad()
        model(x).mean().backward()
        optimizer.step()
        loss.backward()

    assert convdocs.diagnose(step, x) is None
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(x, torch.ones(2, 3, 8, 8))
    assert torch.equal(total, torch.zeros(3))
    assert all(parameter.grad is None for parameter in model.parameters())
    loss.backward()  # its graph was not used up


def test_trying_a_fix_loads_no_weights() -> None:
    model, other = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    state = {f"module.{name}": value for name, value in other.state_dict().items()}
    before = model.weight.detach().clone()
    with pytest.raises(RuntimeError) as caught, convdocs.explaining():
        model.load_state_dict(state)
    assert "saved-names" in caught.value.__notes__[0]
    assert torch.equal(model.weight, before)
    found = convdocs.diagnose(model.load_state_dict, state)
    assert found is not None
    assert found.fixes[0].verified
    assert torch.equal(model.weight, before)
