"""What a page begins with: its description for search engines, cards and llms.txt."""

import re

from docutils import nodes

LONGEST = 200  # characters
PLACES = (nodes.section, nodes.container)  # where a page's first paragraph stands


def description(page: nodes.document) -> str:
    """The sentences a page begins with, as many as are short enough."""
    told = (one for one in page.findall(nodes.paragraph) if isinstance(one.parent, PLACES))
    text = " ".join(next(told, nodes.Text("")).astext().split())
    short = re.match(rf".{{1,{LONGEST}}}[.?!](?= |$)", text)
    return short[0] if short else text
