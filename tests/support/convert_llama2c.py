#!/usr/bin/env python3
"""Writes a llama2.c checkpoint (the legacy format: seven int32, then float32) as a Hugging Face
folder: config.json and model.safetensors, fp32.

    convert_llama2c.py MODEL.bin FOLDER

llama2.c rotates neighbouring elements of a head (2i, 2i + 1), Hugging Face's Llama the two halves
(i, i + head_dim / 2): the rows of the query and key matrices are put in the other order. Standard
library only.
"""
import json
import os
import struct
import sys


def permuted(rows, n_heads, head_dim):
    """Rows of one matrix, (n_heads * head_dim) of them, from neighbours to halves."""
    out = []
    for head in range(n_heads):
        first = head * head_dim
        for odd in (0, 1):
            out += [rows[first + 2 * i + odd] for i in range(head_dim // 2)]
    return out


def convert(source, folder):
    with open(source, "rb") as file:
        data = file.read()
    dim, hidden, n_layers, n_heads, n_kv_heads, vocab, positions = struct.unpack_from("<7i", data)
    tied, vocab = vocab > 0, abs(vocab)
    head_dim = dim // n_heads
    kv_dim = n_kv_heads * head_dim
    at = 28

    def take(n_rows, n_cols):
        nonlocal at
        size = n_rows * n_cols * 4
        rows = [data[at + i * n_cols * 4:at + (i + 1) * n_cols * 4] for i in range(n_rows)]
        at += size
        if at > len(data):
            sys.exit(f"{source}: cut short at byte {len(data)}")
        return rows

    tensors = {"model.embed_tokens.weight": ([vocab, dim], take(vocab, dim))}

    def per_layer(name, n_rows, n_cols, heads=0):
        for layer in range(n_layers):
            rows = take(n_rows, n_cols)
            if heads:
                rows = permuted(rows, heads, head_dim)
            shape = [n_rows, n_cols] if n_rows > 1 else [n_cols]
            tensors[f"model.layers.{layer}.{name}.weight"] = (shape, rows)

    per_layer("input_layernorm", 1, dim)
    per_layer("self_attn.q_proj", dim, dim, n_heads)
    per_layer("self_attn.k_proj", kv_dim, dim, n_kv_heads)
    per_layer("self_attn.v_proj", kv_dim, dim)
    per_layer("self_attn.o_proj", dim, dim)
    per_layer("post_attention_layernorm", 1, dim)
    per_layer("mlp.gate_proj", hidden, dim)
    per_layer("mlp.down_proj", dim, hidden)
    per_layer("mlp.up_proj", hidden, dim)
    tensors["model.norm.weight"] = ([dim], take(1, dim))
    take(positions, head_dim)  # the rotary tables, cosines then sines; computed, not read
    if not tied:
        tensors["lm_head.weight"] = ([vocab, dim], take(vocab, dim))
    if at != len(data):
        sys.exit(f"{source}: {len(data) - at} bytes are left over")

    header, blob = {"__metadata__": {"format": "pt"}}, b""
    for name, (shape, rows) in tensors.items():
        piece = b"".join(rows)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(blob), len(blob) + len(piece)]}
        blob += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": n_layers,
        "hidden_size": dim, "intermediate_size": hidden, "num_attention_heads": n_heads,
        "num_key_value_heads": n_kv_heads, "vocab_size": vocab, "max_position_embeddings": positions,
        "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": tied, "bos_token_id": 1, "eos_token_id": 2,
    }
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert(sys.argv[1], sys.argv[2])
