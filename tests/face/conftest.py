"""Pictures and a detector that the tests of this room share."""

import numpy as np
import pytest
from skimage.data import astronaut

from bonafide.face.detect import MtcnnDetector

ASTRONAUT_POINTS = np.array(
    [[203.5, 100.1], [245.4, 102.2], [224.2, 126.4], [201.8, 138.6], [244.4, 140.4]]
)


@pytest.fixture(scope="session")
def detector():
    return MtcnnDetector()


@pytest.fixture(scope="session")
def person():
    """(512, 512, 3): scikit-image's astronaut, NASA, public domain."""
    return astronaut()


@pytest.fixture(scope="session")
def two_heads(person):
    """The astronaut's head and its mirror image darkened: two faces that look different."""
    head = person[20:220, 130:320]
    other = np.clip(head[:, ::-1].astype(int)[..., [2, 1, 0]] - 40, 0, 255).astype(np.uint8)
    return head, np.ascontiguousarray(other)
