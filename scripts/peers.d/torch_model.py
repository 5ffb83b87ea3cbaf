"""Transformers on the CPU, in a plain greedy loop over its cache: fp32, and torch's dynamic int8 of
all linear layers, the head included. Both in one process, since its start is most of the time."""

import sys
import warnings

import torch
from transformers import LlamaConfig, LlamaForCausalLM

import shape as s


def model():
    config = LlamaConfig(
        vocab_size=s.VOCAB, hidden_size=s.DIM, intermediate_size=s.HIDDEN,
        num_hidden_layers=s.LAYERS, num_attention_heads=s.HEADS, num_key_value_heads=s.KV_HEADS,
        max_position_embeddings=s.POSITIONS, rms_norm_eps=s.NORM_EPSILON, tie_word_embeddings=True)
    torch.manual_seed(1)
    return LlamaForCausalLM(config).eval()


class Runner:
    def __init__(self, network):
        self.network = network

    def run(self, ids, cache):
        out = self.network(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self.cache = out.past_key_values
        return int(out.logits[0, -1].argmax())

    def prefill(self, ids):
        return self.run(torch.from_numpy(ids)[None], None)

    def step(self, token):
        return self.run(torch.tensor([[token]]), self.cache)


def main():
    """torch_model.py ROWS THREADS N_PROMPT N_GEN, rows with commas between"""
    rows, threads, n_prompt, n_gen = sys.argv[1].split(","), *map(int, sys.argv[2:5])
    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    network = model()
    with torch.inference_mode():
        if "torch-fp32" in rows:
            runner = Runner(network)
            s.report("torch-fp32", s.measure(runner.prefill, runner.step, n_prompt, n_gen))
        if "torch-int8" in rows:
            network = torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear},
                                                             dtype=torch.qint8)
            runner = Runner(network)
            s.report("torch-int8", s.measure(runner.prefill, runner.step, n_prompt, n_gen))


if __name__ == "__main__":
    main()
