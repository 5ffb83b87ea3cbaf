"""GGUF files of the shape, without a vocabulary: what `llama-quantize` would make of it. Its q4_0
keeps the table of embeddings, which is the head here, in q8_0 (q6_K needs rows of 256)."""

import sys
from pathlib import Path

import gguf
import numpy as np

import shape as s

F32, BF16 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.BF16
Q8_0, Q4_0 = gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0
# layers, table, and the number that says so in the file
FORMS = {"llama-f32": (F32, F32, gguf.LlamaFileType.ALL_F32),
         "llama-bf16": (BF16, BF16, gguf.LlamaFileType.MOSTLY_BF16),
         "llama-q8_0": (Q8_0, Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
         "llama-q4_0": (Q4_0, Q8_0, gguf.LlamaFileType.MOSTLY_Q4_0)}


def write(path, layers, table, file_type):
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name("SmolLM-135M shape, random weights")
    out.add_file_type(file_type)
    out.add_context_length(s.POSITIONS)
    out.add_embedding_length(s.DIM)
    out.add_block_count(s.LAYERS)
    out.add_feed_forward_length(s.HIDDEN)
    out.add_head_count(s.HEADS)
    out.add_head_count_kv(s.KV_HEADS)
    out.add_layer_norm_rms_eps(s.NORM_EPSILON)
    out.add_rope_dimension_count(s.HEAD)
    out.add_rope_freq_base(s.ROPE_THETA)
    out.add_vocab_size(s.VOCAB)
    out.add_tokenizer_model("no_vocab")

    def matrix(name, kind, n, k):
        data = gguf.quants.quantize(s.weights(name, n, k), kind)
        out.add_tensor(name, data, raw_dtype=kind)

    def norm(name):
        out.add_tensor(name, np.ones(s.DIM, np.float32))

    width = s.KV_HEADS * s.HEAD
    matrix("token_embd.weight", table, s.VOCAB, s.DIM)
    norm("output_norm.weight")
    for i in range(s.LAYERS):
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
        for name, n, k in (("attn_q", s.DIM, s.DIM), ("attn_k", width, s.DIM),
                           ("attn_v", width, s.DIM), ("attn_output", s.DIM, s.DIM),
                           ("ffn_gate", s.HIDDEN, s.DIM), ("ffn_up", s.HIDDEN, s.DIM),
                           ("ffn_down", s.DIM, s.HIDDEN)):
            matrix(f"blk.{i}.{name}.weight", layers, n, k)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main():
    """llama_files.py FOLDER"""
    folder = Path(sys.argv[1])
    for row, form in FORMS.items():
        path = folder / (row + ".gguf")
        if not path.exists():
            part = folder / "part.gguf"
            write(part, *form)
            part.rename(path)


if __name__ == "__main__":
    main()
