#!/usr/bin/env python3
"""Makes the golden fixtures of tests/golden: tiny random Llama checkpoints and what the reference
library computes from them. Needs torch, transformers and safetensors (the versions used are written
into every golden.json); the build and the tests need none of them.

    make-golden.py FIXTURES [SHARED]      e.g. tests/fixtures/golden ../shared

For each shape a seed is searched whose greedy continuation is neither a short cycle nor decided by
a hair (the two greatest logits are at least 2e-3 of the greatest apart at every step), so that 100
equal ids mean something and do not hang on the last bit. The reference loads the very folder that
is committed, with its weights widened to fp32. With SHARED, the trained models there are run too;
only ids and logits are written for them, to trained-<name>.json.
"""
import json
import os
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../tests/support"))
from convert_llama2c import convert  # noqa: E402

N_NEW = 100
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}

# layers, dim, hidden, heads, kv heads, vocab; then what is special
SHAPES = {
    "gqa1-untied": (2, 24, 40, 4, 4, 96, {}),
    "gqa3-tied": (2, 48, 40, 6, 2, 96, {"tied": "model.embed_tokens.weight"}),
    "gqa4-tied-head": (2, 32, 48, 8, 2, 96, {"tied": "lm_head.weight", "theta": 500000.0}),
    "bf16": (2, 32, 48, 4, 2, 96, {"dtype": torch.bfloat16, "tied": "model.embed_tokens.weight"}),
    "f16-sharded": (2, 32, 48, 4, 1, 96, {"dtype": torch.float16, "shards": 3}),
    "rope-linear": (2, 24, 40, 2, 1, 96, {"rope_scaling": {"type": "linear", "factor": 2.5}}),
    "rope-llama3": (2, 32, 40, 2, 2, 96, {"rope_scaling": LLAMA3}),
    "rope-llama3-v5": (2, 32, 40, 2, 1, 96, {"rope_parameters": {**LLAMA3, "rope_theta": 50000.0}}),
    "head-dim": (2, 24, 40, 4, 2, 96, {"head_dim": 14}),
    "odd-sizes": (3, 30, 71, 3, 1, 101, {}),
    "biases": (2, 24, 40, 4, 2, 96, {"biases": True}),
    "one-of-each": (1, 22, 13, 1, 1, 67, {"tied": "model.embed_tokens.weight", "eps": 1e-6}),
}


def config_of(shape):
    n_layers, dim, hidden, heads, kv_heads, vocab, extra = shape
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": n_layers,
        "hidden_size": dim, "intermediate_size": hidden, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "vocab_size": vocab, "hidden_act": "silu",
        "max_position_embeddings": 192, "rms_norm_eps": extra.get("eps", 1e-5),
        "tie_word_embeddings": "tied" in extra, "attention_bias": "biases" in extra,
        "mlp_bias": "biases" in extra, "bos_token_id": 1, "eos_token_id": 2,
    }
    dtype = str(extra.get("dtype", torch.float32)).removeprefix("torch.")
    if "rope_parameters" in extra:  # the spelling of transformers 5
        config["rope_parameters"] = extra["rope_parameters"]
        config["dtype"] = dtype
    else:
        config["rope_theta"] = extra.get("theta", 10000.0)
        config["rope_scaling"] = extra.get("rope_scaling")
        config["torch_dtype"] = dtype
    if "head_dim" in extra:
        config["head_dim"] = extra["head_dim"]
    return config


