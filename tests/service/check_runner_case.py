# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What tests of `lathe-agent check-runner` share: runners to check, and what it says of them."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

from lathe_service import program

RUNNERS = pathlib.Path(os.environ.get("LATHE_BIN", ".")).parent / "share/lathe/runners/pytorch"

# Checks of outputs, without "outputs-", of what only a whole library has.
KINDS = ["conv2d", "conv2d-residual", "mbconv", "mbconv-stride", "squeeze-excite", "bottleneck", "bottleneck-residual",
         "maxpool", "avgpool", "networks"]




def torch_python():
    """A Python that has PyTorch: this one, or the system's."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode == 0:
            return python
    raise unittest.SkipTest("needs PyTorch: apt install python3-torch")


PYTHON = torch_python()
WRONG = [PYTHON, str(pathlib.Path(__file__).parent / "wrong_runner.py"), str(RUNNERS)]
PYTORCH = [PYTHON, str(RUNNERS / "lathe_pytorch.py"), "--device", "cpu"]


def check(options, runner):
    """@return (exit status, {check: (result, rest of its line)}, the last line)."""
    done = subprocess.run([program("lathe-agent"), "check-runner", *options, "--", *runner], capture_output=True,
                          text=True, check=False)
    if "Sanitizer" in done.stderr:
        raise AssertionError(done.stderr)
    lines = done.stdout.splitlines()
    found = [re.fullmatch(r"(ok|FAIL|skipped) +([a-z0-9-]+): (.*)", line) for line in lines[:-1]]
    assert all(found), done.stdout + done.stderr
    return done.returncode, {m.group(2): (m.group(1), m.group(3)) for m in found}, lines[-1] if lines else ""


def options_for(*checks):
    return [option for name in checks for option in ("--only", name)]


class CheckCase(unittest.TestCase):
    def passes(self, options, runner, skipped=()):
        status, checks, last = check(options, runner)
        failed = {name: line for name, (result, line) in checks.items() if result == "FAIL"}
        self.assertEqual(failed, {})
        self.assertEqual(status, 0)
        self.assertEqual({name for name, (result, _) in checks.items() if result == "skipped"}, set(skipped))
        self.assertIn(" 0 failed", last)
        self.assertGreater(len(checks), 50)
        return checks
