"""Transcription: spot checks against the papers' text, and arithmetic that must hold."""

import pytest

from bonafide.models.ms_fans import build_cnn_d, build_cnn_s, count_paper_flops
from bonafide.papers import cascade_tables, motion_tables, ms_fans_tables
from bonafide.papers.ms_fans_tables import (
    BEST_SINGLE,
    EER,
    FLOPS,
    GROUPS,
    HTER,
    MS_FANS,
    TABLE_II,
    TABLE_III,
    TABLE_IV,
    TABLE_V,
)
from bonafide.papers.published import PublishedTable, rows_of
from bonafide.types import BonafideError

TABLES = [
    value
    for module in (ms_fans_tables, motion_tables, cascade_tables)
    for value in vars(module).values()
    if isinstance(value, PublishedTable)
]


def test_every_table_of_the_reading_notes_is_there():
    keys = {f"ms-fans/{n}" for n in range(2, 6)} | {"motion/1", "motion/2"}
    keys |= {f"cascade/{n}" for n in range(3, 12)}
    assert {table.key for table in TABLES} == keys
    assert len(TABLES) == len(keys)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.key)
def test_rows_are_named_once_and_every_number_is_a_number(table):
    names = [(row.group, row.name) for row in table.rows]
    assert len(set(names)) == len(names)
    for row in table.rows:
        assert row.section
        assert tuple(row.printed) == table.columns
        for column in table.columns:
            value = row.value(column)
            assert value is None or 0 <= value <= (100 if "%" in column else 1000)


@pytest.mark.parametrize(
    ("table", "group", "name", "column", "printed"),
    [
        (TABLE_II, "", "1.2", EER, "4.67"),
        (TABLE_III, GROUPS[2], MS_FANS, EER, "3.15"),
        (TABLE_III, GROUPS[4], "Average", EER, "4.16"),
        (TABLE_IV, "", "†Atoum et al. [11]", FLOPS, "42.045G"),
        (TABLE_V, "", "[1.3, 1.4, 1.5] CNN_D (Ours)", HTER, "0.39"),
        (motion_tables.TABLE_1, motion_tables.ADVERSE, "LBP-TOP^M", "HTER %", "13.25"),
        (motion_tables.TABLE_1, motion_tables.MSU_MFSD, "CNN-LSTM", "ACC %", "86.26"),
        (
            motion_tables.TABLE_2,
            motion_tables.crossing(motion_tables.MSU_MFSD, motion_tables.CONTROLLED),
            "CNN-LSTM^AM",
            "HTER %",
            "12.37",
        ),
        (cascade_tables.TABLE_III, "D-Net", "F2&F3", "Accuracy", "0.984"),
        (cascade_tables.TABLE_VII, "", "SE/Res + multi-scale patch", "ACER %", "0.083"),
        (cascade_tables.TABLE_IX, "", "Ours+", cascade_tables.D3_TO_SURF, "9.5%"),
    ],
)
def test_spot_checks_against_the_text(table, group, name, column, printed):
    assert table.row(name, group).printed[column] == printed


def test_the_best_single_scale_of_a_group_is_the_lowest_of_table_ii():
    single = {row.name: row.value(EER) for row in TABLE_II.rows}
    for group in GROUPS:
        scales = group.strip("[]").split(", ")
        best = min(single[scale] for scale in scales)
        assert TABLE_III.row(BEST_SINGLE, group).value(EER) == best


def test_the_reduction_that_the_text_names():
    best, fused = (TABLE_III.row(name, GROUPS[2]).value(EER) for name in (BEST_SINGLE, MS_FANS))
    assert 100 * (best - fused) / best == pytest.approx(32.5, abs=0.06)


def test_the_published_cost_is_ours_three_times_and_cut_to_three_decimals():
    for build, name in ((build_cnn_s, "CNN_S"), (build_cnn_d, "CNN_D")):
        giga = int(count_paper_flops(build(0.5)) / 1e6) * 3 / 1000
        assert TABLE_IV.row(f"[1.1, 1.2, 1.3] {name} (Ours)").value(FLOPS) == pytest.approx(giga)
        assert TABLE_V.row(f"[1.3, 1.4, 1.5] {name} (Ours)").value(FLOPS) == pytest.approx(giga)


def test_what_the_text_says_of_magnification_contradicts_table_1():
    assert "higher" in motion_tables.TABLE_1.note
    for group in {row.group for row in motion_tables.TABLE_1.rows}:
        for name in ("LBP", "LBP-TOP", "CNN"):
            plain, magnified = (
                motion_tables.TABLE_1.row(f"{name}{mark}", group).value("HTER %")
                for mark in ("", "^M")
            )
            assert magnified > plain


def test_table_vii_lies_within_a_third_of_one_decision():
    values = [row.value("ACER %") for row in cascade_tables.TABLE_VII.rows]
    one_decision = 100 / cascade_tables.MIP_3D_TEST[0] / 2
    assert (max(values) - min(values)) / one_decision < 1 / 3
    assert max(values) - min(values) == pytest.approx(0.013)  # the gain that the text names


def test_an_unknown_row_and_a_flaw_without_a_row_are_errors():
    with pytest.raises(BonafideError, match="no row 'nobody'"):
        TABLE_II.row("nobody")
    with pytest.raises(BonafideError, match="do not exist"):
        rows_of("Table I", ("a",), [("x", "1")], flaws={"y": "wrong"})
