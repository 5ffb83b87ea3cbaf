#!/usr/bin/env python3
"""A hub, its content host and its rows service on loopback, with scripted faults.

    hub_server.py LOG

Prints "HUB_PORT CDN_PORT", then serves until its standard input ends. The name of a model
("t/<fault>") or data set picks what goes wrong. Each request is appended to LOG as one line:
"hub|cdn METHOD PATH auth=<value or -> range=<value or ->", so that a test can see what was sent
where.
"""
import hashlib
import json
import os
import socketserver
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

COMMIT = "c0ffee" + "0" * 34
CONFIG = b'{"model_type": "llama", "hidden_size": 8}\n'
TOKENIZER = b'{"version": "1.0", "model": {"type": "BPE"}}\n'
GENERATION = b'{"eos_token_id": 0}\n'
WEIGHTS = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(10000))  # 320,000 bytes
SHARD = [WEIGHTS[:100000], WEIGHTS[100000:150000]]
INDEX = json.dumps(
    {"weight_map": {"a": "model-1.safetensors", "b": "parts/model-2.safetensors",
                    "c": "model-1.safetensors"}}).encode()
EVIL_INDEX = json.dumps({"weight_map": {"a": "../../evil"}}).encode()
LFS = (".safetensors", ".bin")

count_lock = threading.Lock()
counts = {}
log_file = open(sys.argv[1], "a", buffering=1)
ports = []


def times(key):
    """How often key was asked for before."""
    with count_lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key] - 1


