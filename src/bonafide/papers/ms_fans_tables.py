"""The published tables of paper 1, as printed.

Luo, Kan, Wu, Chen, Shan: "Face Anti-Spoofing with Multi-Scale Information", section IV.
Table III's rows are set down once for each group of scales. A dagger marked CNN-based methods.
"""

from __future__ import annotations

from bonafide.papers.published import PublishedTable, rows_of, transposed

EER, HTER, FLOPS = "EER %", "HTER %", "FLOPS"

GROUPS = (
    "[0.9, 1.0, 1.1]",
    "[1.0, 1.1, 1.2]",
    "[1.1, 1.2, 1.3]",
    "[1.2, 1.3, 1.4]",
    "[1.3, 1.4, 1.5]",
)
BEST_SINGLE, AVERAGE, CONCAT, MS_FANS = "Best Single Scale", "Average", "Concat", "MS-FANS"

TABLE_II = PublishedTable(
    "ms-fans/2",
    "Each single scale on CASIA-FASD, CNN_S",
    (EER,),
    transposed(
        "Table II, section IV-B",
        (EER,),
        ("0.9", "1.0", "1.1", "1.2", "1.3", "1.4", "1.5"),
        [("5.93", "6.09", "5.26", "4.67", "4.84", "4.74", "5.55")],
    ),
)

_TABLE_III = {
    BEST_SINGLE: ("5.26", "4.67", "4.67", "4.67", "4.74"),
    AVERAGE: ("4.60", "3.79", "3.74", "3.44", "4.16"),
    CONCAT: ("4.81", "3.95", "3.57", "3.68", "3.65"),
    MS_FANS: ("4.18", "3.89", "3.15", "3.30", "3.29"),
}

TABLE_III = PublishedTable(
    "ms-fans/3",
    "Strategies of fusion for each group of scales on CASIA-FASD, CNN_S",
    (EER,),
    tuple(
        row
        for column, group in enumerate(GROUPS)
        for row in rows_of(
            "Table III, section IV-B",
            (EER,),
            [(name, numbers[column]) for name, numbers in _TABLE_III.items()],
            group=group,
        )
    ),
)

TABLE_IV = PublishedTable(
    "ms-fans/4",
    "Comparison with other methods on CASIA-FASD",
    (EER, FLOPS),
    rows_of(
        "Table IV, section IV-C",
        (EER, FLOPS),
        [
            ("†Fine-tuned VGG-Face [10]", "5.20", "30.919G"),
            ("†DPCNN [10]", "4.50", "30.919G"),
            ("†Yang et al. [9]", "4.92", "0.349G"),
            ("†LSTM-CNN [12]", "5.17", "3.045G"),
            ("Boulkenafet et al. [6]", "6.20", ""),
            ("Siddiqui et al. [14]", "3.14", ""),
            ("Boulkenafet et al. [16]", "2.8", ""),
            ("†Atoum et al. [11]", "2.67", "42.045G"),
            ("[1.1, 1.2, 1.3] CNN_S (Ours)", "3.15", "0.075G"),
            ("[1.1, 1.2, 1.3] CNN_D (Ours)", "2.40", "0.768G"),
        ],
    ),
)

TABLE_V = PublishedTable(
    "ms-fans/5",
    "Comparison with other methods on Replay-Attack",
    (EER, HTER, FLOPS),
    rows_of(
        "Table V, section IV-C",
        (EER, HTER, FLOPS),
        [
            ("†Fine-tuned VGG-Face [10]", "8.40", "4.30", "30.919G"),
            ("†DPCNN [10]", "2.90", "6.10", "30.919G"),
            ("†Yang et al. [9]", "2.14", "", "0.349G"),
            ("Boulkenafet et al. [6]", "0.40", "2.90", ""),
            ("Boulkenafet et al. [16]", "0.10", "2.20", ""),
            ("†Atoum et al. [11]", "0.79", "0.72", "41.825G"),
            ("[1.3, 1.4, 1.5] CNN_S (Ours)", "0.002", "0.24", "0.075G"),
            ("[1.3, 1.4, 1.5] CNN_D (Ours)", "0.02", "0.39", "0.768G"),
        ],
        flaws={
            "†Atoum et al. [11]": "41.825G here and 42.045G in Table IV for the same network",
        },
    ),
)
