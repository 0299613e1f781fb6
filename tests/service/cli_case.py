# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What tests of the lathe command share: a server, a folder for files, and ways to run it."""
import fcntl
import json
import os
import pathlib
import pty
import random
import struct
import subprocess
import tempfile
import termios
import unittest

from lathe_service import WAIT_S, Server, program
from small_space import SPACE

YAML = "Conv-input:16x16x3-output:8x8x8:\n  count: 10\n  mean: 0.5\n  std: 0.01\n"
# OFA's features have places for resolutions from 112 on.
LARGER = {**SPACE, "id": "larger", "resolutions": [112, 128]}

class CliCase(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def environment(self, changes=None):
        """Nothing of the caller's own server may reach the tests."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LATHE_") and k not in ("NO_COLOR", "TERM")}
        return {**kept, "LATHE_DATA": self.server.data, "TERM": "xterm", "LC_ALL": "C.UTF-8", **(changes or {})}

    def lathe(self, *args, code=0, text="", env=None):
        """Run it without a terminal and check its exit status."""
        done = subprocess.run([program("lathe"), *args], capture_output=True, text=True, timeout=WAIT_S, input=text,
                              env=self.environment(env))
        self.assertEqual(done.returncode, code, (args, done.stdout, done.stderr))
        self.assertNotIn("Sanitizer", done.stderr)
        self.assertNotIn("runtime error", done.stderr)
        return done

    def json(self, *args, **kw):
        """Run it with --json; stdout must be one document."""
        return json.loads(self.lathe(*args, "--json", **kw).stdout)

    def terminal(self, *args, columns=80, typed="", env=None):
        """Run it on a terminal. @return (exit status, all that it showed)."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([program("lathe"), *args], stdin=theirs, stdout=theirs, stderr=theirs,
                              env=self.environment(env)) as proc:
            os.close(theirs)
            os.write(ours, typed.encode())
            shown = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # how a pty says that the other side has closed
                    break
                if not part:
                    break
                shown += part
            os.close(ours)
            return proc.wait(WAIT_S), shown.decode().replace("\r\n", "\n")

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def samples(count):
    """Subnets of the space LARGER whose accuracies are linear in their choices."""
    draw = random.Random(7)
    lines = ["k0,k1,k2,e0,e1,e2,d0,d1,d2,r,accuracy"]
    for _ in range(count):
        k, e, r = draw.choices((3, 5), k=3), draw.choices((3, 4, 6), k=3), draw.choice((112, 128))
        accuracy = 0.5 + 0.01 * sum(k) + 0.005 * sum(e) + 0.0005 * r
        lines.append(",".join(map(str, [*k, *e, 1, 1, 1, r, f"{accuracy:.6f}"])))
    return "\n".join(lines) + "\n"
