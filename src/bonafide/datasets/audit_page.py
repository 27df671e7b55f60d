"""An audit as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from bonafide.datasets.audit import Audit, LookAlike
from bonafide.datasets.media import first_picture
from bonafide.types import Presentation, Split
from bonafide.version import __version__

LISTED = 50
"""How many findings of one kind are listed; the number found is always stated."""

THUMBNAIL_PX = 112
THUMBNAIL_PAIRS = 12


def write_audit_page(
    path: Path, found: Audit, *, title: str, remarks: Sequence[str] = (), thumbnails: bool = False
) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        found: the audit.
        title: what was audited.
        remarks: of the table's record, listed under the title.
        thumbnails: show the look-alikes. Off by default: faces are personal data, and a page
            travels.
    """
    text = render_audit_page(found, title=title, remarks=remarks, thumbnails=thumbnails)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")  # others may write it, too
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, path)


def render_audit_page(
    found: Audit, *, title: str, remarks: Sequence[str] = (), thumbnails: bool = False
) -> str:
    """The page as text; arguments as for `write_audit_page`."""
    from jinja2 import Environment, StrictUndefined

    source = resources.files("bonafide.datasets").joinpath("audit_page.html").read_text("utf-8")
    # Names of files and people are somebody else's text; everything is escaped.
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    pictures = _pictures(found.look_alikes[:THUMBNAIL_PAIRS]) if thumbnails else {}
    return template.render(
        found=found,
        title=title,
        remarks=remarks,
        listed=LISTED,
        pictures=pictures,
        pictured=THUMBNAIL_PAIRS,
        splits=[split for split in Split if any(row.split is split for row in found.species)],
        species=sorted(
            {row.species for row in found.species}, key=lambda name: (name != "bona_fide", name)
        ),
        counts={(row.split, row.species): row for row in found.species},
        tested=[probe for probe in found.probes if probe.auc is not None],
        outside=[probe for probe in found.probes if probe.is_outside],
        version=__version__,
    )


def _pictures(pairs: Sequence[LookAlike]) -> dict[str, str]:
    """Presentation -> a small JPEG as a data address."""
    rows: dict[str, Presentation] = {}
    for pair in pairs:
        rows |= {pair.first.presentation: pair.first, pair.second.presentation: pair.second}
    return {name: _thumbnail(row) for name, row in rows.items()}


def _thumbnail(row: Presentation) -> str:
    from PIL import Image

    image = Image.fromarray(first_picture(row))
    image.thumbnail((THUMBNAIL_PX * 2, THUMBNAIL_PX * 2))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
