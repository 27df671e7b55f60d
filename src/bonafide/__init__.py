"""bonafide: face presentation attack detection, from a photo or clip to a verdict with reasons."""

import os

from bonafide.version import __version__

# The official ONNX Runtime reports its use to its maker. Nobody was asked, so it does not: it reads
# this when it is first imported, which no module of this package does before this line.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Detector", "__version__"]


def __getattr__(name: str) -> object:
    """Load the detector on first use, so that `import bonafide` stays light."""
    if name == "Detector":
        from bonafide.deploy.detector import Detector

        return Detector
    raise AttributeError(f"module 'bonafide' has no attribute {name!r}")
