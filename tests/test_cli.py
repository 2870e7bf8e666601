"""The command line: what it prints, where, with which exit status, and how it fails."""

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from completions import script

import convdocs
from convdocs import cli, parser
from convdocs.view import tables, terminal

NET = """
from torch import nn

print("said by the model's file")

class Net(nn.Sequential):
    def __init__(self, width, depth=1):
        super().__init__(nn.Conv2d(3, width, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, **more) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "convdocs", *args],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
        **more,
    )


def on_terminal(columns: int, *args: str, **env: str) -> str:
    """What the command writes to a terminal of so many columns."""
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env}
        for name in ("NO_COLOR", "COLUMNS"):
            environment.pop(name, None) if name not in env else None
        os.execve(sys.executable, [sys.executable, "-m", "convdocs", *args], environment)
    written = b""
    try:
        while chunk := os.read(master, 65536):
            written += chunk
    except OSError:  # the other end is closed
        pass
    os.waitpid(pid, 0)
    os.close(master)
    return written.decode().replace("\r\n", "\n")


TRACE = ("trace", "net.py:Net", "--kwargs", '{"width": 8}', "--input", "1,3,32,32")


def test_trace_prints_the_table_and_the_models_own_words_stay_apart(folder, capsys):
    assert cli.main(TRACE) == 0
    told = capsys.readouterr()
    assert "Conv2d(3, 8, 3)  (1, 8, 30, 30)" in told.out
    assert told.err == "said by the model's file\n"


@pytest.mark.parametrize("form", parser.FORMATS)
def test_trace_prints_each_format(folder, capsys, form):
    assert cli.main([*TRACE, "--format", form]) == 0
    out = capsys.readouterr().out
    start = {
        "text": "Layers of Net on an input of (1, ",
        "markdown": "Layers of Net on an input of (1, ",
        "json": "{\n",
        "html": '<div class="convdocs"',
    }
    assert out.startswith(start[form])
    if form == "json":
        assert convdocs.report.Trace.from_dict(json.loads(out)).model == "Net"


WRONG = (*TRACE[:-1], "1,32,32,3")


@pytest.mark.parametrize("command", ["trace", "diagnose"])
def test_a_model_that_fails_is_diagnosed_on_standard_output_with_status_1(folder, capsys, command):
    assert cli.main([command, *WRONG[1:]]) == 1
    told = capsys.readouterr()
    assert "Error: channels-mismatch in 0 (Conv2d(3, 8, 3))" in told.out
    assert "x = x.permute(0, 3, 1, 2)" in told.out
    assert ("✗ failed" in told.out) == (command == "trace")
    assert told.err == "said by the model's file\n"


@pytest.mark.parametrize("form", parser.FORMATS)
def test_a_diagnosis_comes_in_each_format(folder, capsys, form):
    assert cli.main(["diagnose", *WRONG[1:], "--format", form]) == 1
    out = capsys.readouterr().out
    assert "channels" in out
    if form == "json":
        found = json.loads(out)
        assert found["diagnosis"]["code"] == "channels-mismatch"
        assert found["diagnosis"]["fixes"][0]["verified"] is True
        assert found["failed"]["code"] == "Conv2d(3, 8, 3)"
        diagnosis = convdocs.report.Diagnosis.from_dict(found)
        assert diagnosis.trace == convdocs.report.Trace.from_dict(found)


def test_a_model_that_runs_has_nothing_to_diagnose(folder, capsys):
    assert cli.main(["diagnose", *TRACE[1:]]) == 0
    assert capsys.readouterr().out == "It runs: nothing to diagnose.\n"
    assert cli.main(["diagnose", *TRACE[1:], "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnosis"] is None


def test_layers_need_no_file(capsys):
    assert cli.main(["trace", "Sequential(Conv1d(10, 16, 3), ReLU())", "--input", "2,10,7"]) == 0
    assert "4,800" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["trace", "net.py:Net", "--set", "width=8"], "--input is needed: a shape, as 1,3,224,"),
        (["trace", "net.py"], "net.py holds Net: name one, as net.py:Net"),
        (["trace", "conv1d"], "as Conv1d(in_channels, out_channels, kernel_size)"),
        (["trace", "net.py:Net", "--input", "x"], "'x' is not understood: write whole numbers"),
        (["trace", "net.py:Net", "--input", "1"], 'Net needs width: give kwargs, as {"width": …}'),
        (["trace", "net.py:Nett", "--input", "1"], "net.py has no Nett; did you mean Net?"),
        (["trace", "nett.py:Net", "--input", "1"], "did you mean net.py?"),
        (["trace", "net.py", "--input", "1"], "net.py holds Net: name one, as net.py:Net"),
        (["trace", "conv1d", "--input", "1"], "as Conv1d(in_channels, out_channels, kernel_size)"),
        (["trace", "nonsense", "--input", "1"], "'nonsense' is no model: write module:name"),
        (["trace", "Bilinear(2, 3, 4)", "--input", "1,2"], "give --input again"),
        (["trace", "ReLU()", "--input", "1,2", "--input", "y=2"], "unexpected keyword argument"),
        (["trace", "ReLU()", "--input", "y=2"], "argument 'y'; it takes input"),
        (["trace", "ReLU()", "--input", "-1,2"], "'-1,2' has a negative number"),
        (["trace", "ReLU()", "--input", "9999999999,9999999999:int64"], "do not fit into memory; "),
        (["draw", "Conv2d(100000, 100000, 9)", "--size", "9x9"], "do not fit into memory; torch "),
        (["trace", f"Conv1d({10**21}, 1, 9)", "--input", "1"], "torch says: empty(): argument"),
        (["draw", "Conv1d(1, 1, 9, stride=2)", "--size", f"{10**21}"], "no tensor's size can be"),
        ([*TRACE, "--set", "width"], "'width' is no argument: write it as width=8"),
        ([*TRACE, "--set", "width=8", "--set", "width=9"], "width is given twice"),
        ([*TRACE, "--set", "width=8", "--kwargs", "{'width': 9}"], "width is given twice"),
        (["draw", "Conv1d(1, 1, 3)", "--size", "7", "--stride", "2"], "leave out --stride"),
        (["draw", "conv1d", "--size", "7", "--kernel", "3", "--dark", "-o", "a.png"], "--dark is"),
        (["solve", "--from", "7", "--to", "5", "--limit", "0"], "limit is at least 1 window"),
        (["trace", "Conv1(1)", "--input", "1"], "no layer called Conv1; did you mean Conv1d"),
        (["trace", "torchvizion.models:resnet18", "--input", "1"], "no module called torchvizion"),
        ([*TRACE, "--kwargs", "width=8"], "write them as {'width': 8}"),
        (["draw", "conv2d", "--size", "4x5"], "--kernel is needed: cells of Conv2d's window"),
        (["draw", "conv2", "--size", "4", "--kernel", "3"], "no layer called conv2; did you mean"),
        (
            ["draw", "conv1d", "--size", "4x4", "--kernel", "3"],
            "its size is 1 number, as 7, not 4x4",
        ),
        (
            ["draw", "conv1d", "--size", "4", "--kernel", "3", "-o", "a.jpg"],
            ".svg, .png or .pdf, not .jpg",
        ),
        (
            ["draw", "conv1d", "--size", "4", "--kernel", "3", "-o", "no/a.svg"],
            "no/a.svg: No such file",
        ),
        (
            ["draw", "maxpool1d", "--size", "4", "--kernel", "2", "--groups", "2"],
            "it takes no groups",
        ),
        (["draw", "conv1d", "--size", "4", "--kernel", "2", "--at", "0,9"], "(1, 3)"),
        (["solve", "--from", "0", "--to", "1"], "a size is at least 1 cell"),
        (["explore", "conv3d", "--size", "3x3x3", "--kernel", "2"], "Conv3d cannot be explored"),
    ],
)
def test_wrong_usage_is_one_line_on_standard_error_and_status_2(folder, capsys, args, says):
    assert cli.main(args) == 2
    told = capsys.readouterr()
    last = told.err.removeprefix("said by the model's file\n")
    assert says in last
    assert last.startswith("convdocs: error: ")
    assert last.count("\n") == 1
    assert told.out == ""


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["trce"], "there is no trce; did you mean trace?"),
        (["xyz"], "there is no xyz; there are trace, "),
        (["trace", "net.py:Net", "--inptu", "1"], "there is no --inptu; did you mean --input?"),
        (["trace", "net.py:Net", "--inptu=1"], "there is no --inptu=1; did you mean --input?"),
        ([*TRACE, "--format", "jsn"], "there is no jsn; did you mean json?"),
        (["solve", "--from", "x", "--to", "1"], "argument --from: invalid int value: 'x'"),
        (
            ["trace", "ReLU()", "--input", "1", "3"],
            "there is no 3: a value with spaces needs quotes",
        ),
        (["solve", "--from", "1"], "the following arguments are required: --to"),
    ],
)
def test_a_misspelt_command_or_option_is_told_the_right_one(capsys, args, says):
    with pytest.raises(SystemExit) as left:
        cli.main(args)
    assert left.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ["1,3,32,32"],
        ["1x3x32x32"],
        ["[1, 3, 32, 32]"],
        ["1 3 32 32"],
        ["torch.Size([1, 3, 32, 32])"],
        ["1,3,32,32:torch.float32"],
        ["input=1,3,32,32"],
        ["input:1,3,32,32:float32"],
    ],
)
def test_an_input_is_written_as_people_write_it(folder, capsys, given):
    assert cli.main(["trace", "net.py:Net", "--set", "width=8", "--input", *given]) == 0
    assert "(1, 8, 30, 30)" in capsys.readouterr().out


DICTS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, batch, scale=None):
        x = self.head(self.table(batch["ids"])) * batch["mask"]
        return x if scale is None else x * scale

class Leaves(nn.Module):
    def forward(self, x):
        raise SystemExit(3)

class Broken(nn.Module):
    def forward(self, x):
        raise KeyError("no such entry")
"""


