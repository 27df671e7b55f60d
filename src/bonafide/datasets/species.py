"""The words for presentation attack instrument (PAI) species that the loaders map to.

APCER is a maximum over species (ISO/IEC 30107-3), so what counts as one species decides the
headline. A photo and a video on a screen are two species: only the second one moves. The data
set's own, finer name stays beside it in `pai_detail`.
"""

from __future__ import annotations

PRINT = "print"
PRINT_WARPED = "print_warped"
PRINT_CUT = "print_cut"
DISPLAY = "display"
REPLAY = "replay"
MASK_PAPER = "mask_paper"
MASK_RIGID = "mask_rigid"
MASK_FLEXIBLE = "mask_flexible"
HEAD = "head"

SPECIES: dict[str, str] = {
    PRINT: "a photo on paper, whole",
    PRINT_WARPED: "a photo on paper, bent around",
    PRINT_CUT: "a photo on paper with regions cut out, for eyes or more of a living face",
    DISPLAY: "a still photo on a screen",
    REPLAY: "a video on a screen",
    MASK_PAPER: "a mask folded from paper",
    MASK_RIGID: "a hard mask, such as resin or plastic",
    MASK_FLEXIBLE: "a soft mask, such as silicone or latex",
    HEAD: "a life-size head or figure, such as clay, wax or a mannequin",
}
"""Species -> what it is."""
