"""Opening a local file that is about to be decoded."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from bonafide.capture.errors import EmptyFileError, MissingFileError, UnreadableFileError
from bonafide.capture.limits import Limits


def open_regular(path: Path, limits: Limits) -> BinaryIO:
    """Open a regular file for reading; a pipe or device would block or never end.

    Raises:
        MissingFileError, UnreadableFileError, EmptyFileError, TooLargeError: as they say.
    """
    source = str(path)
    try:
        # Looked at before opening: opening a named pipe waits for a writer.
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise UnreadableFileError(
                f"is {what}.", where=source, remedy="Name a photo or clip file on a local disk."
            )
        file = path.open("rb")
    except FileNotFoundError as error:
        raise MissingFileError(
            "does not exist.", where=source, remedy="Check the spelling and the current folder."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise UnreadableFileError(
            f"cannot be read ({getattr(error, 'strerror', None) or error}).",
            where=source,
            remedy="Check the path and the file's permissions.",
        ) from error
    try:
        check_size(os.fstat(file.fileno()).st_size, source, limits)
    except BaseException:
        file.close()
        raise
    return file


def check_size(size: int, source: str, limits: Limits) -> None:
    """Refuse an empty or oversized file or buffer of ``size`` bytes.

    Raises:
        EmptyFileError, TooLargeError: as they say.
    """
    if size == 0:
        raise EmptyFileError("is empty (0 bytes).", where=source, remedy="Copy or record it again.")
    limits.check_bytes(size, source)
