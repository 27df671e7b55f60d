"""Every model that can be set beside the papers' own: what it is, what it sees, how it is built.

A plain dict: a name, and a record with the functions that make the model. Networks are trained by
the loop, machines (features and a support vector machine) are fitted in one go; two rivals are a
network first and a machine on its features then.
"""

from __future__ import annotations

from bonafide.models import (
    alex_net,
    casia_surf_fusion,
    cdcn,
    colour_texture,
    deep_pix_bis,
    face_bag_net,
    feather_net,
    fisher_texture,
    live_net,
    lstm_cnn,
    minifasnet,
    ml_lpq,
    mobilenet_v3,
    patch_depth_cnn,
    resnet,
    rival,
    vgg_face,
    videolet,
)
from bonafide.models.catalogue_entry import (
    FRAMES,
    MODALITIES,
    SCALES,
    MachineRival,
    NetworkRival,
    Published,
    Views,
)
from bonafide.models.cost import Cost


def _ms_fans(cost: Cost) -> float:
    return cost.ms_fans_flops


MS_FANS_RULE = "2 per multiply-add in convolutions, 1 in fully connected layers"
CASCADE = ("cascade/6", "cascade/10", "cascade/11")
TWO_CROPS = Views(SCALES, minifasnet.SCALES, minifasnet.INPUT_PX)
FEATHER_NET_B = Published(
    0.35e6,
    83.05e6,
    lambda cost: cost.multiply_adds + cost.normalised + cost.pooled,
    "multiply-adds, 1 per normalised and pooled value",
    0.01,
)
CDCN_SCALE = 1.4
PATCH_SCALE = 1.2


def _one(scale: float, side_px: int) -> Views:
    return Views(SCALES, (scale,), side_px)


