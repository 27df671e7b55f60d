"""Films for tests of the writer: a few random bytes in place of a rendered clip."""

import time

import numpy as np

from bonafide.simulator.twin import Job, TwinPlan, seed_of


def film_bytes(job, folder):
    """Write each file in two steps, so that a kill in between would leave half of it."""
    rng = np.random.default_rng(job.seed)
    for name in job.files:
        with (folder / name).open("wb") as file:
            file.write(rng.bytes(2000))
            file.flush()
            time.sleep(job.form)
            file.write(rng.bytes(2000))
    return {"drawn": rng.normal(), "landmarks": {}}


def bytes_plan(seed=0, size="tiny", pause_s=0.0, groups=3):
    """Four jobs a group, two files each."""
    jobs = tuple(
        Job(f"g{g}/{n}", (f"g{g}/{n}.avi", f"g{g}/{n}.txt"), f"g{g}",
            seed_of(seed, "test", g, n), film_bytes, None, pause_s)
        for g in range(groups) for n in range(4)
    )  # fmt: skip
    return TwinPlan("casia-fasd", size, seed, jobs, {"lists/a.txt": "a\n"}, {"people": ["x"]})
