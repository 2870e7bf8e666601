"""Pack the layer explorer's script with short names: what `nox -s pack` runs, beside a minifier."""

import minify

from convdocs.explorer import bundle

text = bundle.source("explorer")
short = minify.string("application/javascript", text).removesuffix(";")
file = bundle.HERE / "packed" / "explorer.js"
file.parent.mkdir(exist_ok=True)
file.write_text(bundle.seal(text) + short, encoding="utf-8", newline="\n")