def tensors_of(shape, seed):
    n_layers, dim, hidden, heads, kv_heads, vocab, extra = shape
    head_dim = extra.get("head_dim", dim // heads)
    q_rows, kv_rows = heads * head_dim, kv_heads * head_dim
    generator = torch.Generator().manual_seed(seed)

    def normal(*size, std):
        values = torch.randn(*size, generator=generator, dtype=torch.float32) * std
        return values.to(extra.get("dtype", torch.float32))

    out = {}
    if "tied" in extra:
        out[extra["tied"]] = normal(vocab, dim, std=0.8)
    else:
        out["model.embed_tokens.weight"] = normal(vocab, dim, std=0.8)
        out["lm_head.weight"] = normal(vocab, dim, std=0.5)
    out["model.norm.weight"] = 1 + normal(dim, std=0.1)
    for layer in range(n_layers):
        matrices = {"self_attn.q_proj": (q_rows, dim), "self_attn.k_proj": (kv_rows, dim),
                    "self_attn.v_proj": (kv_rows, dim), "self_attn.o_proj": (dim, q_rows),
                    "mlp.gate_proj": (hidden, dim), "mlp.up_proj": (hidden, dim),
                    "mlp.down_proj": (dim, hidden)}
        for name, (rows, cols) in matrices.items():
            out[f"model.layers.{layer}.{name}.weight"] = normal(rows, cols, std=1.5 / cols**0.5)
            if "biases" in extra:
                out[f"model.layers.{layer}.{name}.bias"] = normal(rows, std=0.3)
        for name in ("input_layernorm", "post_attention_layernorm"):
            out[f"model.layers.{layer}.{name}.weight"] = 1 + normal(dim, std=0.1)
    return out


def write_weights(folder, tensors, n_shards):
    metadata = {"format": "pt"}
    if n_shards == 1:
        save_file(tensors, os.path.join(folder, "model.safetensors"), metadata)
        return
    names = sorted(tensors)
    weight_map = {}
    for i in range(n_shards):
        file = f"model-{i + 1:05}-of-{n_shards:05}.safetensors"
        part = {name: tensors[name] for name in names[i::n_shards]}
        save_file(part, os.path.join(folder, file), metadata)
        weight_map.update({name: file for name in part})
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {"total_size": size}, "weight_map": weight_map}, file, indent=1)
        file.write("\n")


@torch.no_grad()
def reference(folder, prompt):
    """What transformers computes from the folder: greedy ids, logits at some positions, score."""
    model = transformers.LlamaForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids, margins = list(prompt), []
    for _ in range(N_NEW):
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        top = logits.topk(2).values
        margins.append(float((top[0] - top[1]) / logits.abs().max()))
        ids.append(int(logits.argmax()))
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    log_probabilities = logits.double().log_softmax(-1)
    nll = -sum(float(log_probabilities[i, prompt[i + 1]]) for i in range(len(prompt) - 1))
    n = len(prompt)
    return {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "prompt_ids": prompt, "ids": ids[n:], "smallest_margin": round(min(margins), 6),
        "prompt_nll": nll / (n - 1),
        "logprobs": [round(float(log_probabilities[n - 1 + i, ids[n + i]]), 9) for i in range(N_NEW)],
        "logits": [{"position": p, "values": [float(f"{x:.9g}") for x in logits[p].tolist()]}
                   for p in (0, n - 1, n + 10, n + N_NEW - 2)],
    }


def write_golden(path, golden):
    """One value of the object a line."""
    with open(path, "w") as file:
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items()]
        file.write("{" + ",\n ".join(lines) + "}\n")


def make_random(fixtures, name, shape):
    folder = os.path.join(fixtures, name)
    for seed in range(1000):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(config_of(shape), file, indent=1)
            file.write("\n")
        write_weights(folder, tensors_of(shape, seed), shape[6].get("shards", 1))
        generator = torch.Generator().manual_seed(seed)
        prompt = torch.randint(0, shape[5], (17,), generator=generator).tolist()
        golden = reference(folder, prompt)
        tail = golden["ids"][-40:]
        if golden["smallest_margin"] >= 2e-3 and len(set(tail)) >= 12:
            write_golden(os.path.join(folder, "golden.json"), {"seed": seed, **golden})
            print(name, "seed", seed, "margin", golden["smallest_margin"], "distinct",
                  len(set(golden["ids"])), golden["prompt_nll"], flush=True)
            return
    sys.exit(f"{name}: no seed was good")


def make_trained(fixtures, shared):
    story = os.path.join(shared, "data/story-llama-hf")
    write_golden(os.path.join(fixtures, "trained-story-llama-hf.json"),
                 reference(story, [1, 80, 147, 201, 282, 57]))
    with tempfile.TemporaryDirectory() as folder:
        convert(os.path.join(shared, "data/stories260K/stories260K.bin"), folder)
        write_golden(os.path.join(fixtures, "trained-stories260K.json"),
                     reference(folder, [1, 403, 407, 261, 378]))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name, shape in SHAPES.items():
        make_random(sys.argv[1], name, shape)
    if len(sys.argv) > 2:
        make_trained(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
