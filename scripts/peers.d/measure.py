"""One sample of a row: a process of its own, which warms up, measures once and ends. Gives seconds
of the prefill and of a decoded token; smolwatt's also the limits that it saw meanwhile."""

import json
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
LIMIT_S = 300


class Failure(Exception):
    """Why a row has no sample, in one line."""


class Bench:
    def __init__(self, place, smolwatt, threads, n_prompt, n_gen):
        self.place, self.smolwatt, self.threads = place, smolwatt, threads
        self.n_prompt, self.n_gen = n_prompt, n_gen

    def output(self, *command):
        try:
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"no end after {LIMIT_S} s") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise Failure(lines[-1])
        return done.stdout

    def work(self):
        return [self.threads, self.n_prompt, self.n_gen]

    def smolwatt_row(self, row):
        results = json.loads(self.output(
            self.smolwatt, "bench", "--strategy", row.weights, "-t", self.threads, "-p",
            self.n_prompt, "-n", self.n_gen, "-r", 1, "-o", "json"))
        sample = {}
        for result in results:
            rate, limits = result["tokens_per_second"], {}
            limits["read"] = result["read_limit_bytes_per_second"]
            if result["compute_limit"] == "fma_f32":
                limits["fma"] = result["compute_limit_operations_per_second"]
            if result["test"].startswith("pp"):
                sample.update(prefill_s=self.n_prompt / rate, prefill_share=result["limit_fraction"])
                if "fma" in limits:
                    sample["fma"] = limits["fma"]
            else:
                sample.update(token_s=1 / rate, token_share=result["limit_fraction"])
                sample["read"] = limits["read"]
            sample.update(isa=result["isa"], arithmetic=result["arithmetic"])
        return {row.name: sample}

    def llama_row(self, row):
        results = json.loads(self.output(
            self.place.llama_bench, "-m", self.place.models / (row.name + ".gguf"), "-t",
            self.threads, "-p", self.n_prompt, "-n", self.n_gen, "-r", 1, "-o", "json"))
        sample = {}
        for result in results:
            if result["n_gen"]:
                sample["token_s"] = 1 / result["avg_ts"]
            else:
                sample["prefill_s"] = self.n_prompt / result["avg_ts"]
        return {row.name: sample}

    def lines(self, *command):
        out = [json.loads(line) for line in self.output(self.place.python, *command).splitlines()]
        return {line.pop("row"): line for line in out}

    def ort_row(self, row):
        script = "ort_exporter.py" if "exporter" in row.name else "ort_fused.py"
        return self.lines(HERE / script, "measure", self.place.models, row.name, *self.work())

    def torch_rows(self, rows):
        names = ",".join(row.name for row in rows)
        return self.lines(HERE / "torch_model.py", names, *self.work())