NETWORKS: dict[str, NetworkRival] = {
    "minifasnet": NetworkRival(
        "MiniFASNetV2, two crops",
        "Minivision 2020",
        TWO_CROPS,
        lambda _: minifasnet.TwoScaleMiniFasNet(),
        minifasnet.loss,
        published=Published(
            2 * 0.4346e6,
            2 * 44.7e6,
            lambda cost: cost.multiply_adds + 4 * cost.normalised + cost.activated,
            "multiply-adds, 4 per normalised and 1 per activated value",
            0.005,
            "of the two networks; the Fourier branch is not counted",
        ),
        small_px=80,
    ),
    "deep_pix_bis": NetworkRival(
        "DeepPixBiS",
        "George, Marcel 2019",
        _one(1.3, 224),
        deep_pix_bis.DeepPixBis,
        deep_pix_bis.loss,
        published=Published(
            3.2e6,
            4.64e9,
            lambda cost: cost.multiply_adds + 2 * cost.normalised + cost.activated + cost.pooled,
            "multiply-adds, 2 per normalised, 1 per activated and pooled value",
        ),
        learning_rate=3e-4,
        pretrained="backbone",
    ),
    "mobilenet_v3_small": NetworkRival(
        "MobileNetV3 small",
        "Howard et al. 2019",
        _one(1.3, 224),
        lambda _: rival.OnePicture(mobilenet_v3.mobilenet_v3_small()),
        published=Published(2.54e6, 57e6, tolerance=0.01, remark="with 1000 classes"),
        pretrained="backbone",
    ),
    "mobilenet_v3_large": NetworkRival(
        "MobileNetV3 large",
        "Howard et al. 2019",
        _one(1.3, 224),
        lambda _: rival.OnePicture(mobilenet_v3.mobilenet_v3_large()),
        published=Published(5.48e6, 217e6, tolerance=0.01, remark="with 1000 classes"),
        pretrained="backbone",
    ),
    "resnet18": NetworkRival(
        "ResNet-18",
        "He et al. 2016",
        _one(1.3, 224),
        lambda _: rival.OnePicture(resnet.ResNet18()),
        published=Published(11.69e6, 1.81e9, remark="with 1000 classes"),
        pretrained="backbone",
    ),
    "cdcn": NetworkRival(
        "CDCN",
        "Yu et al. 2020",
        _one(CDCN_SCALE, 256),
        lambda side_px: cdcn.Cdcn(side_px, CDCN_SCALE),
        cdcn.loss,
        ("cascade/10",),
    ),
    "feather_net_a": NetworkRival(
        "FeatherNet A",
        "Zhang et al. 2019",
        _one(1.2, 224),
        lambda side_px: feather_net.FeatherNet(side_px, pooled=False),
        tables=CASCADE,
        published=Published(
            0.35e6,
            79.99e6,
            lambda cost: cost.multiply_adds + cost.normalised + cost.pooled,
            "multiply-adds, 1 per normalised and pooled value",
            0.01,
        ),
    ),
    "feather_net_b": NetworkRival(
        "FeatherNet B",
        "Zhang et al. 2019",
        _one(1.2, 224),
        lambda side_px: feather_net.FeatherNet(side_px, pooled=True),
        tables=CASCADE,
        published=FEATHER_NET_B,
    ),
    "patch_depth_cnn": NetworkRival(
        "Patch- and depth-based CNNs",
        "Atoum et al. 2017",
        _one(PATCH_SCALE, 256),
        lambda side_px: patch_depth_cnn.PatchDepthCnn(side_px, PATCH_SCALE),
        patch_depth_cnn.loss,
        ("ms-fans/4", "ms-fans/5", "cascade/5", "cascade/8", "cascade/9"),
        Published(None, 42.045e9, _ms_fans, MS_FANS_RULE, 0.5, "layers not known: same order only"),
        small_px=96,
    ),
    "live_net": NetworkRival(
        "LiveNet",
        "Rehman et al. 2018",
        _one(1.2, 128),
        live_net.LiveNet,
        tables=("cascade/5", "cascade/8", "cascade/9"),
    ),
    "lstm_cnn": NetworkRival(
        "LSTM-CNN",
        "Xu et al. 2015",
        Views(FRAMES, (1.2,), 128, lstm_cnn.FRAMES),
        lstm_cnn.LstmCnn,
        tables=("ms-fans/4",),
        published=Published(
            None, 3.045e9, _ms_fans, MS_FANS_RULE, 0.1, "widths not known: chosen to meet it"
        ),
        learning_rate=3e-4,
    ),
    "frame_mean_cnn": NetworkRival(
        "Frame-mean CNN (MobileNetV3 small)",
        "Howard et al. 2019",
        Views(FRAMES, (1.3,), 224, 6),
        lambda _: rival.FrameMean(mobilenet_v3.mobilenet_v3_small()),
        pretrained="backbone",
    ),
    "casia_surf_fusion": NetworkRival(
        "ResNet-18 with SE fusion",
        "Zhang et al. 2019 (CASIA-SURF)",
        Views(MODALITIES, (1.2,), 112),
        lambda _: casia_surf_fusion.CasiaSurfFusion(),
        tables=("cascade/6", "cascade/10", "cascade/11"),
    ),
    "face_bag_net": NetworkRival(
        "FaceBagNet",
        "Shen et al. 2019",
        Views(MODALITIES, (1.2,), 112),
        lambda _: face_bag_net.FaceBagNet(),
        face_bag_net.loss,
        ("cascade/5", "cascade/6", "cascade/8", "cascade/9", *CASCADE[1:]),
        small_px=64,
    ),
    "face_bag_net_depth": NetworkRival(
        "FaceBagNet on depth alone",
        "Shen et al. 2019",
        Views(MODALITIES, (1.2,), 112),
        lambda _: rival.OnlyDepth(face_bag_net.FaceBagNet(1)),
        face_bag_net.loss,
        ("cascade/3",),
        small_px=64,
    ),
    "feather_net_depth": NetworkRival(
        "FeatherNet B on depth alone",
        "Zhang et al. 2019",
        Views(MODALITIES, (1.2,), 224),
        lambda side_px: rival.OnlyDepth(feather_net.FeatherNet(side_px, pooled=True)),
        tables=("cascade/3",),
        published=FEATHER_NET_B,
    ),
    "alex_net_svm": NetworkRival(
        "AlexNet features + SVM",
        "Yang et al. 2014",
        _one(1.4, 128),
        alex_net.AlexNet,
        tables=("ms-fans/4", "ms-fans/5"),
        published=Published(None, 0.349e9, _ms_fans, MS_FANS_RULE, 0.005, "of 128 px"),
        learning_rate=1e-4,
        small_px=72,
        pretrained="backbone",
        begin=alex_net.load_caffe,
        machine=0,
    ),
    "vgg_face": NetworkRival(
        "Fine-tuned VGG-Face",
        "Li et al. 2016",
        _one(1.2, 224),
        vgg_face.VggFace,
        tables=("ms-fans/4", "ms-fans/5"),
        published=Published(None, 30.919e9, _ms_fans, MS_FANS_RULE),
        learning_rate=3e-5,
        pretrained="backbone",
    ),
    "dpcnn": NetworkRival(
        "DPCNN: part features + PCA + SVM",
        "Li et al. 2016",
        _one(1.2, 224),
        vgg_face.VggFace,
        tables=("ms-fans/4", "ms-fans/5"),
        published=Published(None, 30.919e9, _ms_fans, MS_FANS_RULE),
        learning_rate=3e-5,
        pretrained="backbone",
        machine=64,
    ),
}

MACHINES: dict[str, MachineRival] = {
    "colour_texture": MachineRival(
        "Colour texture (LBP in HSV and YCbCr) + SVM",
        "Boulkenafet et al. 2015",
        _one(1.2, colour_texture.SIDE_PX),
        colour_texture.describe,
        ("ms-fans/4", "ms-fans/5"),
    ),
    "fisher_texture": MachineRival(
        "Dense SIFT (for SURF) + Fisher vectors + SVM",
        "Boulkenafet et al. 2017",
        _one(1.2, fisher_texture.SIDE_PX),
        fisher_texture.describe,
        ("ms-fans/4", "ms-fans/5"),
        fisher_texture.learn,
        fisher_texture.encode,
        "linear",
    ),
    "videolet": MachineRival(
        "Videolet aggregation (magnified, LBP + HOOF) + SVM",
        "Siddiqui et al. 2016",
        Views(FRAMES, (1.2,), videolet.SIDE_PX, videolet.FRAMES),
        videolet.describe,
        ("ms-fans/4",),
    ),
    "ml_lpq": MachineRival(
        "ML-LPQ + SVM",
        "Benlamoudi et al. 2015",
        _one(1.2, ml_lpq.SIDE_PX),
        ml_lpq.describe,
        ("cascade/5", "cascade/8", "cascade/9"),
        kernel="linear",
    ),
}
