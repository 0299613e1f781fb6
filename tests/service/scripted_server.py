# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A server whose answers a test decides one by one, for what a real one does seldom: it breaks off, or is away behind a
proxy. What it was asked is kept."""
import http.server
import json
import pathlib
import tempfile
import threading

BREAK_OFF = object()  # an answer: none, the connection is closed


class Call:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers = method, path, headers
        self.body = json.loads(body) if body else None


class ScriptedServer:
    """answer(call) gives (status, document) or BREAK_OFF; it may block."""

    def __init__(self, answer):
        self.calls = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                call = Call(self.command, self.path, self.headers, self.rfile.read(length))
                outer.calls.append(call)
                given = answer(call)
                self.close_connection = True
                if given is BREAK_OFF:
                    return
                body = b"" if given[1] is None else json.dumps(given[1]).encode()
                self.send_response(given[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = serve

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.token = tempfile.NamedTemporaryFile("w", suffix=".token")
        self.token.write("token\n")
        self.token.flush()
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def environment(self):
        return {"LATHE_SERVER": self.url, "LATHE_TOKEN_FILE": self.token.name}

    def asked(self, method, path=None):
        return [c for c in self.calls if c.method == method and path in (None, c.path)]

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.token.close()


def night(name):
    """The run document of a case."""
    return json.loads((pathlib.Path(__file__).resolve().parents[1] / "cases" / "nightly" / name / "run.json").read_text())


def under_way(run):
    """The same run before it has ended."""
    targets = [{**t, "state": "measuring", "rows_compared": 0, "rows_measured": 120, "progress": 0.25, "eta_s": 510.0} for t in run["targets"]]
    return {**run, "state": "running", "ended": None, "outcome": None, "exit_code": None, "progress": 0.25, "targets": targets, "findings": []}