def test_a_model_that_takes_a_dict_gets_one(tmp_path, monkeypatch, capsys):
    (tmp_path / "dicts.py").write_text(DICTS)
    monkeypatch.chdir(tmp_path)
    entries = ["--input", "batch.ids=2,5:int64", "--input", "batch.mask=2,5,1"]
    whole = ["--input", 'batch={"ids": "2,5:int64", "mask": [2, 5, 1]}', "--input", "scale=1"]
    for given in (entries, whole):
        assert cli.main(["trace", "dicts.py:Net", *given]) == 0
        assert "(2, 5, 2)" in capsys.readouterr().out
    assert cli.main(["trace", "dicts.py:Net", *entries, "--input", "batch.ids=1"]) == 2
    assert "batch.ids is given twice" in capsys.readouterr().err


def test_a_model_that_ends_the_program_is_reported(tmp_path, monkeypatch, capsys):
    (tmp_path / "dicts.py").write_text(DICTS)
    monkeypatch.chdir(tmp_path)
    for command in ("trace", "diagnose"):
        assert cli.main([command, "dicts.py:Leaves", "--input", "1"]) == 2
        assert "the model's code ended the program: SystemExit(3)" in capsys.readouterr().err


def test_a_file_that_reads_its_arguments_was_given_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["convdocs", "trace", "train.py:net"])
    reads = "parser.add_argument('--width', type=int, default=2)\nwidth = parser.parse_args().width"
    (tmp_path / "train.py").write_text(
        f"import argparse\nfrom torch import nn\nparser = argparse.ArgumentParser()\n{reads}\n"
        "net = nn.Conv1d(1, width, 3)\n"
    )
    assert cli.main(["trace", "train.py:net", "--input", "1,1,7"]) == 0
    assert "Conv1d(1, 2, 3)" in capsys.readouterr().out
    assert sys.argv[1:] == ["trace", "train.py:net"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("trace net.py:Net(8) --input 1,3,8,8", "write net.py:Net alone, and give its arguments"),
        ("trace net.py:Net --set width=8 --input 1,3,8,8 --depth -1", "whole number below 2^63"),
        ("memory net.py:Net --set width=8 --input 1,3,8,8 --batch -3", "below 2^63, not '-3'"),
        ("memory net.py:Net --set width=8 --input 1,3,8,8 --batch 0", "at least 1 sample, not 0"),
        (
            "memory net.py:Net --set width=8 --input 1,3,8,8 --dtype bfloat61",
            "did you mean bfloat16",
        ),
        (f"draw conv1d --size 7 --kernel 3 --seed {9**30}", "a whole number below 2^63, not"),
        ("draw conv1d --size 99999999 --kernel 3", "too large to draw"),
        ("draw conv1d --size 7 --kernel 3 --channels 3", "two numbers, as 3,2, not 3"),
        ("draw maxpool2d --size 4x4 --kernel 2 --channels 3,2", "leave out --channels"),
    ],
)
def test_a_number_or_a_name_that_cannot_be_is_told_with_status_2(folder, capsys, args, says):
    try:
        status = cli.main(args.split())
    except SystemExit as ended:  # the parser ends the program itself
        status = ended.code
    assert status == 2
    assert says in capsys.readouterr().err


