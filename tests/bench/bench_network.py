"""How fast the network explorer answers in Chromium, and what a thousand inputs leave.

Prints the figures; fails where one is over its bound: 25 kB of script, gzipped; 33 ms from a new
input of the digits network to its repaint (median); nothing left by 1,000 inputs.
"""

import gzip
import sys
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from conftest import launch

import convdocs
from convdocs.explorer import bundle
from convdocs.explorer.network import NetworkExplorer

SCRIPT, REPAINT = 25_000, 33.0
NET = "document.querySelector('[data-convdocs=network]').network"
INPUTS = f"""async count => {{
  const net = {NET}, size = net.values(-1).length, times = [];
  for (let i = 0; i < count; i++) {{
    const x = Float32Array.from({{length: size}}, () => Math.random());
    const start = performance.now();
    net.setInput(x);
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
    if (i % 20 === 0) await new Promise(requestAnimationFrame);
  }}
  return times.sort((a, b) => a - b);
}}"""
PAINTED = f"""async () => {{
  const net = {NET}, size = net.values(-1).length, times = [];
  for (let i = 0; i < 60; i++) {{
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    net.setInput(Float32Array.from({{length: size}}, () => Math.random()));
    await new Promise(done => {{ const c = new MessageChannel(); c.port1.onmessage = done;
      requestAnimationFrame(() => c.port2.postMessage(0)); }});
    times.push(performance.now() - start);
  }}
  return times.sort((a, b) => a - b);
}}"""


def explorer() -> NetworkExplorer:
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    found = convdocs.explore(net, torch.rand(10, 1, 8, 8), classes=list("0123456789"), blocks=4)
    assert isinstance(found, NetworkExplorer)
    return found


def held(page: Page) -> dict[str, float]:
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    client.send("HeapProfiler.collectGarbage")
    metrics = client.send("Performance.getMetrics")["metrics"]
    client.detach()
    names = ("Nodes", "JSEventListeners", "JSHeapUsedSize")
    return {one["name"]: one["value"] for one in metrics if one["name"] in names}


def main() -> int:
    over = []
    size = len(gzip.compress(bundle.script("network").encode(), mtime=0))
    print(f"{'script, gzipped':<40}{size:8,} bytes")
    if size > SCRIPT:
        over.append("the script")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_content(explorer()._repr_html_())
        times = page.evaluate(INPUTS, 200)
        print(f"{'a new input, script and layout':<40}{times[100]:8.2f} ms (median)")
        painted = page.evaluate(PAINTED)
        print(f"{'a new input, to the painted frame':<40}{painted[30]:8.2f} ms (median)")
        if times[100] > REPAINT or painted[30] > REPAINT:
            over.append("a new input")
        before = held(page)
        page.evaluate(INPUTS, 1000)
        after = held(page)
        for name, value in before.items():
            print(f"{f'1,000 inputs: {name}':<40}{value:12,.0f} -> {after[name]:,.0f}")
        if after["Nodes"] > 1.1 * before["Nodes"]:
            over.append("nodes")
        if after["JSEventListeners"] > before["JSEventListeners"]:
            over.append("listeners")
        if after["JSHeapUsedSize"] > before["JSHeapUsedSize"] + 1e6:
            over.append("memory")
        browser.close()
    for name in over:
        print(f"over its bound: {name}", file=sys.stderr)
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
