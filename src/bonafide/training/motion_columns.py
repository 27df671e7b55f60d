"""What each of the ten columns of the second paper's tables is trained as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of Tables 1 and 2.

    Attributes:
        cue: of a texture machine; "" for a network.
        variant: of a network; "" for a texture machine.
        magnified: whether clips are magnified first (the superscript M).
    """

    cue: str
    variant: str
    magnified: bool


COLUMNS: dict[str, Column] = {
    "LBP": Column("lbp", "", False),
    "LBP^M": Column("lbp", "", True),
    "LBP-TOP": Column("lbp_top", "", False),
    "LBP-TOP^M": Column("lbp_top", "", True),
    "CNN": Column("", "cnn", False),
    "CNN^M": Column("", "cnn", True),
    "CNN-LSTM": Column("", "cnn-lstm", False),
    "CNN-LSTM^M": Column("", "cnn-lstm", True),
    "CNN-LSTM^A": Column("", "cnn-lstm-a", False),
    "CNN-LSTM^AM": Column("", "cnn-lstm-a", True),
}
