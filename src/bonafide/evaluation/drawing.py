"""Matplotlib figures as SVG that belongs to its page: the page's font, its light and dark colours.

Matplotlib writes fixed colours. Here it is given marker colours, one for each role, which are then
replaced by the page's CSS variables, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, LIVE, ALARM = "#010101", "#010102", "#010103", "#010104", "#010105"
SPECIES = tuple(f"#0102{number:02x}" for number in range(1, 9))
DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    LIVE: "--live",
    ALARM: "--alarm",
    **{marker: f"--species-{number}" for number, marker in enumerate(SPECIES, start=1)},
}
WIDTH_IN = 4.4
FONT_PX = 8.5


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: a name, the CSS variable of its colour, and its dash number."""

    name: str
    variable: str
    dash: int = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure for the page.

    Attributes:
        svg: an <svg> element.
        keys: the legend, set in HTML so that it wraps on a narrow screen.
        description: what it shows, for those who cannot see it.
    """

    svg: str
    keys: tuple[Key, ...]
    description: str


def species_style(number: int) -> tuple[str, int]:
    """Marker colour and dash number of the species at a position; neither repeats together."""
    return SPECIES[number % len(SPECIES)], (number // len(SPECIES)) % len(DASHES)


def label(text: str, most: int = 26) -> str:
    """A name as a tick label: not too long, and its dollar signs are no formulas."""
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return short.replace("$", r"\$")


def new_axes(height_in: float = 3.3) -> tuple[Figure, Axes]:
    """An empty figure with one plain axes, `WIDTH_IN` wide."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(colors=MUTED, labelsize=FONT_PX, length=2.5, width=0.6)
    axes.xaxis.label.set(color=INK, fontsize=FONT_PX)
    axes.yaxis.label.set(color=INK, fontsize=FONT_PX)
    for side, spine in axes.spines.items():
        spine.set(color=MUTED, linewidth=0.6, visible=side in ("left", "bottom"))
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def finish(figure: Figure, name: str, keys: tuple[Key, ...], description: str) -> Drawing:
    """Write the figure as SVG with ids that start with ``name``, and colours as variables."""
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # the page's font draws the text; matplotlib's own only measures it
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="', f' id="{name}-', text)
    text = re.sub(r'xlink:href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r"font-family: [^;\"]*(?:\"[^\"]*)?;", "", text)
    for marker, variable in VARIABLES.items():
        text = text.replace(marker, f"var({variable})")
    text = re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', text, count=1
    )
    return Drawing(re.sub(r"\s*\n\s*", "\n", text), keys, description)