def test_run_takes_a_script_after_two_dashes(folder):
    (folder / "script.py").write_text("import sys; print(sys.argv[1:])")
    assert run("run", "--", "script.py", "--help").stdout == "['--help']\n"


def test_a_file_in_a_package_is_imported_as_part_of_it(tmp_path, monkeypatch, capsys):
    models = tmp_path / "pkg" / "sub" / "models.py"
    models.parent.mkdir(parents=True)
    for folder in (models.parent, models.parent.parent):
        (folder / "__init__.py").write_text("")
    (tmp_path / "pkg" / "parts.py").write_text("WIDTH = 5\n")
    models.write_text(
        "from torch import nn\nfrom ..parts import WIDTH\nnet = nn.Conv1d(1, WIDTH, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["trace", "pkg/sub/models.py:net", "--input", "1,1,7"]) == 0
    assert "Conv1d(1, 5, 3)" in capsys.readouterr().out
    assert "pkg.sub.models" not in sys.modules


def test_a_size_that_torch_refuses_is_diagnosed_and_not_drawn(capsys):
    assert cli.main(["draw", "conv1d", "--size", "2", "--kernel", "3"]) == 1
    told = capsys.readouterr()
    assert "kernel-too-large" in told.out or "Error: " in told.out
    assert "<svg" not in told.out


def test_no_arguments_print_the_help(capsys):
    assert cli.main([]) == 0
    assert "usage: convdocs" in capsys.readouterr().out


INTERRUPT = """
import os, signal, sys, threading
from convdocs import cli
threading.Timer(float(sys.argv[1]), lambda: os.kill(os.getpid(), signal.SIGINT)).start()
sys.exit(cli.main(["trace", "slow.py:Net", "--input", "1"]))
"""


@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.8, 5.0])  # most of them while torch loads
def test_an_interrupt_is_one_line_and_status_130(tmp_path, seconds):
    (tmp_path / "slow.py").write_text(
        "import time, torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT, str(seconds)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "convdocs: interrupted\n")


def test_traceback_shows_where_an_error_came_from(folder, capsys):
    assert cli.main([*TRACE[:2], "--input", "1", "--traceback"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert cli.main([*TRACE[:2], "--input", "1"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_solve_lists_settings_or_says_why_there_are_none(capsys):
    assert cli.main(["solve", "--from", "224", "--to", "56", "--limit", "3"]) == 0
    assert "kernel_size=4, stride=4 " in capsys.readouterr().out
    assert cli.main(["solve", "--from", "7", "--to", "5", "--kernel", "3", "--limit", "1"]) == 0
    assert "kernel_size=3  ⌊(7 + 0 + 0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 5" in capsys.readouterr().out
    assert cli.main(["solve", "--from", "7", "--to", "9", "--kernel", "3", "--padding", "0"]) == 1
    assert "no window with kernel=3" in capsys.readouterr().out


def test_draw_writes_each_kind_of_file(folder, capsys):
    layer = ("draw", "conv2d", "--size", "4x5", "--kernel", "3", "--padding", "1")
    for file, start in (("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        assert cli.main([*layer, "-o", file]) == 0
        assert (folder / file).read_bytes().startswith(start)
    assert cli.main([*layer, "-o", "dark.svg", "--dark"]) == 0
    assert (folder / "dark.svg").read_bytes() != (folder / "a.svg").read_bytes()
    assert capsys.readouterr().out == ""
    assert cli.main(layer) == 0
    assert capsys.readouterr().out.strip() == (folder / "a.svg").read_text(encoding="utf-8").strip()


def test_options_and_layer_text_describe_the_same_layer(capsys):
    args = ("--size", "6x6", "--values", "random", "--seed", "3", "--at", "0,1,1")
    text = "ConvTranspose2d(2, 2, (3, 2), stride=2, padding=1, output_padding=1, groups=2)"
    cli.main(["draw", text, *args])
    one = capsys.readouterr().out
    options = "--channels 2,2 --kernel 3x2 --stride 2 --padding 1 --output-padding 1 --groups 2"
    cli.main(["draw", "convtranspose2d", *args, *options.split()])
    assert capsys.readouterr().out == one
    same = ("--size", "5", "--kernel", "3", "--padding", "same", "--padding-mode", "reflect")
    assert cli.main(["draw", "conv1d", *same]) == 0
    assert cli.main(["draw", "avgpool1d", "--size", "5", "--kernel", "2", "--ceil-mode"]) == 0


def test_explore_writes_a_page_that_needs_no_other_file(folder, capsys):
    assert cli.main(["explore", "conv1d", "--size", "7", "--kernel", "3", "-o", "e.html"]) == 0
    page = (folder / "e.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>Conv1d(1, 1, 3)</title>" in page
    assert 'src="' not in page
    assert "<link" not in page


def test_version_and_help_load_no_torch():
    script = (
        "import sys; from convdocs import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "except SystemExit as left: assert left.code in (0, 2)\n"
        "assert not {'torch', 'matplotlib', 'numpy'} & set(sys.modules)"
    )
    for args in (["--version"], ["--help"], ["trace", "--help"], ["trce"], ["completion", "bash"]):
        subprocess.run([sys.executable, "-c", script, *args], check=True, capture_output=True)


def test_help_has_examples_that_parse():
    for name, command in parser.get_parser().commands.items():
        assert f"\n  convdocs {name} " in command.epilog or "convdocs completion" in command.epilog


def test_a_pipe_closed_early_is_no_error(tmp_path):
    layers = ", ".join(["Conv1d(1, 1, 1)"] * 3000)
    (tmp_path / "many.py").write_text(
        f"from torch import nn\nfrom torch.nn import Conv1d\nnet = nn.Sequential({layers})\n"
    )
    command = f"{sys.executable} -m convdocs trace many.py:net --input 1,1,4"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout == "Layers of Sequential on an input of (1, 1, 4)\n0\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("closed", "args", "status", "says"),
    [
        (">&-", ["trace", "ReLU()", "--input", "1"], 2, "standard output is closed\n"),
        (">&-", ["errors"], 2, "standard output is closed\n"),
        (">&-", ["draw", "conv1d", "--kernel", "3", "--size", "7", "-o", "a.svg"], 0, ""),
        (">/dev/full", ["errors"], 2, "No space left on device\n"),
        ("2>&-", ["trace", "x", "--input", "1"], 2, ""),
    ],
)
def test_a_stream_that_is_closed_or_full_is_one_line(tmp_path, closed, args, status, says):
    done = subprocess.run(
        ["bash", "-c", f'"$@" {closed}', "bash", sys.executable, "-m", "convdocs", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == status
    assert done.stderr == (f"convdocs: error: {says}" if says else "")
    assert done.stdout == ""


def test_a_terminal_gets_its_width_and_colour_and_a_pipe_neither(folder):
    wide = on_terminal(160, *TRACE)
    assert "\x1b[1mLayers of Net on an input of (1, 3, 32, 32)\x1b[0m" in wide
    assert "  Conv2d(3, 8, 3)  (1, 8, 30, 30)" in wide
    narrow = on_terminal(44, *TRACE, NO_COLOR="1")
    assert "\x1b" not in narrow
    assert max(len(line) for line in narrow.split("\n")) <= 44
    assert "(1, 8, 30," in narrow
    piped = run(*TRACE)
    assert piped.returncode == 0
    assert "\x1b" not in piped.stdout
    assert "  Conv2d(3, 8, 3)  (1, 8, 30, 30)" in piped.stdout


def test_a_table_too_wide_has_its_code_cut_but_never_its_shapes():
    columns = (tables.Column("layer", code=True, least=12), tables.Column("shape", code=True))
    table = tables.Table(columns, (("Conv2d(3, 8, 3, bias=False)", "(1, 8, 30, 30)"),), "A net")
    lines = terminal.to_text([table], 30).split("\n")
    assert lines[-1] == "Conv2d(3,…lse)  (1, 8, 30, 30)"
    assert terminal.to_text([table], 20).split("\n")[1:] == [
        "layer Conv2d(3, 8,",
        "  3, bias=False),",
        "  shape (1, 8, 30,",
        "  30)",
    ]
    assert "bias=False)  (1, 8" in terminal.to_text([table])


def test_control_characters_of_a_model_do_not_reach_the_terminal():
    columns = (tables.Column("path"),)
    table = tables.Table(columns, (("\x1b[31mred\x07",),), "\x1b]0;title\x07")
    for width in (None, 80, 3):
        assert "\x1b" not in terminal.to_text([table, tables.Paragraph("\x1b[2J")], width)


COMPLETE = """
eval "$({python} -m convdocs completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1))
_shtab_convdocs
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        ("convdocs tr", "trace"),
        ("convdocs --v", "--version"),
        ("convdocs trace --fo", "--format"),
        ("convdocs trace net.py:Net --format m", "markdown"),
        ("convdocs draw conv2d --padding-mode c", "circular"),
        ("convdocs explore conv2d --values c", "counting"),
        ("convdocs completion f", "fish"),
        ("convdocs trace ne", "net.py"),
    ],
)
def test_bash_completes_commands_options_values_and_files(folder, words, offers):
    lines = COMPLETE.format(python=sys.executable, words=words)
    done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (offers, "")


@pytest.mark.parametrize("shell", parser.SHELLS)
def test_the_completion_scripts_are_those_of_the_parser(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    assert capsys.readouterr().out == script(shell) + "\n", "run python tests/completions.py"


def test_zsh_reads_its_script_as_a_function_that_it_loads(tmp_path):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    (tmp_path / "_convdocs").write_text(script("zsh"), encoding="utf-8")
    load = (
        "autoload -Uz compinit && compinit -u && autoload +X _convdocs && print $_comps[convdocs]"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", f"fpath=({tmp_path} $fpath); {load}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ZDOTDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "_convdocs\n", "")


def test_fish_completes_by_its_script():
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    asked = script("fish") + "\ncomplete -C 'convdocs memory --optimizer '"
    done = subprocess.run(["fish", "-c", asked], capture_output=True, text=True, check=False)
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == {
        "adam",
        "adamw",
        "sgd",
        "none",
    }


def test_the_reference_page_shows_every_command_with_its_examples():
    page = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
    text = page.read_text(encoding="utf-8")
    commands = parser.get_parser().commands
    assert sorted(re.findall(r":path: (\w+)", text)) == sorted(commands)
    for name, command in commands.items():
        examples = [line.strip() for line in str(command.epilog).splitlines()[1:]]
        assert f"## {name}\n\n```console\n" + "\n".join(examples) + "\n```\n" in text
