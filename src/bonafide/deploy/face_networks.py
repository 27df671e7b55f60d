"""The kept network of a run of any family that judges the crops of a face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bonafide.deploy.export import FaceNetwork
from bonafide.training import ms_fans_task, recapture_fusion, recapture_task, skin_colour_task

NETWORKS: dict[str, Callable[[Path], FaceNetwork]] = {
    ms_fans_task.FAMILY: lambda run: ms_fans_task.load_network(run)[0],
    skin_colour_task.FAMILY: lambda run: skin_colour_task.load_network(run)[0],
    recapture_task.FAMILY: lambda run: recapture_task.load_network(run)[0],
    recapture_fusion.FAMILY: lambda run: recapture_fusion.load_fusion(run)[0],
}
"""Family -> the kept network of a run."""
