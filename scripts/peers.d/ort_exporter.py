"""ONNX Runtime with the kind of graph that exporters of Transformers write: plain operators, norms
and rotary positions spelled out, keys and values repeated for their query heads, past and present
concatenated and passed through the session, logits of every position. Made by hand after the graph
of optimum's exporter, whose releases need a Transformers of their own time.

Its int8 form is onnxruntime.quantization's dynamic one with the options that the study chose through
optimum: weights per channel, all MatMul (those of the attention too) and the table of embeddings,
hence the head."""

import sys
from pathlib import Path

import numpy as np

import shape as s
from ort_build import FLOAT, INT64, Graph
from ort_session import open_session


class Exporter(Graph):
    def ints(self, *values):
        name = "ints" + "_".join(map(str, values))
        if all(c.name != name for c in self.initializers):
            self.const(name, np.array(values, np.int64))
        return name

    def slice(self, x, begin, end, axis):
        return self.op("Slice", [x, self.ints(begin), self.ints(end), self.ints(axis)])

    def product(self, x, name, n, k):
        return self.op("MatMul", [x, self.const(name, s.weights(name, n, k).T)])

    def norm(self, x, name):
        mean = self.op("ReduceMean", [self.op("Pow", [x, "two"]), self.ints(-1)], keepdims=1)
        root = self.op("Sqrt", [self.op("Add", [mean, "epsilon"])])
        scaled = self.op("Mul", [x, self.op("Div", ["one", root])])
        return self.op("Mul", [self.const(name, np.ones(s.DIM, np.float32)), scaled])

    def heads(self, x, n):
        x = self.op("Reshape", [x, self.ints(1, -1, n, s.HEAD)])
        return self.op("Transpose", [x], perm=[0, 2, 1, 3])

    def rotate(self, x):
        half = s.HEAD // 2
        turned = self.op("Concat", [self.op("Neg", [self.slice(x, half, s.HEAD, 3)]),
                                    self.slice(x, 0, half, 3)], axis=3)
        return self.op("Add", [self.op("Mul", [x, "cos"]), self.op("Mul", [turned, "sin"])])

    def extend(self, kind, i, new):
        """Past and new keys or values one behind the other, then each repeated for its queries."""
        past = self.input(f"past_{kind}.{i}", FLOAT, [1, s.KV_HEADS, "past", s.HEAD])
        name = f"present_{kind}.{i}"
        self.output(name, FLOAT, [1, s.KV_HEADS, "total", s.HEAD])
        self.op("Concat", [past, new], [name], axis=2)
        wide = self.op("Unsqueeze", [name, self.ints(2)])
        group = s.HEADS // s.KV_HEADS
        wide = self.op("Expand", [wide, self.ints(1, s.KV_HEADS, group, 1, s.HEAD)])
        return self.op("Reshape", [wide, self.ints(1, s.HEADS, -1, s.HEAD)])

    def attention(self, y, i):
        query = self.rotate(self.heads(self.product(y, f"q.{i}", s.DIM, s.DIM), s.HEADS))
        width = s.KV_HEADS * s.HEAD
        key = self.rotate(self.heads(self.product(y, f"k.{i}", width, s.DIM), s.KV_HEADS))
        value = self.heads(self.product(y, f"v.{i}", width, s.DIM), s.KV_HEADS)
        keys, values = self.extend("key", i, key), self.extend("value", i, value)
        keys = self.op("Transpose", [keys], perm=[0, 1, 3, 2])
        scores = self.op("Div", [self.op("MatMul", [query, keys]), "root_head"])
        shares = self.op("Softmax", [self.op("Add", [scores, "mask"])], axis=-1)
        mixed = self.op("Transpose", [self.op("MatMul", [shares, values])], perm=[0, 2, 1, 3])
        mixed = self.op("Reshape", [mixed, self.ints(1, -1, s.DIM)])
        return self.product(mixed, f"o.{i}", s.DIM, s.DIM)

    def feed_forward(self, y, i):
        gate = self.product(y, f"gate.{i}", s.HIDDEN, s.DIM)
        silu = self.op("Mul", [gate, self.op("Sigmoid", [gate])])
        both = self.op("Mul", [silu, self.product(y, f"up.{i}", s.HIDDEN, s.DIM)])
        return self.product(both, f"down.{i}", s.DIM, s.HIDDEN)

    def positions(self):
        """cos and sin [s, HEAD] of position_ids, and the causal mask [s, total] of this call."""
        positions = self.op("Cast", ["position_ids"], to=FLOAT)
        column = self.op("Transpose", [positions], perm=[1, 0])
        frequency = s.ROPE_THETA ** (-np.arange(0, s.HEAD, 2, dtype=np.float32) / s.HEAD)
        angle = self.op("Mul", [column, self.const("frequency", frequency[None])])
        angle = self.op("Concat", [angle, angle], axis=1)
        self.op("Cos", [angle], ["cos"])
        self.op("Sin", [angle], ["sin"])
        total = self.op("Gather", [self.op("Shape", ["attention_mask"]), "index_one"], axis=0)
        keys = self.op("Range", ["index_zero", total, "index_one"])
        queries = self.op("Transpose", ["position_ids"], perm=[1, 0])
        hidden = self.op("Greater", [keys, queries])
        self.op("Where", [hidden, "lowest", "zero"], ["mask"])


