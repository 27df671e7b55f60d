"""Tables in tests draw fewer rounds: what is tested is not how steady a p-value is."""

import pytest

from bonafide.papers import reproduce


@pytest.fixture(scope="session", autouse=True)
def few_rounds():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduce, "ROUNDS", 500)
        yield
