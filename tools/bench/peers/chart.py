"""Draws the results as SVG: a panel for each workload, a bar for each client, CPU per call on a linear scale."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from html import escape
from typing import Any

from .measuring import Results
from .registry import CLIENTS, OURS, WORKLOADS
from .verdict import ratio, shown_ratio

__all__ = ["as_svg"]

_COLUMNS = 2
_PANEL_WIDTH, _LABEL_WIDTH, _BAR_WIDTH = 500, 190, 195
_ROW, _BAR, _TITLE, _MARGIN = 19, 13, 30, 20
_HEAD = 62

#: Ours, other objects, dicts and attribute values, the floor.
_COLORS = {"ours": "#1a7f5a", "objects": "#7a869a", "dicts": "#b9c1cd", "floor": "#dfe3e8"}
_LEGEND = {
    "ours": "dynamo_objects: records",
    "objects": "other objects",
    "dicts": "dicts",
    "floor": "bytes over a socket",
}


def as_svg(results: Results, facts: dict[str, Any]) -> str:
    """Return the chart."""
    names = list(results.versions)
    workloads = [workload for workload in WORKLOADS if workload in results.samples]
    rows = -(-len(workloads) // _COLUMNS)
    panel_height = _TITLE + _ROW * len(names) + _MARGIN
    width, height = _MARGIN * 2 + _PANEL_WIDTH * _COLUMNS, _HEAD + rows * panel_height + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#1f2328">',
        "<title>CPU per call of clients of DynamoDB for Python</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_header(facts),
    ]
    for place, workload in enumerate(workloads):
        left = _MARGIN + place % _COLUMNS * _PANEL_WIDTH
        top = _HEAD + place // _COLUMNS * panel_height
        lines += _panel(results, workload, names, left, top)
    return "\n".join([*lines, "</svg>", ""])


def _header(facts: dict[str, Any]) -> Iterator[str]:
    title = "CPU of the client per call, µs: shorter is better; in brackets, how many times ours"
    yield _text(_MARGIN, 26, title, 'font-size="15" font-weight="bold"')
    left = _MARGIN
    for kind, label in _LEGEND.items():
        yield f'<rect x="{left}" y="38" width="11" height="11" fill="{_COLORS[kind]}"/>'
        yield _text(left + 16, 48, label)
        left += 34 + 7 * len(label)
    yield _text(
        left, 48, f"Python {facts['python']}, loopback{', TLS' if facts['tls'] else ''}", 'fill="#59636e"'
    )


def _panel(results: Results, workload: str, names: list[str], left: int, top: int) -> Iterator[str]:
    base = results.base()
    values = {
        name: statistics.median(sample.cpu for sample in results.samples[workload][name]) * 1e6
        for name in names
    }
    longest = max(values.values())
    yield _text(left, top + 18, WORKLOADS[workload].title, 'font-size="14" font-weight="bold"')
    for row, name in enumerate(sorted(names, key=lambda name: values[name])):
        y = top + _TITLE + row * _ROW
        length = max(1.0, values[name] / longest * _BAR_WIDTH)
        weight = ' font-weight="bold"' if name in OURS else ""
        yield _text(left + _LABEL_WIDTH - 6, y + 10, CLIENTS[name].label, f'text-anchor="end"{weight}')
        yield (
            f'<rect x="{left + _LABEL_WIDTH}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{_COLORS[_kind(name)]}"/>'
        )
        times = None if base in (None, name) else ratio(results, workload, name, str(base))
        shown = f"{values[name]:,.0f}" + ("" if times is None else f" ({shown_ratio(times)}x)")
        yield _text(left + _LABEL_WIDTH + length + 5, y + 10, shown, weight.strip())


def _kind(name: str) -> str:
    if name in OURS:
        return "ours"
    gives = CLIENTS[name].gives
    return "floor" if gives == "bytes" else "objects" if gives.startswith("models") else "dicts"


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" {more}>{escape(text)}</text>'
