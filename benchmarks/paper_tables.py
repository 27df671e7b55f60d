"""Print the Markdown of a reproduced table, for docs/papers/.

python benchmarks/paper_tables.py OUT/table.json
"""

import json
import sys
from pathlib import Path


def percent(share):
    return f"{100 * share:.1f}"


def rate(measured, name):
    one, interval = measured["rates"].get(name), measured["intervals"].get(name)
    if one is None:
        return "–"
    text = percent(one["mean"])
    if one["deviation"] is not None:
        text += f" ± {percent(one['deviation'])}"
    return text + (
        f" [{percent(interval['low'])}, {percent(interval['high'])}]" if interval else ""
    )


def rows_of(table):
    columns = list(next(row["published"]["printed"] for row in table["rows"] if row["published"]))
    heads = [f"{name}, published" for name in columns]
    rates = ("hter", "accuracy") if "ACC %" in columns else ("eer", "hter")
    yield ["", "method", *heads, *(f"{name.upper()} %, simulated" for name in rates), "seeds"]
    yield ["---", "---", *["---:"] * (len(columns) + 3)]
    for row in table["rows"]:
        published, measured = row["published"], row["measured"]
        printed = [(published["printed"][name] or "–") if published else "–" for name in columns]
        ours = ["–", "–", "not run"]
        if measured:
            assert measured["simulated"], "the heading says simulated"
            ours = [*(rate(measured, name) for name in rates), str(len(measured["by_seed"]))]
        yield [row["group"], row["name"], *printed, *ours]


COUNTS = ("FP", "FN", "Attacks not evaluated", "Bona fide not evaluated")


def sheet_of(table):
    """The counts and the paper's ACER at the threshold that development chose."""
    sheet = table["sheets"][-1]
    measures = ("ACER %", "TPR % @FPR 1e-2")
    yield ["", f"simulated; {sheet['title'].lower()}", *COUNTS, *measures]
    yield ["---", "---", *["---:"] * (len(COUNTS) + len(measures))]
    for row in sheet["rows"]:
        cells = [row["group"], row["name"]]
        for name in (*COUNTS, *measures):
            one = row["measured"][name]
            if one is None:
                cells.append("refused")
            elif name in COUNTS:
                cells.append(f"{one['mean']:.4g}")
            else:
                ends = one["interval"]
                told = f" [{percent(ends[0])}, {percent(ends[1])}]" if ends else ""
                cells.append(percent(one["mean"]) + told)
        yield cells


def claims_of(table):
    yield ["claim (simulated data)", "rate", "difference, points", "95 %", "seeds", "p", "reading"]
    yield ["---", "---", "---:", "---", "---", "---:", "---"]
    for claim in table["claims"]:
        interval = claim["interval"]
        ends = f"[{percent(interval['low'])}, {percent(interval['high'])}]" if interval else "–"
        seeds = ", ".join(f"{100 * value:+.1f}" for value in claim["by_seed"].values())
        yield [
            claim["claim"], claim["rate"].upper(), f"{100 * claim['difference']:+.1f}", ends, seeds,
            f"{claim['p_value']:.2g} ({claim['p_adjusted']:.2g})", claim["verdict"],
        ]  # fmt: skip


def main():
    table = json.loads(Path(sys.argv[1]).read_text())
    wanted = {rows_of: True, sheet_of: table.get("sheets"), claims_of: table["claims"]}
    for part, there in wanted.items():
        if there:
            print("\n".join(f"| {' | '.join(cells)} |" for cells in part(table)), end="\n\n")
    print(table["command"], table["commit"], sep="\n")


if __name__ == "__main__":
    main()
