"""The recipes of CONTRIBUTING.md name files that are there; pre-commit and lint are one."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = ["A page in the gallery", "A page in Markdown", "A layer", "An error", "A directive"]
FOLDERS = "convdocs|docs|gallery|tests"
WRITTEN = re.compile(rf"`((?:{FOLDERS})/[^` ]*|\w+\.(?:toml|py|txt|md))`|\]\(([\w./]+)\)")


def recipe(title: str) -> str:
    return re.split(r"(?m)^## ", TEXT.split(f"\n## {title}\n")[1])[0]


def paths(text: str) -> list[str]:
    return [code or link for code, link in WRITTEN.findall(text)]


@pytest.mark.parametrize("path", sorted(set(paths(TEXT))))
def test_every_path_is_there(path):
    """A part in angle brackets stands for any name."""
    assert list(ROOT.glob(re.sub(r"<\w+>", "*", path)))


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_names_its_steps_and_the_files_to_touch(title):
    assert re.findall(r"(?m)^(\d)\.", recipe(title))[:2] == ["1", "2"]
    assert paths(recipe(title))


def test_the_recipes_fit_a_page():
    assert len(TEXT.split("\n")) < 80


def test_names_in_the_recipes_are_still_in_the_files():
    for name, file in (("FAMILIES", "convdocs/layers.py"), ("PAGES", "docs/_ext/reading_order.py")):
        assert re.search(rf"(?m)^{name}\b", (ROOT / file).read_text(encoding="utf-8"))


def test_pre_commit_runs_what_lint_runs():
    """The session itself, and nothing beside it."""
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repo in settings["repos"] for hook in repo["hooks"]]
    assert [(hook["entry"], hook["pass_filenames"]) for hook in hooks] == [("nox -s lint", False)]
    assert re.search(r"(?m)^def lint\(", (ROOT / "noxfile.py").read_text(encoding="utf-8"))


def test_links_to_other_sites_are_tried_on_a_schedule_and_block_nothing():
    workflow = yaml.safe_load((ROOT / ".github/workflows/links.yml").read_text(encoding="utf-8"))
    assert workflow[True].keys() == {"schedule", "workflow_dispatch"}  # YAML reads "on" as true
    (sessions,) = re.findall(
        r"nox.options.sessions = \[(.*)\]", (ROOT / "noxfile.py").read_text(encoding="utf-8")
    )
    assert "links" not in sessions
    for other in ("check", "publish"):
        text = (ROOT / ".github" / "workflows" / f"{other}.yml").read_text(encoding="utf-8")
        assert not re.search(r"nox -s.*\blinks\b", text)
