"""From a network in torch to an ONNX graph: tracing, storing weights small, forgetting its origin.

Nothing here checks that the graph answers as torch does; `export` does, before a file appears.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

OPSET = 18
MAX_BATCH = 4096


@dataclass(frozen=True)
class GraphForm:
    """What a graph's input and outputs are called, and which sizes may differ.

    Attributes:
        input: name of its input.
        outputs: names of its outputs.
        free_axes: axis of the input -> its name; of any size from 1 (0 is the batch).
    """

    input: str
    outputs: tuple[str, ...]
    free_axes: dict[int, str]


def graph_of(scorer: nn.Module, example: npt.NDArray[np.uint8], form: GraphForm) -> onnx.ModelProto:
    """Trace a network; weights that float16 holds exactly are stored so and cast when loaded.

    Args:
        scorer: takes one array, gives as many as ``form`` names; in evaluation mode.
        example: an input, of at least two.
        form: names and free sizes.
    """
    model = _trace(scorer, example, form)
    _store_half(model)
    _forget_origin(model)
    return model


def _trace(scorer: nn.Module, example: npt.NDArray[np.uint8], form: GraphForm) -> onnx.ModelProto:
    free = {
        axis: torch.export.Dim(name, min=1, max=MAX_BATCH) for axis, name in form.free_axes.items()
    }
    _forget_earlier_traces()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter warns about torch's own internals
        program = torch.onnx.export(
            scorer,
            (torch.from_numpy(example.copy()),),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=[form.input],
            output_names=list(form.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _forget_earlier_traces() -> None:
    """Make torch look up anew how an LSTM is traced, and trace its loop anew.

    For the time of an export torch traces one as a loop over any number of steps, and puts back
    what it had before. The operator remembers that, and at a process's second export would unroll
    the example's steps; and the loop compiled for a graph of fixed steps would be taken again for
    one of any number, and fix that (torch 2.13).
    """
    torch.ops.aten.lstm.input._dispatch_cache.clear()  # what its own `py_impl` does, too
    torch.compiler.reset()


def _store_half(model: onnx.ModelProto) -> None:
    """Store large float32 weights as float16 where that loses nothing, with a Cast behind each."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16)
        if values.size < 4096 or not np.array_equal(half.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: stack traces with this machine's paths, and inferred shapes."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
