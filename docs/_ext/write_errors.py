"""Write the pages of ``docs/errors`` from the catalogue: ``python write_errors.py FOLDER``."""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch
from error_runs import FixRun, run_call, run_fix, run_mended

from convdocs.errors.catalogue import Entry, Family, elsewhere, families
from convdocs.errors.examples import matching, run_example
from convdocs.report import Diagnosis
from convdocs.view.markdown import escape_markdown, markdown_code

run_of = cache(run_example)
LIKE = 2  # messages of each entry that a pasted one is compared with at least
LINE = 26  # of a message that the index shows; the rest is on the entry's page
SEEN_AT_ONCE = 4  # other messages; more than these are folded away

INDEX = """\
---
hide-toc: true
---

# Error messages in plain words

When a layer, a loss or an optimiser refuses what it was given, torch says what it checked. These
pages say what that means, with the numbers of a small example, and what to write instead. All code
in a block here has been run, and what it gave stands below it.

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
    index, known = INDEX, {}
    for family in families():
        messages = {entry: messages_of(entry) for entry in family.entries}
        write(folder / f"{family.name}.md", family_page(family, messages))
        index += index_table(family, messages)
        known[family.name] = [searched(entry, said) for entry, said in messages.items()]
    contents = "\n".join(family.name for family in families())
    write(folder / "index.md", f"{index}```{{toctree}}\n:hidden:\n\n{contents}\n```\n")
    others = [[other["pattern"], other["words"], f"{other['page']}.html"] for other in elsewhere()]
    search = {"pages": known, "elsewhere": others}
    write(folder / "messages.json", json.dumps(search, ensure_ascii=False, separators=(",", ":")))


def write(path: Path, text: str) -> None:
    """Write the text if the file does not hold it already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def messages_of(entry: Entry) -> dict[str, str]:
    """All words for an error, those of its example first, each with the call that raises them."""
    messages = {str(run_of(entry)[0]): entry.example}
    for call in entry.calls:
        error, found = run_call(call)
        check(entry, found, call)
        messages.setdefault(str(error).split("\n")[0], call)
    return messages | dict.fromkeys(entry.other_devices, "")


def check(entry: Entry, found: Diagnosis, call: str) -> None:
    if found.code != entry.code:
        raise AssertionError(f"{call} is diagnosed as {found.code}, not {entry.code}")


def searched(entry: Entry, messages: dict[str, str]) -> list[Any]:
    """What the search compares a message with: patterns, and the words of those that are known.

    Patterns are JavaScript's; numbers don't count as words.
    """
    patterns = [in_javascript(pattern) for pattern in entry.patterns]
    # a message that its pattern tells apart, whatever its numbers, needs no words
    others = {said: re.sub(r"(?<![\w.])\d+(?![\w.])", "1012", said) for said in messages}
    told = [said for said in messages if matching(others[said]) != [entry]]
    told += list(messages)[:LIKE]
    words = [re.findall(r"[a-z_']{2,}", said.split("\n")[0].lower()) for said in told]
    distinct = {frozenset(one): " ".join(dict.fromkeys(one)) for one in words}
    return [entry.code, entry.title, patterns, [*distinct.values()]]


def in_javascript(pattern: str) -> str:
    """A pattern without the names of its groups, but for those that it comes back to."""
    again = set(re.findall(r"\(\?P=(\w+)\)", pattern))
    for name in again:
        pattern = pattern.replace(f"(?P<{name}>", f"(?<{name}>").replace(
            f"(?P={name})", rf"\k<{name}>"
        )
    return re.sub(r"\(\?P<\w+>", "(", pattern)


def family_page(family: Family, messages: dict[Entry, dict[str, str]]) -> str:
    """A page with all of its entries."""
    sections = (entry_section(entry, messages[entry]) for entry in family.entries)
    return f"# {family.title}\n\n{family.intro}\n\n{''.join(sections)}"


def entry_section(entry: Entry, messages: dict[str, str]) -> str:
    """The entry's part of a page."""
    error, found = run_of(entry)
    check(entry, found, entry.example)
    lines = [
        f"({entry.code})=\n## {escape_markdown(entry.title)}\n",
        f"{{.error-code}}\n{markdown_code(entry.code)}\n",
        block("text", f"{type(error).__name__}: {error}", "torch-says"),
        f"{escape_markdown(found.cause)}\n",
        block("python", entry.example, "failing"),
        *(fix_section(run_fix(entry, fix)) for fix in found.fixes),
        *([fix_section(run_mended(entry))] if entry.mended else []),
        *others_section(list(messages.items())[1:]),
    ]
    return "\n".join(lines) + "\n"


def block(language: str, code: str, kind: str) -> str:
    """A code block with a class to style it by."""
    return f"```{{code-block}} {language}\n:class: {kind}\n\n{code}\n```\n"


def fix_section(fix: FixRun) -> str:
    """What to do, the code, and what it gave."""
    if not fix.shown:  # advice, which no line of code can give
        return f"{{.fix}}\n{escape_markdown(fix.text)} {advice(fix.code.removeprefix('# '))}\n"
    tried, shown = block("python", fix.code, "fixed"), block("text", fix.shown, "output")
    return f"{{.fix}}\n{escape_markdown(fix.text)}\n\n{tried}\n{shown}"


def advice(note: str) -> str:
    """A line of code as code; what is said in words, such as where to look, as a sentence."""
    try:
        ast.parse(note)
    except SyntaxError:
        return f"{escape_markdown(note[0].upper() + note[1:])}."
    return markdown_code(note)


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


def index_table(family: Family, messages: dict[Entry, dict[str, str]]) -> str:
    """The family's entries as a table with links, one row each, by what the reader did.

    The messages are plain text in their column: a code span would be marked up word by word.
    """
    lines = [
        f"### {family.mistake}\n",
        "{.messages}",
        "| what it is | torch says |",
        "| :--- | :--- |",
    ]
    for entry, said in messages.items():
        title = escape_markdown(entry.title)
        words = next(iter(said)).split("\n")[0]
        first = escape_markdown(f"{words[:LINE].rstrip()}…" if len(words) > LINE else words)
        lines.append(f"| [{title}](#{entry.code}) | {first} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
