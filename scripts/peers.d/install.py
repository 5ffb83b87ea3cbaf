"""Fetches and builds the peers into a folder of their own. Each step leaves a stamp with what it was
made from and is skipped while that has not changed."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = {"ort": ["onnxruntime", "onnx", "numpy"], "llama": ["gguf", "numpy", "cmake", "ninja"],
            "torch": ["torch", "transformers", "numpy"]}
LLAMA_OFF = ("BUILD_SHARED_LIBS", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_SERVER",
             "LLAMA_BUILD_APP", "LLAMA_BUILD_UI", "LLAMA_USE_PREBUILT_UI", "LLAMA_OPENSSL",
             "GGML_CCACHE")
# files of a peer's models, and the scripts that write them
MODELS = {"llama": (["llama_files.py"], ["llama_files.py", "shape.py"]),
          "ort-fused": (["ort_fused.py", "prepare"], ["ort_fused.py", "ort_build.py", "shape.py"]),
          "ort-exporter": (["ort_exporter.py", "prepare"],
                           ["ort_exporter.py", "ort_build.py", "shape.py"])}


class Place:
    """The cache folder: venv, sources, builds, models, and one log of all of it."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "venv/bin/python"
        self.llama_bench = folder / "llama-build/bin/llama-bench"
        self.models = folder / "models"

    def run(self, *command):
        with open(self.folder / "install.log", "ab") as log:
            command = ["nice", *map(str, command)]
            if subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL).returncode:
                raise RuntimeError(f"{' '.join(command)[:200]}: failed; see {log.name}")

    def step(self, name, made_from, action):
        stamp = self.folder / (name + ".stamp")
        digest = hashlib.sha256(repr(made_from).encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        print(f"peers: {name}", file=sys.stderr, flush=True)
        stamp.unlink(missing_ok=True)
        action()
        stamp.write_text(digest)

    def venv(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.step("venv", 1, lambda: self.run(sys.executable, "-m", "venv", self.folder / "venv"))

    def packages(self, peer):
        names = PACKAGES[peer]
        self.step("packages-" + peer, names,
                  lambda: self.run(self.python, "-m", "pip", "install", *names))

    def models_of(self, name):
        command, sources = MODELS[name]

        def write():
            self.models.mkdir(exist_ok=True)
            prefix = "llama" if name == "llama" else "ort"
            for old in self.models.glob(prefix + "-*"):
                if ("exporter" in old.name) == (name == "ort-exporter"):
                    old.unlink()
            self.run(self.python, HERE / command[0], *command[1:], self.models)

        self.step("models-" + name, [(HERE / f).read_bytes() for f in sources], write)

    def fetch_llama(self):
        """The source archive of llama-cpp-python holds llama.cpp. pip prepares its metadata on the
        way, which takes a few seconds."""
        archives = self.folder / "sdist"
        self.run(self.python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:",
                 "-d", archives, "llama-cpp-python")
        archive = max(archives.glob("llama_cpp_python-*.tar.gz"), key=lambda p: p.stat().st_mtime)
        with tarfile.open(archive) as tar:
            tar.extractall(self.folder / "llama-src", filter="data")
        (self.folder / "llama-version").write_text(archive.name.split("-")[1][:-len(".tar.gz")])

    def build_llama(self):
        version = (self.folder / "llama-version").read_text()
        source = self.folder / f"llama-src/llama_cpp_python-{version}/vendor/llama.cpp"
        cmake, build = self.python.parent / "cmake", self.folder / "llama-build"
        self.run(cmake, "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 f"-DCMAKE_MAKE_PROGRAM={self.python.parent / 'ninja'}", "-DGGML_NATIVE=ON",
                 *(f"-D{name}=OFF" for name in LLAMA_OFF))
        self.run(cmake, "--build", build, "--target", "llama-bench", "-j2")

    def llama(self):
        self.packages("llama")
        self.step("llama-source", 1, self.fetch_llama)
        self.step("llama-build", LLAMA_OFF, self.build_llama)
        self.models_of("llama")

    def ort_fused(self):
        self.packages("ort")
        self.models_of("ort-fused")

    def ort_exporter(self):
        self.packages("ort")
        self.models_of("ort-exporter")

    def torch(self):
        self.packages("torch")

    def versions(self):
        """What was installed, for the line under the table."""
        out = subprocess.run([self.python, "-m", "pip", "list", "--format=freeze"],
                             capture_output=True, text=True, check=True).stdout
        shown = {"onnxruntime": "ONNX Runtime", "torch": "torch", "transformers": "Transformers"}
        found = dict(line.split("==") for line in out.split() if "==" in line)
        told = [f"{shown[k]} {found[k]}" for k in shown if k in found]
        version = self.folder / "llama-version"
        if version.exists():
            told.insert(0, f"llama.cpp of llama-cpp-python {version.read_text()}")
        return ", ".join(told)
