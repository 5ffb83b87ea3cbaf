"""Loads graphs of tests/tools/onnx_write in plain onnxruntime, with onnx.checker before it, and
compares what they compute with golden logits. Output is TAP.

    check_onnx.py ONNX_WRITE MODEL=GOLDEN.json ...
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

# strategy, graph, further argument, largest difference of a logit relative to the greatest one:
# from the golden ones, or, for what is quantised in blocks and columns, from those of the same
# arithmetic spelled out in plain float operators.
VARIANTS = [
    ("none", "default", "", 1e-4),
    ("none", "plain", "", 1e-4),
    ("none", "exporter", "", 1e-4),
    ("none", "default", "half", 0.01),
    ("quantization8bit", "default", "", 0.09),
    ("quantization8bit", "default", "prefill", 0.09),
    ("quantization4bit", "default", "", 0.09),
    ("quantization_dynamic8bit", "default", "", 0.4),
]
CONTEXT = 256


class Graph:
    """A sequence in a session: knows the graph's inputs by name."""

    def __init__(self, path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = ort.InferenceSession(str(path), options,
                                            providers=["CPUExecutionProvider"])
        self.inputs = {i.name: i for i in self.session.get_inputs()}
        self.outputs = [o.name for o in self.session.get_outputs()]
        self.fused = "seqlens_k" in self.inputs
        self.n_past = 0
        self.past = {}
        for name, value in self.inputs.items():
            if name.startswith("past_key_values."):
                _, heads, _, width = value.shape
                kind = np.float16 if value.type == "tensor(float16)" else np.float32
                length = CONTEXT if self.fused else 0
                self.past[name] = np.zeros((1, heads, length, width), kind)

    def run(self, ids, rows):
        total = self.n_past + len(ids)
        feed = dict(self.past, input_ids=np.array([ids], np.int64),
                    logits_rows=np.array(rows, np.int64))
        if self.fused:
            feed["seqlens_k"] = np.array([total - 1], np.int32)
            feed["total_sequence_length"] = np.array(total, np.int32)
        else:
            feed["position_ids"] = np.arange(self.n_past, total, dtype=np.int64)[None]
        if "attention_mask" in self.inputs:
            feed["attention_mask"] = np.ones((1, total), np.int64)
        assert set(feed) == set(self.inputs), set(feed) ^ set(self.inputs)
        values = dict(zip(self.outputs, self.session.run(self.outputs, feed)))
        self.past = {n: values[n.replace("past_key_values", "present")] for n in self.past}
        self.n_past = total
        return values["logits"]


def logits_of(path, prompt, ids, blocks):
    """Logits behind each token of prompt and ids, the prompt in so many blocks."""
    graph, out = Graph(path), []
    size = -(-len(prompt) // blocks)
    for begin in range(0, len(prompt), size):
        block = prompt[begin:begin + size]
        out.append(graph.run(block, range(len(block))))
    for token in ids[:-1]:
        out.append(graph.run([token], [0]))
    return np.concatenate(out)


def check_structure(folder, variant):
    path = folder / "model.onnx"
    onnx.checker.check_model(str(path))
    model = onnx.load(str(path), load_external_data=False)
    names = [n.name for n in model.graph.node]
    assert len(names) == len(set(names)), "names of nodes are not unique"
    metadata = {p.key: p.value for p in model.metadata_props}
    assert metadata["smolwatt.strategy"] == variant[0] or variant[2] == "half", metadata
    size = (folder / "model.onnx.data").stat().st_size
    end = 0
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            assert len(tensor.raw_data) <= 64, tensor.name
            continue
        place = {e.key: e.value for e in tensor.external_data}
        offset, length = int(place["offset"]), int(place["length"])
        assert place["location"] == "model.onnx.data" and offset % 4096 == 0 and offset >= end
        end = offset + length
    assert end == size, f"data file has {size} bytes, the graph {end}"
    return model


def dequantise(values, scales, k, bits):
    """Weights [n, k] of MatMulNBits."""
    if bits == 4:
        values = np.stack([values & 15, values >> 4], axis=3).reshape(*values.shape[:2], -1)
    whole = (values.astype(np.float32) - (1 << (bits - 1))) * scales[:, :, None]
    flat = whole.reshape(whole.shape[0], -1)
    assert not flat[:, k:].any(), "padding is not zero"
    return flat[:, :k]


class Model:
    """Nodes and constants put in front of a node, to say in plain operators what it does."""

    def __init__(self, model):
        self.graph = model.graph
        self.constants = {t.name: t for t in model.graph.initializer}
        self.nodes, self.n = [], 0

    def constant(self, array):
        self.n += 1
        name = f"plain_constant_{self.n}"
        self.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind, *inputs, n_outputs=1, **attributes):
        self.n += 1
        outputs = [f"plain_{self.n}_{i}" for i in range(n_outputs)]
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0] if n_outputs == 1 else outputs

    def array(self, name):
        return onnx.numpy_helper.to_array(self.constants[name])

    def round_blocks(self, x, k, block):
        """x, each block of columns rounded to 255 steps: largest absolute value / 127."""
        n_blocks = -(-k // block)
        flat = self.op("Reshape", x, self.constant([-1, k]))
        flat = self.op("Pad", flat, self.constant([0, n_blocks * block - k]), "",
                       self.constant([1]))
        blocks = self.op("Reshape", flat, self.constant([-1, n_blocks, block]))
        most = self.op("ReduceMax", self.op("Abs", blocks), self.constant([2]))
        scale = self.op("Div", most, self.constant(np.float32(127)))
        least = self.op("Max", scale, self.constant(np.float32(1e-30)))
        steps = self.op("Round", self.op("Div", blocks, least))
        flat = self.op("Reshape", self.op("Mul", steps, scale),
                       self.constant([-1, n_blocks * block]))
        flat = self.op("Slice", flat, self.constant([0]), self.constant([k]), self.constant([1]))
        return self.op("Reshape", flat, self.op("Shape", x))

    def round_tensor(self, x):
        """x in 8 bits with one scale, and back."""
        return self.op("DequantizeLinear", *self.op("DynamicQuantizeLinear", x, n_outputs=3))


def write_plainly(model, folder, path):
    """The same graph with every product of quantised numbers as a float product of what they stand
    for. Returns how many there are."""
    onnx.load_external_data_for_model(model, str(folder))
    plain, n_replaced = Model(model), 0
    for node in model.graph.node:
        if node.op_type in ("MatMulNBits", "DynamicQuantizeMatMul"):
            x = node.input[0]
            values, scales = (plain.array(name) for name in node.input[1:3])
            a = {attribute.name: attribute.i for attribute in node.attribute}
            if node.op_type == "MatMulNBits":
                weights = dequantise(values, scales, a["K"], a["bits"]).T
                x = plain.round_blocks(x, a["K"], a["block_size"])
            else:
                weights = (values.astype(np.float32) - 128) * scales
                x = plain.round_tensor(x)
            node = onnx.helper.make_node(
                "MatMul", [x, plain.constant(np.ascontiguousarray(weights))], list(node.output))
            n_replaced += 1
        plain.nodes.append(node)
    nodes = list(plain.nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save_model(model, str(path))
    return n_replaced


def check(writer, name, golden, variant, folder):
    strategy, graph, extra, bound = variant
    command = [writer, name, strategy, graph, str(folder)] + ([extra] if extra else [])
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not answer.startswith("refused"), answer
    model = check_structure(folder, variant)
    prompt, ids = golden["prompt_ids"], golden["ids"]
    expected = {row["position"]: np.array(row["values"]) for row in golden["logits"]}
    is_spelled_out = write_plainly(model, folder, folder / "plain.onnx") > 0
    if is_spelled_out:
        expected = dict(enumerate(logits_of(folder / "plain.onnx", prompt, ids, 1)))
    # Scales of a dynamically quantised graph are those of a call.
    worst = 0
    whole = strategy == "quantization_dynamic8bit" or extra == "prefill"
    for blocks in ((1,) if whole else (1, 3)):
        logits = logits_of(folder / "model.onnx", prompt, ids, blocks)
        assert np.isfinite(logits).all()
        errors = [np.abs(logits[p] - row).max() / np.abs(row).max() for p, row in expected.items()]
        assert max(errors) <= bound, f"logits differ by {max(errors):.3g}"
        # Where a number lies between two steps, either may be taken, and such a step carries far
        # in the smallest models; most positions have none.
        if is_spelled_out:
            assert np.median(errors) <= 1e-5, f"half of all differ by {np.median(errors):.3g}"
        worst = max(worst, *errors)
        if bound <= 1e-4:
            greedy = logits[len(prompt) - 1:].argmax(axis=1)
            assert list(greedy) == ids, "greedy ids differ"
    return f"{answer.split()[0]}, {worst:.2g}"


def main():
    writer, models = sys.argv[1], sys.argv[2:]
    n = failures = 0
    for pair in models:
        name, path = pair.split("=")
        golden = json.loads(Path(path).read_text())
        for variant in VARIANTS:
            n += 1
            label = " ".join(filter(None, (Path(name).name, *variant[:3])))
            with tempfile.TemporaryDirectory() as folder:
                try:
                    seen = check(writer, name, golden, variant, Path(folder))
                    print(f"ok {n} - {label} ({seen})", flush=True)
                except Exception as problem:  # a test names what it met
                    failures += 1
                    print(f"not ok {n} - {label}\n# {problem!r}"[:2000], flush=True)
    print(f"1..{n}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
