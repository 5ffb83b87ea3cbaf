"""A small writer of ONNX graphs, shared by the fused graph and the exporter-like one."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"


class Graph:
    def __init__(self):
        self.nodes, self.inputs, self.outputs, self.initializers = [], [], [], []
        self.n_names = 0

    def const(self, name, array):
        # not ascontiguousarray: it makes a vector of a scalar, and the rank of an index counts
        array = np.asarray(array, order="C")
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, kind, shape):
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def op(self, kind, inputs, outputs=None, domain="", **attributes):
        """Appends a node; outputs None makes up one name. Returns the first output."""
        if outputs is None:
            self.n_names += 1
            outputs = [f"v{self.n_names}"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def save(self, path):
        """Weights go to one external file beside the graph, since protobuf ends at 2 GB."""
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MS, 1)]
        graph = helper.make_graph(self.nodes, "decoder", self.inputs, self.outputs,
                                  self.initializers)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        data = path.with_suffix(".data")
        data.unlink(missing_ok=True)
        onnx.save_model(model, str(path), save_as_external_data=True, location=data.name,
                        size_threshold=1024)


FLOAT, INT64, INT32 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32
