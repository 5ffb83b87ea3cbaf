"""ONNX Runtime with the fused operators of its own transformer kernels: GroupQueryAttention with
rotary positions inside, skip-norms, logits of the last token only, caches bound in place (past and
present are the same memory), nothing copied between steps."""

import sys
from pathlib import Path

import numpy as np

import shape as s
from ort_build import FLOAT, INT32, INT64, MS, Graph
from ort_session import open_session

CAPACITY = 320  # positions of a cache
VARIANTS = {"ort-fp32": ("f32", "f32"), "ort-nbits8": ("nbits8", "nbits8"),
            "ort-dynamic8": ("dynamic8", "dynamic8"), "ort-nbits4": ("nbits4", "nbits8")}


def quantise_blocks(w, bits, block):
    """w [n, k] to unsigned values around 2^(bits-1), with a scale a block: MatMulNBits' layout."""
    n, k = w.shape
    middle = 1 << (bits - 1)
    blocks = w.reshape(n, k // block, block)
    scales = np.abs(blocks).max(axis=2, keepdims=True) / (middle - 1)
    q = (np.rint(blocks / scales) + middle).astype(np.uint8)
    if bits == 4:
        q = q[:, :, 0::2] | (q[:, :, 1::2] << 4)
    return q, scales[:, :, 0]


def product(g, form, x, name, w):
    """x times the transpose of w [n, k], in one of the forms."""
    n, k = w.shape
    if form == "f32":
        return g.op("MatMul", [x, g.const(name, w.T)])
    if form == "dynamic8":
        scales = np.abs(w).max(axis=1) / 127
        q = np.rint(w / scales[:, None]).astype(np.int8)
        return g.op("DynamicQuantizeMatMul",
                    [x, g.const(name, q.T), g.const(name + ".scale", scales)], domain=MS)
    bits, block = {"nbits8": (8, 64), "nbits4": (4, 32)}[form]
    q, scales = quantise_blocks(w, bits, block)
    return g.op("MatMulNBits", [x, g.const(name, q), g.const(name + ".scale", scales)], domain=MS,
                K=k, N=n, bits=bits, block_size=block, accuracy_level=4)


def attention(g, i, form, y, rope):
    """The attention half of layer i, up to its output product; rope is the two tables' names."""
    cache = [g.input(f"past_{kv}.{i}", FLOAT, [1, s.KV_HEADS, "past", s.HEAD])
             for kv in ("key", "value")]
    present = [f"present_{kv}.{i}" for kv in ("key", "value")]
    for name in present:
        g.output(name, FLOAT, [1, s.KV_HEADS, "total", s.HEAD])
    qkv = product(g, form, y, f"qkv.{i}", s.weights(f"qkv.{i}", s.QKV, s.DIM))
    heads = g.op("GroupQueryAttention",
                 [qkv, "", "", *cache, "seqlens_k", "total_sequence_length", *rope],
                 [f"heads.{i}", *present], domain=MS, num_heads=s.HEADS, kv_num_heads=s.KV_HEADS,
                 do_rotary=1, rotary_interleaved=0, scale=s.HEAD ** -0.5, local_window_size=-1)
    return product(g, form, heads, f"o.{i}", s.weights(f"o.{i}", s.DIM, s.DIM))


def feed_forward(g, i, form, y):
    gate = product(g, form, y, f"gate.{i}", s.weights(f"gate.{i}", s.HIDDEN, s.DIM))
    up = product(g, form, y, f"up.{i}", s.weights(f"up.{i}", s.HIDDEN, s.DIM))
    silu = g.op("QuickGelu", [gate], domain=MS, alpha=1.0)
    both = g.op("Mul", [silu, up])
    return product(g, form, both, f"down.{i}", s.weights(f"down.{i}", s.DIM, s.HIDDEN))


def skip_norm(g, name, residual, added, last=False):
    gamma = g.const(name, np.ones(s.DIM, np.float32))
    outputs = [name + ".y"] if last else [name + ".y", "", "", name + ".sum"]
    g.op("SkipSimplifiedLayerNormalization", [residual, added, gamma], outputs, domain=MS,
         epsilon=s.NORM_EPSILON)
    return outputs[0], outputs[-1]


def rope_tables(g):
    frequency = s.ROPE_THETA ** (-np.arange(0, s.HEAD, 2) / s.HEAD)
    angle = np.outer(np.arange(s.POSITIONS), frequency)
    return [g.const("cos", np.cos(angle).astype(np.float32)),
            g.const("sin", np.sin(angle).astype(np.float32))]


def build(path, form, head_form):
    g = Graph()
    ids = g.input("input_ids", INT64, [1, "s"])
    g.input("seqlens_k", INT32, [1])
    g.input("total_sequence_length", INT32, [])
    g.output("logits", FLOAT, [1, s.VOCAB])
    rope = rope_tables(g)
    table = s.weights("embedding", s.VOCAB, s.DIM)
    embedding = g.const("embedding", table)
    h = g.op("Gather", [embedding, ids], axis=0)
    y = g.op("SimplifiedLayerNormalization", [h, g.const("norm", np.ones(s.DIM, np.float32))],
             axis=-1, epsilon=s.NORM_EPSILON, stash_type=1)
    for i in range(s.LAYERS):
        y, h = skip_norm(g, f"norm2.{i}", h, attention(g, i, form, y, rope))
        y, h = skip_norm(g, f"norm1.{i}", h, feed_forward(g, i, form, y), i + 1 == s.LAYERS)
    last = g.op("Gather", [y, g.const("last", np.array(-1, np.int64))], axis=1)
    if head_form == "f32":
        g.op("FusedMatMul", [last, embedding], ["logits"], domain=MS, transB=1)
    else:
        g.op("Identity", [product(g, head_form, last, "head", table)], ["logits"])
    g.save(path)


class Runner:
    """One session; the buffers are numpy's, bound by address."""

    def __init__(self, path, threads):
        self.session = open_session(path, threads)
        self.caches = [np.zeros((1, s.KV_HEADS, CAPACITY, s.HEAD), np.float32)
                       for _ in range(2 * s.LAYERS)]
        self.logits = np.zeros((1, s.VOCAB), np.float32)
        self.seqlens = np.zeros(1, np.int32)
        self.total = np.zeros((), np.int32)
        self.token = np.zeros((1, 1), np.int64)
        self.step_binding = self.bind(self.token)

    def bind(self, ids):
        binding = self.session.io_binding()

        def place(function, name, array):
            function(name, "cpu", 0, array.dtype.type, list(array.shape), array.ctypes.data)

        place(binding.bind_input, "input_ids", ids)
        place(binding.bind_input, "seqlens_k", self.seqlens)
        place(binding.bind_input, "total_sequence_length", self.total)
        for n, cache in enumerate(self.caches):
            name = f"{('key', 'value')[n % 2]}.{n // 2}"
            place(binding.bind_input, "past_" + name, cache)
            place(binding.bind_output, "present_" + name, cache)
        place(binding.bind_output, "logits", self.logits)
        return binding

    def run(self, binding, total):
        self.total[...] = total
        self.seqlens[0] = total - 1
        self.session.run_with_iobinding(binding)
        return int(self.logits.argmax())

    def prefill(self, ids):
        ids = np.ascontiguousarray(ids[None])
        return self.run(self.bind(ids), ids.shape[1])

    def step(self, token):
        self.token[0, 0] = token
        return self.run(self.step_binding, int(self.total) + 1)


def main():
    """ort_fused.py prepare FOLDER | measure FOLDER ROW THREADS N_PROMPT N_GEN"""
    folder = Path(sys.argv[2])
    if sys.argv[1] == "prepare":
        for row, forms in VARIANTS.items():
            path = folder / (row + ".onnx")
            if not path.exists():
                build(path, *forms)
        return
    row, threads, n_prompt, n_gen = sys.argv[3], *map(int, sys.argv[4:7])
    runner = Runner(folder / (row + ".onnx"), threads)
    s.report(row, s.measure(runner.prefill, runner.step, n_prompt, n_gen))


if __name__ == "__main__":
    main()
