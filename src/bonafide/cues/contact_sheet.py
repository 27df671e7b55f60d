"""Pictures to choose alpha by: frames and x-t slices side by side, with titles and a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bonafide.cues.x_t_slice import Line, XtSlice
from bonafide.types import RgbImage

_MARGIN_PX = 12
_TEXT_PX = 15
_PAPER, _INK, _MARK = (255, 255, 255), (30, 30, 30), (230, 30, 60)
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)


@dataclass(frozen=True, slots=True)
class Column:
    """One setting on the sheet.

    Attributes:
        title: such as "alpha 10".
        frame: (H, W, 3) uint8, or None for slices alone.
        slice: the x-t slice of the same clip.
    """

    title: str
    frame: RgbImage | None
    slice: XtSlice


def contact_sheet(columns: Sequence[Column], width_px: int = 320) -> RgbImage:
    """Draw settings beside each other: title, frame with the sliced line marked, slice, time axis.

    Args:
        columns: at least one.
        width_px: of each column's pictures; frames keep their proportions, and slices are
            stretched in time to this width and keep the frames' scale along the line.

    Returns:
        (H, W, 3), uint8 RGB.
    """
    panels = [_panel(column, width_px) for column in columns]
    height = max(panel.height for panel in panels)
    sheet = Image.new("RGB", (len(panels) * (width_px + _MARGIN_PX) + _MARGIN_PX, height), _PAPER)
    for place, panel in enumerate(panels):
        sheet.paste(panel, (_MARGIN_PX + place * (width_px + _MARGIN_PX), 0))
    return np.asarray(sheet)


def _panel(column: Column, width_px: int) -> Image.Image:
    pictures = []
    line_px = column.slice.picture().shape[0]
    scale = min(1.0, 480 / line_px)
    if column.frame is not None:
        scale = width_px / column.frame.shape[1]
        pictures.append(_marked(column.frame, column.slice.line, scale))
    slice_size = (width_px, max(1, round(line_px * scale)))
    wave = Image.fromarray(column.slice.picture())
    pictures.append(wave.resize(slice_size, Image.Resampling.BILINEAR))
    top = _MARGIN_PX + _TEXT_PX + 6
    height = top + sum(picture.height + 6 for picture in pictures) + _TEXT_PX + _MARGIN_PX
    panel = Image.new("RGB", (width_px, height), _PAPER)
    draw = ImageDraw.Draw(panel)
    font = ImageFont.load_default(size=_TEXT_PX)
    draw.text((0, _MARGIN_PX - 2), column.title, _INK, font)
    for picture in pictures:
        panel.paste(picture, (0, top))
        top += picture.height + 6
    _draw_time_axis(draw, top - 4, width_px, column.slice.span_s)
    return panel


def _marked(frame: RgbImage, line: Line, scale: float) -> Image.Image:
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    picture = Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(picture)
    if line.axis == "column":
        at = round((line.position % frame.shape[1]) * scale)
        draw.line([(at, 0), (at, size[1])], _MARK)
    else:
        at = round((line.position % frame.shape[0]) * scale)
        draw.line([(0, at), (size[0], at)], _MARK)
    return picture


def _draw_time_axis(
    draw: ImageDraw.ImageDraw, top: int, width_px: int, span_s: tuple[float, float]
) -> None:
    first, last = span_s
    length = max(last - first, 1e-9)
    font = ImageFont.load_default(size=_TEXT_PX - 3)
    step = next((each for each in _TICKS_S if length / each <= 6), _TICKS_S[-1])
    for tick in np.arange(np.ceil(first / step) * step, last, step):
        x = (tick - first) / length * (width_px - 1)
        draw.line([(x, top), (x, top + 5)], _INK)
        label = f"{tick:g} s"
        wide = draw.textlength(label, font)
        draw.text((min(max(x - wide / 2, 0), width_px - wide), top + 5), label, _INK, font)