def files_of(fault):
    files = {"config.json": CONFIG, "tokenizer.json": TOKENIZER, "generation_config.json": GENERATION,
             "README.md": b"not needed\n"}
    if fault == "sharded":
        files |= {"model.safetensors.index.json": INDEX, "model-1.safetensors": SHARD[0],
                  "parts/model-2.safetensors": SHARD[1]}
    elif fault == "lostshard":
        files |= {"model.safetensors.index.json": INDEX, "model-1.safetensors": SHARD[0]}
    elif fault == "evilindex":
        files |= {"model.safetensors.index.json": EVIL_INDEX}
    elif fault == "binonly":
        files |= {"pytorch_model.bin": WEIGHTS}
    else:
        files |= {"model.safetensors": WEIGHTS}
    if fault == "notokenizer":
        del files["tokenizer.json"]
    return files


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def etag_of(name, content):
    return hashlib.sha256(content).hexdigest() if name.endswith(LFS) else git_blob(content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True  # else each answer waits for a delayed acknowledgement

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=(), length=None):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        role = "hub" if self.server.server_address[1] == ports[0] else "cdn"
        log_file.write("%s %s %s auth=%s range=%s\n" % (
            role, self.command, self.path, self.headers.get("Authorization", "-"),
            self.headers.get("Range", "-")))
        try:
            url = urllib.parse.urlsplit(self.path)
            if role == "cdn":
                self.content(*url.path.split("/", 3)[1:])
            elif url.path in ("/splits", "/rows"):
                self.rows(url.path, {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()})
            elif url.path.startswith("/squad"):
                self.squad(url.path)
            elif url.path.startswith("/api/models/"):
                self.listing(url.path)
            else:
                self.resolve(url.path)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    # GET /api/models/t/FAULT/revision/REVISION
    def listing(self, path):
        _, _, _, org, fault, _, revision = path.split("/", 6)
        revision = urllib.parse.unquote(revision)
        if fault == "private":
            return self.answer(401, b"no", [("X-Error-Code", "RepoNotFound")])
        if fault == "gated":
            return self.answer(403, b"no", [("X-Error-Code", "GatedRepo")])
        if fault == "missing":
            return self.answer(404, b"no")
        if fault == "busy" and times(fault) == 0:
            return self.answer(429, b"wait", [("Retry-After", "1")])
        if fault == "patience":
            return self.answer(429, b"wait", [("Retry-After", "86400")])
        if fault == "flaky" and times(fault) < 2:
            return self.answer(500, b"oops")
        if fault == "down":
            return self.answer(503, b"oops")
        if fault == "deaf":
            time.sleep(3)
        if fault == "garbage":
            return self.answer(200, b'{"sha": "c0ffee", "siblings": [{]')
        if fault == "nosha":
            return self.answer(200, b'{"sha": "../../etc", "siblings": []}')
        if fault == "huge":
            return self.answer(200, b'{"pad": "' + b"x" * (5 << 20) + b'"}')
        if fault == "bighead":
            return self.answer(200, b"{}", [("X-Pad-%d" % i, "x" * 4000) for i in range(40)])
        if fault == "loop":
            return self.answer(302, b"", [("Location", self.path)])
        if fault == "scheme":
            return self.answer(302, b"", [("Location", "file:///etc/passwd")])
        if fault == "renamed" and org == "t":
            return self.answer(307, b"", [("Location", "/api/models/u/renamed/revision/main")])
        if revision not in ("main", "refs/pr/1", "v1.0", COMMIT):
            return self.answer(404, b"no", [("X-Error-Code", "RevisionNotFound")])
        names = list(files_of(fault))
        if fault == "escape":
            names.append("../../../evil")
        body = {"id": "t/" + fault, "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}
        self.answer(200, json.dumps(body).encode())

    # HEAD, GET /t/FAULT/resolve/COMMIT/FILE
    def resolve(self, path):
        _, _, fault, _, commit, name = path.split("/", 5)
        content = files_of(fault).get(name)
        commit = COMMIT if commit == "main" else commit  # as the Python library asks
        if content is None or commit != COMMIT:
            return self.answer(404, b"no", [("X-Error-Code", "EntryNotFound")])
        headers = [("X-Repo-Commit", "beef" * 10 if fault == "othercommit" else commit)]
        etag = etag_of(name, content)
        if not name.endswith(LFS):
            if fault == "oddetag":
                etag = "../../../evil"
            if fault == "badblob":
                content = content[:-2] + b" \n"
            return self.answer(200, content, headers + [("ETag", 'W/"%s"' % etag)])
        size = len(content) - 1000 if fault == "toolong" else len(content)
        headers += [("X-Linked-Etag", '"%s"' % etag), ("X-Linked-Size", str(size)),
                    ("ETag", '"some-id-of-the-redirect"'),
                    ("Location", "http://127.0.0.1:%d/%s/sig/%s?Signature=secret" % (
                        ports[1], fault, name))]
        self.answer(302, b"Found. Redirecting", headers)

    def content(self, fault, _, name):
        whole = files_of(fault)[name]
        wanted = self.headers.get("Range")
        first = int(wanted[len("bytes="):].rstrip("-")) if wanted else 0
        before = times((fault, name))
        if fault == "badhash":
            whole = b"?" + whole[1:]
        if fault in ("truncate", "norange", "badrange", "refused") and before == 0:
            self.answer(200, whole[:100000], length=len(whole))
            self.close_connection = True
            return None
        if fault == "crumbs":  # every try ends after 20,000 bytes more, sixteen in all
            part = whole[first:first + 20000]
            head = [("Content-Range", "bytes %d-%d/%d" % (first, len(whole) - 1, len(whole)))]
            self.answer(206 if wanted else 200, part, head if wanted else [], len(whole) - first)
            self.close_connection = True
            return None
        if fault == "stall" and before < 3:
            self.answer(200, whole[:5000], length=len(whole))
            self.wfile.flush()
            time.sleep(3)
            self.close_connection = True
            return None
        if fault == "slow":  # about 0.8 s
            self.answer(206 if wanted else 200, b"",
                        [("Content-Range", "bytes %d-%d/%d" % (first, len(whole) - 1, len(whole)))]
                        if wanted else [], length=len(whole) - first)
            for at in range(first, len(whole), 20000):
                self.wfile.write(whole[at:at + 20000])
                self.wfile.flush()
                time.sleep(0.05)
            return None
        if wanted and fault == "refused":
            return self.answer(416, b"", [("Content-Range", "bytes */%d" % len(whole))])
        if wanted and fault == "badrange":
            return self.answer(206, whole[first + 7:], [
                ("Content-Range", "bytes %d-%d/%d" % (first + 7, len(whole) - 1, len(whole)))])
        if wanted and fault != "norange":
            return self.answer(206, whole[first:], [
                ("Content-Range", "bytes %d-%d/%d" % (first, len(whole) - 1, len(whole)))])
        self.answer(200, whole, [("ETag", '"cdn-etag"'), ("X-Linked-Etag", '"lie"')])
        return None

    def rows(self, path, query):
        name = query["dataset"]
        fault = name.split("/")[1]
        n_rows = {"data": 250, "big": 12000}.get(fault, 30)
        if fault == "missing":
            return self.answer(404, b'{"error": "no"}')
        if path == "/splits":
            if fault == "garbage":
                return self.answer(200, b"[1, 2")
            splits = [("a", "train"), ("b", "train")] if fault == "multi" else \
                [("default", "train"), ("default", "validation")]
            if fault == "odd":
                splits = [("../x", "test"), ("../x", "train")]
            if fault == "dots":
                splits = [("..", "test")]
            return self.answer(200, json.dumps({"splits": [
                {"dataset": name, "config": c, "split": s} for c, s in splits]}).encode())
        offset, length = int(query["offset"]), int(query["length"])
        if fault == "pagegarbage":
            return self.answer(200, b'{"rows": 5, "num_rows_total": 3}')
        if length > 100:
            return self.answer(422, b"too long")
        shift = 1 if fault == "order" else 0
        rows = [{"row_idx": i + shift, "row": {"question": "q\u00e9 %d & more" % i, "n": i},
                 "truncated_cells": ["question"] if fault == "cut" and i == 3 else []}
                for i in range(offset, min(offset + length, n_rows))]
        total = n_rows + 5 if fault == "short" else n_rows
        if fault == "lagging" and times(fault) == 0:
            return self.answer(500, b"oops")
        self.answer(200, json.dumps({"features": [], "rows": rows, "num_rows_total": total,
                                     "num_rows_per_page": 100, "partial": False}).encode())
        return None

    def squad(self, path):
        if path.startswith("/squad-bad/"):
            return self.answer(200, b"x" * 4854279)
        shared = os.environ.get("SW_SHARED", "../shared")
        with open(os.path.join(shared, "data/squad/dev-v1.1.json"), "rb") as f:
            self.answer(200, f.read())
        return None


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients of these tests break off on purpose


def main():
    for _ in range(2):
        server = Server(("127.0.0.1", 0), Handler)
        ports.append(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
    os.write(1, b"%d %d\n" % tuple(ports))
    sys.stdin.buffer.read()
    os._exit(0)


main()
