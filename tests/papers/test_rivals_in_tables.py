"""Every row that a table prints of somebody else's method has a model here, and the reverse."""

import pytest

from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers import cascade_tables, ms_fans_tables
from bonafide.papers.published import PublishedTable

PRINTED = {
    "vgg_face": "Fine-tuned VGG-Face",
    "dpcnn": "DPCNN",
    "alex_net_svm": "Yang et al.",
    "lstm_cnn": "LSTM-CNN",
    "colour_texture": "Boulkenafet et al. [6]",
    "fisher_texture": "Boulkenafet et al. [16]",
    "videolet": "Siddiqui",
    "patch_depth_cnn": "Atoum|Patch-based CNN",
    "ml_lpq": "ML-LPQ",
    "live_net": "LiveNet",
    "face_bag_net": "facebagnet",
    "face_bag_net_depth": "facebagnet",
    "feather_net_a": "FeatherNet",
    "feather_net_depth": "FeatherNet",
    "feather_net_b": "FeatherNet",
    "casia_surf_fusion": "ResNet-18",
    "cdcn": "CDCN",
}
COMPARING = ("ms-fans/4", "ms-fans/5", *(f"cascade/{n}" for n in (3, 5, 6, 8, 9, 10, 11)))
PUBLISHED = {
    value.key: value
    for module in (ms_fans_tables, cascade_tables)
    for value in vars(module).values()
    if isinstance(value, PublishedTable)
}
MODELS = {**NETWORKS, **MACHINES}


def models_of(row):
    return {
        name
        for name, words in PRINTED.items()
        if any(word.lower() in row.name.lower() for word in words.split("|"))
        and name.endswith("_depth") == (row.group == "F1")
    }


@pytest.mark.parametrize("key", COMPARING)
def test_a_table_names_the_models_that_say_they_stand_in_it(key):
    printed = set().union(*(models_of(row) for row in PUBLISHED[key].rows))
    assert printed == {name for name, one in MODELS.items() if key in one.tables}
    nameless = [row.name for row in PUBLISHED[key].rows if not models_of(row)]
    ours = ("Ours", "F1", "F2")  # Table III lists D-Net by its inputs
    assert all(any(word in name for word in ours) for name in nameless), nameless


def test_published_flops_are_those_of_the_table():
    for row in PUBLISHED["ms-fans/4"].rows:
        for name in models_of(row) & set(NETWORKS):
            [column] = [c for c in row.printed if "FLOP" in c.upper()]
            assert NETWORKS[name].published.flops == pytest.approx(1e9 * row.value(column))
