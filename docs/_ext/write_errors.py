"""Write the pages of ``docs/errors`` from the catalogue: ``python write_errors.py FOLDER``."""

from __future__ import annotations

import json
import re
import sys
import warnings
from pathlib import Path

import torch
from error_runs import FixRun, run_call, run_fix

from convdocs.errors.catalogue import elsewhere, families
from convdocs.errors.entry import Entry, Family
from convdocs.errors.examples import run_example
from convdocs.view.markdown import escape_markdown, markdown_code

MESSAGES = "messages.json"
SEEN_AT_ONCE = 4  # other messages; more than these are folded away

INDEX = """\
---
hide-toc: true
---

# Error messages in plain words

When a layer refuses its input, torch says what it checked. These {count} pages say what that
means, with the numbers of a small example, and what to write instead. Each fix here has been run.

Ask about your own model in the same way; the answer names the failing layer:

```python
import convdocs

convdocs.diagnose(model, x)
```

It is `None` when the model runs. Or let torch's own error come, with the answer below it:

```python
with convdocs.explaining():
    model(x)
```

## Find your message

<div class="error-search"></div>

"""


def main(folder: Path) -> None:
    """Write every page, leaving alone those that are right already."""
    torch.set_num_threads(1)
    # an example that fails may warn before it does; its page shows the error
    warnings.simplefilter("ignore")
    folder.mkdir(exist_ok=True)
    pages = {"index": INDEX.format(count=len(families()))}
    contents = "\n".join(family.name for family in families())
    messages = []
    for family in families():
        pages[family.name], rows = family_page(family)
        pages["index"] += index_table(family, {entry: said for said, entry in rows[::-1]})
        messages += [known(message, entry) for message, entry in rows]
    pages["index"] += f"```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    for name, text in pages.items():
        write(folder / f"{name}.md", text)
    patterns = [[place_of(one), javascript(one)] for family in families() for one in family.entries]
    others = [
        [bare(other["pattern"])[0], other["words"], f"{other['page']}.html"]
        for other in elsewhere()
    ]
    known_here = {"messages": messages, "patterns": patterns, "elsewhere": others}
    write(folder / MESSAGES, json.dumps(known_here, indent=0))


def known(message: str, entry: Entry) -> list[str]:
    """A message, where it is explained, and what it is: for the search page."""
    return [message.split("\n")[0], place_of(entry), entry.title]


def place_of(entry: Entry) -> str:
    """Where an entry stands on the site."""
    return entry.place


def javascript(entry: Entry) -> list[list[str]]:
    """The entry's patterns as the browser reads them: each with its flags."""
    return [bare(pattern) for pattern in entry.patterns]


def bare(pattern: str) -> list[str]:
    """A pattern without its groups' names, and its flags apart."""
    flags = "".join(re.findall(r"^\(\?(\w+)\)", pattern))
    return [re.sub(r"^\(\?\w+\)", "", pattern).replace("(?P<", "(?<"), f"m{flags}"]


def write(path: Path, text: str) -> None:
    """Write the text if the file does not hold it already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def family_page(family: Family) -> tuple[str, list[tuple[str, Entry]]]:
    """A page, and its messages with the entry of each."""
    text = f"# {family.title}\n\n{family.intro}\n\n"
    rows = []
    for entry in family.entries:
        section, messages = entry_section(entry)
        text += section
        rows += [(message, entry) for message in messages]
    return text, rows


def entry_section(entry: Entry) -> tuple[str, list[str]]:
    """The entry's part of a page, and all messages in it."""
    error, found = run_example(entry)
    if found.code != entry.code:
        raise AssertionError(f"the example of {entry.code} is diagnosed as {found.code}")
    others = other_messages(entry, str(error))
    lines = [
        f"({entry.code})=\n## {entry.title}\n",
        f"{{.error-code}}\n{markdown_code(entry.code)}\n",
        block("text", f"{type(error).__name__}: {error}", "torch-says"),
        f"{escape_markdown(found.cause)}\n",
        block("python", entry.example, "failing"),
        *(fix_section(run_fix(entry, fix)) for fix in found.fixes),
        *others_section(others),
    ]
    return "\n".join(lines) + "\n", [str(error), *(message for message, _ in others)]


def block(language: str, code: str, kind: str) -> str:
    """A code block with a class to style it by."""
    return f"```{{code-block}} {language}\n:class: {kind}\n\n{code}\n```\n"


def fix_section(fix: FixRun) -> str:
    """What to do, the code, and what it gave."""
    if not fix.shown:  # advice, which no line of code can give
        return f"{{.fix}}\n{escape_markdown(fix.text)}\n"
    tried, shown = block("python", fix.code, "fixed"), block("text", fix.shown, "output")
    return f"{{.fix}}\n{escape_markdown(fix.text)}\n\n{tried}\n{shown}"


def other_messages(entry: Entry, first: str) -> list[tuple[str, str]]:
    """Other words for the same error, each with the call that raises them."""
    found: dict[str, str] = {}
    for call in entry.calls:
        error, diagnosis = run_call(call)
        if diagnosis.code != entry.code:
            raise AssertionError(f"{call} is diagnosed as {diagnosis.code}, not {entry.code}")
        if str(error) != first:
            found.setdefault(str(error).split("\n")[0], call)
    for message in entry.other_devices:
        found[message] = ""
    return list(found.items())


def others_section(others: list[tuple[str, str]]) -> list[str]:
    """The other words as a list, folded where it is long."""
    if not others:
        return []
    items = []
    for message, call in others:
        where = f"\\\n  from {markdown_code(call)}" if call else "\\\n  on other devices"
        items.append(f"- {markdown_code(message)}{where}")
    listed = "{.other-words}\n" + "\n".join(items) + "\n"
    if len(others) <= SEEN_AT_ONCE:
        return [f"{{.others}}\nOther words for it:\n\n{listed}"]
    summary = f"<summary>{len(others)} other words for it</summary>"
    return [f'<details class="others">{summary}\n\n{listed}\n</details>\n']


def index_table(family: Family, said: dict[Entry, str]) -> str:
    """The family's entries as a table with links, one row each, by what the reader did."""
    lines = [
        f"### {family.mistake}\n",
        "{.messages}",
        "| what it is | torch says |",
        "| :--- | :--- |",
    ]
    for entry in family.entries:
        title, first = escape_markdown(entry.title), said[entry].split("\n")[0]
        lines.append(f"| [{title}](#{entry.code}) | {markdown_code(first)} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
