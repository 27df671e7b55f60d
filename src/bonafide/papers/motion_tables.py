"""The published tables of paper 2 (motion-enhanced CNN-LSTM), as printed, sections 4.3 and 4.4.

HTER at the threshold of the development set's EER; accuracy over clips.
"""

from __future__ import annotations

from bonafide.papers.published import PublishedTable, transposed

HTER, ACCURACY = "HTER %", "ACC %"
COLUMNS = (HTER, ACCURACY)

CONTROLLED, ADVERSE = "Replay-attack (controlled)", "Replay-attack (adverse)"
MSU_MFSD = "MSU-MFSD"

_INTRA = ("LBP", "LBP^M", "LBP-TOP", "LBP-TOP^M", "CNN", "CNN^M", "CNN-LSTM", "CNN-LSTM^M")
_INTER = ("LBP", "LBP-TOP", "CNN", "CNN-LSTM", "CNN-LSTM^M", "CNN-LSTM^A", "CNN-LSTM^AM")

_TABLE_1 = {
    CONTROLLED: (
        ("0.18", "2.82", "4.25", "5.75", "2.70", "5.18", "0.00", "0.00"),
        ("99.80", "97.05", "95.00", "92.86", "96.11", "92.59", "100", "100"),
    ),
    ADVERSE: (
        ("4.67", "5.65", "12.25", "13.25", "4.41", "5.40", "4.49", "3.53"),
        ("95.06", "94.02", "90.0", "87.86", "94.47", "93.70", "94.51", "96.47"),
    ),
    MSU_MFSD: (
        ("11.63", "14.62", "24.17", "28.75", "16.06", "19.73", "13.74", "10.36"),
        ("88.37", "85.38", "85.0", "84.38", "89.57", "85.20", "86.26", "89.64"),
    ),
}

_TABLE_2 = {
    (ADVERSE, CONTROLLED): (
        ("14.00", "13.94", "25.38", "31.32", "23.10", "23.70", "15.28"),
        ("80.00", "80.98", "73.91", "78.63", "80.66", "80.60", "84.70"),
    ),
    (ADVERSE, MSU_MFSD): (
        ("39.79", "32.93", "48.60", "32.43", "30.15", "29.52", "25.72"),
        ("60.27", "64.38", "50.16", "68.98", "70.99", "71.15", "78.65"),
    ),
    (MSU_MFSD, CONTROLLED): (
        ("37.04", "30.50", "37.11", "23.63", "14.75", "18.97", "12.37"),
        ("62.96", "70.71", "62.88", "79.15", "81.17", "80.77", "82.32"),
    ),
}


def crossing(train: str, test: str) -> str:
    """The group of Table 2's rows for a pair of data sets.

    >>> crossing("A", "B")
    'A → B'
    """
    return f"{train} → {test}"


TABLE_1 = PublishedTable(
    "motion/1",
    "Trained and tested on the same data set",
    COLUMNS,
    tuple(
        row
        for group, lines in _TABLE_1.items()
        for row in transposed("Table 1, section 4.3", COLUMNS, _INTRA, lines, group=group)
    ),
    "The text calls the HTER of LBP, LBP-TOP and CNN lower with magnification (M); as printed here "
    "it is higher, in every row.",
)

TABLE_2 = PublishedTable(
    "motion/2",
    "Trained on one data set, tested on another",
    COLUMNS,
    tuple(
        row
        for pair, lines in _TABLE_2.items()
        for row in transposed("Table 2, section 4.4", COLUMNS, _INTER, lines, group=crossing(*pair))
    ),
)
