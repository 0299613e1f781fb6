# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What service tests share: the real programs on free ports, spoken to over HTTP.

LATHE_BIN is the folder of the programs; ctest sets it. LATHE_TEST_DATA is the folder of reference figures, or absent."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from api_description import description

WAIT_S = 60  # for anything that must come; sanitized programs on a busy machine are slow


def program(name):
    path = pathlib.Path(os.environ["LATHE_BIN"]) / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build it first")
    return str(path)


def test_data(relative):
    """A file of reference figures; skips the test where there are none."""
    folder = os.environ.get("LATHE_TEST_DATA", "")
    path = pathlib.Path(folder) / relative
    if not folder or not path.exists():
        raise unittest.SkipTest(f"needs the reference figures in {folder or 'LATHE_TEST_DATA'}")
    return path


def wait_for(what, condition, timeout=WAIT_S):
    """Poll until condition() is true and give its value; what names it in the failure."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        threading.Event().wait(0.05)
    raise AssertionError(f"{what} did not happen within {timeout} s")


class Process:
    """A program under test, its standard error kept in a file."""

    def __init__(self, argv, stdout=subprocess.DEVNULL, env=None):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=self.log, text=True,
                                     env={**os.environ, **(env or {})})

    def stderr(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, timeout=WAIT_S):
        return self.proc.wait(timeout)

    def kill(self):
        """As a power cut would: SIGKILL."""
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self._close()

    def stop(self):
        """SIGTERM; the program must end well. @return its exit status."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        try:
            status = self.proc.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise AssertionError("did not stop on SIGTERM: " + self.stderr()[-2000:])
        self._close()
        return status

    def _close(self):
        if self.proc.stdout:
            self.proc.stdout.close()
        self.log.close()
        if os.path.exists(self.log.name):
            text = self.stderr()
            os.unlink(self.log.name)
            if "Sanitizer" in text or "runtime error" in text:
                raise AssertionError("sanitizer report:\n" + text[-6000:])


class Server:
    """lathed on an empty folder and a free port. start() again after kill() or stop() keeps folder and port. described:
    calls are held to openapi.json, which keeps a core busy; benches do without."""

    def __init__(self, *args, data=None, start=True, described=True):
        self.args, self.port, self.process, self.described = args, 0, None, described
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="lathe-test-")
        if start:
            self.start()

    def start(self):
        self.process = Process([program("lathed"), "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.args],
                               stdout=subprocess.PIPE)
        line = self.process.proc.stdout.readline()
        if "ready at" not in line:
            self.process.proc.wait(WAIT_S)
            raise AssertionError(f"lathed is not ready: {line!r}, status {self.process.proc.returncode}: {self.process.stderr()[-2000:]}")
        self.url = line.split()[-1]
        self.port = urllib.parse.urlsplit(self.url).port
        self.token = pathlib.Path(self.data, "admin.token").read_text().strip()

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def close(self):
        """Stop it, if it runs, and remove its folder."""
        try:
            if self.process and self.process.proc.poll() is None:
                status = self.process.stop()
                if status != 0:
                    raise AssertionError(f"lathed ended with {status}")
        finally:
            if self.own_data:
                shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, method, path, body=None, ctype="application/json", accept="application/json", token=None, headers=None, ca=None):
        """@return (status, headers, body): the body parsed when it is JSON, bytes otherwise. token "" sends none; ca is the
        certificate of a server that speaks TLS."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        send = {"Accept": accept, **(headers or {})}
        if token != "":
            send["Authorization"] = "Bearer " + (token or self.token)
        if body is not None:
            send["Content-Type"] = ctype
        if ca:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=WAIT_S, context=ssl.create_default_context(cafile=ca))
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, send)
            answer = connection.getresponse()
            raw = answer.read()
            if self.described:
                description().check(method, path, send, body, answer.status, answer.headers, raw)
            kind = answer.headers.get("Content-Type", "")
            return answer.status, answer.headers, json.loads(raw) if "json" in kind and raw else raw
        finally:
            connection.close()

    def ok(self, method, path, body=None, **kw):
        """call() that must succeed; @return the body."""
        status, _, answer = self.call(method, path, body, **kw)
        if status >= 300:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def new_token(self, role, name):
        return self.ok("POST", "/v1/tokens", {"role": role, "name": name})["token"]

    def load_note10(self):
        """Import OFA's Note10 table and its published predictor, id "ofa"."""
        for resolution in (160, 176, 192, 208, 224):
            text = test_data(f"ofa/note10/{resolution}_lookup_table.yaml").read_bytes()
            self.ok("POST", "/v1/tables/note10/tflite-f32-t1-b1/entries", text, ctype="application/yaml")
        weights = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
        self.ok("PUT", "/v1/predictors/ofa", weights, ctype="application/octet-stream")


class Agent:
    """lathe-agent for a server, with a token made over REST."""

    def __init__(self, server, name="agent", args=(), runner=None, env=None):
        self.server, self.name, self.process, self.env = server, name, None, env
        self.token_file = tempfile.NamedTemporaryFile("w", suffix=".token", delete=False)
        self.token_file.write(server.new_token("agent", name) + "\n")
        self.token_file.close()
        self.args = list(args) + (["--runner", runner] if runner else [])
        self.start()

    def start(self):
        self.process = Process([program("lathe-agent"), "--server", self.server.url, "--name", self.name, "--token-file",
                                self.token_file.name, *self.args], env=self.env)

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def stderr(self):
        return self.process.stderr()

    def close(self):
        try:
            if self.process.proc.poll() is None:
                self.process.stop()
        finally:
            os.unlink(self.token_file.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