def build(path):
    g = Exporter()
    g.input("input_ids", INT64, [1, "s"])
    g.input("attention_mask", INT64, [1, "total"])
    g.input("position_ids", INT64, [1, "s"])
    g.output("logits", FLOAT, [1, "s", s.VOCAB])
    for name, value in (("zero", 0), ("one", 1), ("two", 2), ("epsilon", s.NORM_EPSILON),
                        ("root_head", s.HEAD ** 0.5), ("lowest", np.finfo(np.float32).min)):
        g.const(name, np.array(value, np.float32))
    g.const("index_zero", np.array(0, np.int64))
    g.const("index_one", np.array(1, np.int64))
    table = g.const("embedding", s.weights("embedding", s.VOCAB, s.DIM))
    g.positions()
    h = g.op("Gather", [table, "input_ids"], axis=0)
    for i in range(s.LAYERS):
        h = g.op("Add", [h, g.attention(g.norm(h, f"norm1.{i}"), i)])
        h = g.op("Add", [h, g.feed_forward(g.norm(h, f"norm2.{i}"), i)])
    head = g.op("Transpose", [table], perm=[1, 0])
    g.op("MatMul", [g.norm(h, "norm"), head], ["logits"])
    g.save(path)


def quantise(source, path):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, path, per_channel=True, weight_type=QuantType.QInt8,
                     op_types_to_quantize=["MatMul", "Gather", "Transpose"],
                     use_external_data_format=True, extra_options={"MatMulConstBOnly": False})


class Runner:
    def __init__(self, path, threads):
        self.session = open_session(path, threads)
        self.names = [o.name for o in self.session.get_outputs()]
        self.past_names = [n.replace("present", "past") for n in self.names[1:]]

    def run(self, ids, past):
        n_past = past[0].shape[2]
        total = n_past + ids.shape[1]
        feed = dict(zip(self.past_names, past))
        feed["input_ids"] = ids
        feed["attention_mask"] = np.ones((1, total), np.int64)
        feed["position_ids"] = np.arange(n_past, total, dtype=np.int64)[None]
        logits, *self.past = self.session.run(self.names, feed)
        return int(logits[0, -1].argmax())

    def prefill(self, ids):
        empty = np.zeros((1, s.KV_HEADS, 0, s.HEAD), np.float32)
        return self.run(ids[None], [empty] * (2 * s.LAYERS))

    def step(self, token):
        return self.run(np.array([[token]], np.int64), self.past)


def main():
    """ort_exporter.py prepare FOLDER | measure FOLDER ROW THREADS N_PROMPT N_GEN"""
    folder = Path(sys.argv[2])
    fp32, int8 = folder / "ort-exporter-fp32.onnx", folder / "ort-exporter-int8.onnx"
    if sys.argv[1] == "prepare":
        if not fp32.exists():
            build(fp32)
        if not int8.exists():
            quantise(fp32, int8)
        return
    row, threads, n_prompt, n_gen = sys.argv[3], *map(int, sys.argv[4:7])
    runner = Runner(folder / (row + ".onnx"), threads)
    s.report(row, s.measure(runner.prefill, runner.step, n_prompt, n_gen))


if __name__ == "__main__":
    main()
