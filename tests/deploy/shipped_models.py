"""The shipped models in torch, from the weights that lie beside the files that run."""

from safetensors.torch import load_file

from bonafide.deploy.runtime import OnnxScorer, model_path
from bonafide.models.ms_fans import MsFans
from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.models.recapture_net import RecaptureNet
from bonafide.models.skin_colour import SkinColour


def with_weights(network, name):
    tensors = load_file(model_path(name).with_suffix(".safetensors"))
    network.load_state_dict({name: value.float() for name, value in tensors.items()})
    return network.eval().requires_grad_(False)


def shipped_fusion():
    count = int(OnnxScorer().record.provenance["networks"])
    networks = [RecaptureNet() for _ in range(count)]
    return with_weights(RecaptureFusion(SkinColour(), networks), "recapture-fusion")


def shipped_network(name):
    """The torch form of a model of `runtime.SHIPPED`."""
    if name == "skin-colour":
        return with_weights(SkinColour(), name)
    if name == "ms-fans":
        return with_weights(MsFans(len(OnnxScorer(model_path(name)).record.scales)), name)
    return shipped_fusion()
