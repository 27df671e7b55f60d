"""The detector's weights: taken from the installed `mtcnn` package, kept as safetensors.

The three networks are those of Zhang, Zhang, Li, Qiao, "Joint face detection and alignment using
multitask cascaded convolutional networks" (IEEE Signal Processing Letters, 2016), as the PyPI
package `mtcnn` 1.0.0 (MIT licence) ships them. Only its weight files are read: importing the
package would import TensorFlow. They are joblib pickles, and a pickle can run code, so a file is
unpickled only if its SHA-256 is the one pinned here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError

Tensors = dict[str, npt.NDArray[np.float32]]
"""Tensor name -> float32 array; names are "pnet.0", "pnet.1", ... in the package's own order."""

SOURCE_SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""Network -> SHA-256 of its file in the package's assets/weights folder (mtcnn 1.0.0)."""

TENSORS_SHA256 = "8d2bf740cbc465c2ccb628ae0bc210d24432c51ab6715beaabb45b44cd581009"
"""`digest` of all tensors of the three files; what the cache is held to when read again."""

CACHE_FILE = "mtcnn-1.0.0.safetensors"


class DetectorWeightsError(BonafideError):
    """The detector's weights are missing or are not the published ones."""


def cache_folder() -> Path:
    """Where the user's cache lies; it need not exist or be writable.

    BONAFIDE_CACHE if set, otherwise a folder "bonafide" under XDG_CACHE_HOME or the platform's
    own place (~/.cache, ~/Library/Caches, %LOCALAPPDATA%).
    """
    if own := os.environ.get("BONAFIDE_CACHE"):
        return Path(own)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "bonafide"
    try:
        home = Path.home()
    except RuntimeError:  # nobody's home, as of a user that systemd makes for one run
        # Not tempfile.gettempdir: it tries to write, and fails where nothing may be written.
        return Path(os.environ.get("TMPDIR", "/tmp")) / "bonafide-cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bonafide"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "bonafide" / "cache"
    return home / ".cache" / "bonafide"


def digest(tensors: Tensors) -> str:
    """SHA-256 over names, shapes and values, whatever file format they came in."""
    running = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name], dtype="<f4")
        running.update(f"{name}{tensor.shape}".encode())
        running.update(tensor.tobytes())
    return running.hexdigest()


def load_tensors(cache: Path | None = None) -> Tensors:
    """The weights of the three networks: from the cache if it holds them whole, else the package.

    A cache that is missing, read-only, cut off or changed costs 30 ms, never an error: the
    package's files are read again and the cache is rewritten if it can be.

    Args:
        cache: folder of the cache; `cache_folder()` when None.

    Returns:
        Tensors in the package's layout: kernels (height, width, in, out), dense matrices
        (in, out), PReLU slopes (1, 1, channels) or (units,).

    Raises:
        DetectorWeightsError: the `mtcnn` package is missing or its files are not those published.
    """
    path = (cache_folder() if cache is None else cache) / CACHE_FILE
    kept = _read_cache(path)
    if kept is not None:
        return kept
    tensors = _read_package()
    _write_cache(path, tensors)
    return tensors


def _read_cache(path: Path) -> Tensors | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors: Tensors = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    return tensors if digest(tensors) == TENSORS_SHA256 else None


def _write_cache(path: Path, tensors: Tensors) -> None:
    from safetensors.numpy import save

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(save(tensors))
        temporary.replace(path)  # atomic: another process sees the old file or the whole new one
    except OSError:  # read-only or full: the tensors in memory serve as well
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _read_package() -> Tensors:
    folder = _package_folder()
    tensors: Tensors = {}
    for network, expected in SOURCE_SHA256.items():
        path = folder / "assets" / "weights" / f"{network}.lz4"
        for number, array in enumerate(_unpickle_checked(path, expected)):
            tensors[f"{network}.{number}"] = np.ascontiguousarray(array, dtype=np.float32)
    return tensors


def _package_folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")  # finds a top-level package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise DetectorWeightsError(
            "the package that carries the face detector's weights is not installed.",
            where="mtcnn",
            remedy='Install it with: pip install "mtcnn>=1.0,<2" (TensorFlow is not needed).',
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _unpickle_checked(path: Path, expected_sha256: str) -> list[npt.NDArray[np.float32]]:
    """Unpickle a joblib file after these very bytes were found to be the pinned ones."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DetectorWeightsError(
            f"the face detector's weights cannot be read ({error.strerror}).",
            where=str(path),
            remedy='Reinstall them with: pip install --force-reinstall --no-deps "mtcnn==1.0.0".',
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected_sha256:
        raise DetectorWeightsError(
            f"SHA-256 is {found}, expected {expected_sha256}; the file was not loaded.",
            where=str(path),
            remedy="Install the published one: pip install --force-reinstall --no-deps "
            '"mtcnn==1.0.0".',
        )
    import joblib

    arrays: list[npt.NDArray[np.float32]] = joblib.load(io.BytesIO(content))
    return arrays
