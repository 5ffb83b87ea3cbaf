"""The rows of the table: who, in which weights, and how many bytes a decoded token reads.

A row's kind says whom it is compared with. The bytes leave out norms and cached keys and values.
Standard library only: `scripts/peers` reads this before anything is installed."""

from dataclasses import dataclass

HEAD = 49152 * 576  # table of embeddings, which is the head too
LAYERS = 30 * (576 * 960 + 576 * 576 + 3 * 576 * 1536)
ALL = HEAD + LAYERS


@dataclass(frozen=True)
class Row:
    name: str  # for --only and --skip
    engine: str
    weights: str  # as shown
    kind: str  # fp32, 16-bit, int8 or 4-bit
    bytes_per_token: float


SMOLWATT = [
    Row("smolwatt-none", "smolwatt", "none", "fp32", ALL * 4),
    Row("smolwatt-16bit-widened", "smolwatt", "quantization", "16-bit", ALL * 2),
    Row("smolwatt-bf16", "smolwatt", "quantization16bit", "16-bit", ALL * 2),
    Row("smolwatt-8bit", "smolwatt", "quantization8bit", "int8", ALL),
    Row("smolwatt-4bit", "smolwatt", "quantization4bit", "4-bit", HEAD + LAYERS * 0.5625),
]

LLAMA = [
    Row("llama-f32", "llama.cpp", "f32", "fp32", ALL * 4),
    Row("llama-bf16", "llama.cpp", "bf16", "16-bit", ALL * 2),
    Row("llama-q8_0", "llama.cpp", "q8_0", "int8", ALL * 1.0625),
    Row("llama-q4_0", "llama.cpp", "q4_0, head q8_0", "4-bit", HEAD * 1.0625 + LAYERS * 0.5625),
]

ORT_FUSED = [
    Row("ort-fp32", "ONNX Runtime, fused graph", "fp32", "fp32", ALL * 4),
    Row("ort-nbits8", "ONNX Runtime, fused graph", "MatMulNBits 8-bit, block 64", "int8",
        ALL * 1.0625),
    Row("ort-dynamic8", "ONNX Runtime, fused graph", "DynamicQuantizeMatMul int8", "int8", ALL),
    Row("ort-nbits4", "ONNX Runtime, fused graph", "MatMulNBits 4-bit, block 32, head 8-bit",
        "4-bit", HEAD * 1.0625 + LAYERS * 0.625),
]

ORT_EXPORTER = [
    Row("ort-exporter-fp32", "ONNX Runtime, exporter-like graph", "fp32", "fp32", ALL * 4),
    Row("ort-exporter-int8", "ONNX Runtime, exporter-like graph", "quantize_dynamic int8", "int8",
        ALL),
]

TORCH = [
    Row("torch-fp32", "Transformers", "fp32", "fp32", ALL * 4),
    Row("torch-int8", "Transformers", "quantize_dynamic int8", "int8", ALL),
]
