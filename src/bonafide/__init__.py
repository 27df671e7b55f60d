"""bonafide: face presentation attack detection, from a photo or clip to a verdict with reasons."""

from bonafide.version import __version__

__all__ = ["Detector", "__version__"]


def __getattr__(name: str) -> object:
    """Load the detector on first use, so that `import bonafide` stays light."""
    if name == "Detector":
        from bonafide.deploy.detector import Detector

        return Detector
    raise AttributeError(f"module 'bonafide' has no attribute {name!r}")
