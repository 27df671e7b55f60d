"""A run's measurements: log.csv for people and programs, event files for TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

LOG = "log.csv"
LOG_COLUMNS = ("step", "training_loss", "development_loss", "learning_rate")
EVENTS = "tensorboard"


class RunLog:
    """Writes one row a measurement to log.csv and to `tensorboard --logdir RUN`."""

    def __init__(self, run: Path, *, resume_at: int, writes: bool) -> None:
        """Open the log.

        Args:
            run: the run's folder.
            resume_at: steps already done; what a killed run logged later than that is dropped.
            writes: whether this process does.
        """
        self._path = run / LOG if writes else None
        self._events = None
        if self._path is not None:
            _cut(self._path, resume_at)
            self._events = SummaryWriter(str(run / EVENTS), purge_step=resume_at + 1)

    def write(
        self, step: int, training_loss: float, development_loss: float, learning_rate: float
    ) -> None:
        """Add one measurement."""
        if self._path is None or self._events is None:
            return
        row = (step, training_loss, development_loss, learning_rate)
        new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(LOG_COLUMNS)
            writer.writerow([f"{value:.6g}" for value in row])
        for name, value in zip(LOG_COLUMNS[1:], row[1:], strict=True):
            self._events.add_scalar(name, value, step)
        self._events.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._events is not None:
            self._events.close()


def _cut(path: Path, step: int) -> None:
    if not path.exists():
        return
    rows = list(csv.reader(path.open(newline="")))
    kept = rows[:1] + [row for row in rows[1:] if row and float(row[0]) <= step]
    path.write_text("".join(",".join(row) + "\n" for row in kept))
