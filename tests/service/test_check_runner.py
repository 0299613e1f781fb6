# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""lathe-agent check-runner: every runtime of lathe-run passes, and so does a runner of few abilities; runners with a fault
fail the check that is there for it, with a message that says what is wrong."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

from check_runner_case import KINDS, RUNNERS, WRONG, CheckCase, check, options_for
from lathe_service import program

sys.path.insert(0, str(RUNNERS))
import lathe_wire as wire  # noqa: E402

PROTOCOL = (pathlib.Path(__file__).parent.parent.parent / "agents/wire/PROTOCOL.md").read_text(encoding="utf-8")

# Fault, the check that must fail, and what it must say.
FAULTS = [
    ("any-nonce", "before-hello", r"expected ERROR session to a request before any HELLO"),
    ("any-nonce", "foreign-nonce", r"ERROR session to a request under another nonce; got it was granted"),
    ("no-build", "hello", r"runner and build texts; got \"wrong-runner 1\" and \"\""),
    ("same-boot", "hello-boot", r"another boot number after every start; got 0x00000001 twice"),
    ("any-version", "hello-version", r"ERROR version to HELLO of another version; got it was granted"),
    ("works-twice", "repeat", r"the reply to NET_LAYERS again, byte by byte.*the work was done twice"),
    ("repeats-by-seq", "repeat-crc", r"an answer to BYE with .*request CRC .*\"Requests and replies\""),
    ("any-seq", "old-seq", r"ERROR session to a request with a number that is not new; got it was granted"),
    ("no-wrap", "seq-wrap", r"ERROR state to RESET .*; got ERROR session"),
    ("session-stays", "new-session", r"RESET in a new session, where nothing is open; got it was granted"),
    ("ignores-unknown", "unknown-type", r"an answer to type 112 within 1000 ms; got nothing"),
    ("lenient", "malformed", r"ERROR malformed to OPEN with a payload of 9 bytes"),
    ("wrong-code", "state", r"ERROR state to INFO before OPEN; got ERROR invalid \(5\): \"nothing is open\""),
    ("own-zero", "frame-delimiters", r"got nothing"),
    ("never-in-step", "frame-garbage", r"got nothing"),
    ("no-crc-check", "frame-crc", r"expected an answer to RESET with .* seq 3, .*; got .* seq 2,"),
    ("answers-replies", "frame-no-request", r"an answer to RESET with .*; got .* type 0xff"),
    ("short-buffer", "frame-longest", r"an answer to type 112 within 1000 ms; got nothing"),
    ("any-threads", "open-values", r"ERROR invalid to OPEN with no threads; got it was granted"),
    ("bad-line", "fingerprint", r"lines key=value, .*; got \"a line of no key\""),
    ("no-batch-line", "fingerprint", r"a line batch=1; got none"),
    ("wrong-crc", "fingerprint", r"an answer to INFO .*; got \d+ bytes that are no intact frame .*\"Frames\""),
    ("wrong-seq", "fingerprint", r"an answer to INFO with .* seq 3, .*; got .* seq 2,"),
    ("minutely", "fingerprint-stable", r"the same lines when a runtime is opened again; got \"runner="),
    ("hangs", "build", r"an answer to NET_BUILD within 6000 ms; got nothing"),
    ("dies", "build", r"got none: it ended with exit status 3: the accelerator is on fire"),
    ("one-network", "rebuild", r"an output of 12 bytes, as of the network built last under the number; got 16 bytes"),
    ("one-frame", "long-network", r"to be built; got ERROR invalid: \"too many layers\""),
    ("no-fit-check", "misfits", r"ERROR invalid to a network whose second layer takes 8 channels of 7; got it was granted"),
    ("any-kind", "unknown-kinds", r"ERROR invalid or unsupported to a layer with activation 99; got ERROR failed"),
    ("any-order", "layer-order", r"NET_LAYERS from layer 1 where layer 0 is missing; got it was granted"),
    ("no-limits", "limits", r"ERROR invalid to NET_BEGIN of a network past max networks; got it was granted"),
    ("dies-when-large", "too-large", r"an answer to NET_BUILD .*; got none: it was ended by signal 6"),
    ("fails-when-absent", "absent", r"ERROR not found to RUN of a network that was not built; got ERROR failed"),
    ("reset-keeps", "reset", r"ERROR not found to RUN of a network from before RESET; got it was granted"),
    ("reopen-keeps", "reopen", r"ERROR not found to RUN of a network from before OPEN; got it was granted"),
    ("zero-times", "run", r"a time above 0 for each run; got 0 for run 0"),
    ("missing-record", "run", r"60 runs, and runs x \(layers \+ 1\) records; got 60 runs, 0 layers, 59 records"),
    ("fetch-from-zero", "fetch", r"records from 25 on, .*; got 25 from 0 on"),
    ("layers-too-long", "layer-sums", r"layers that add up to no more than the run .*; got run 0: layers \d+, total \d+"),
    ("layers-lost", "layer-sums", r"layers that add up to at least 60% of their runs; got \d+%"),
    ("microseconds", "clock", r"a whole visit as long as it took, in nanoseconds .*: microseconds\?"),
    ("any-flag", "run-values", r"ERROR unsupported to RUN with a flag that no runner knows; got it was granted"),
    ("wrong-output-crc", "output", r"RUN's output CRC to be that of OUTPUT's bytes; got 0x"),
    ("no-bias", "outputs-linear", r"within 0.0001 of the largest value, for linear in=1x1x320 .*; got \d+ of 100 values"),
    ("shares-weights", "occurrence", r"other weights for each of three equal layers: .* got all three have the weights"),
    ("fixed-seed", "seed", r"another output under another seed; got the same output"),
    ("input-changes", "input", r"the fifth run's output is the first one's; got another output"),
    ("never-ends", "bye", r"the program to end within 1000 ms of BYE; got it still runs"),
    ("never-ends", "eof", r"the program to end within 1000 ms of the end of its input; got it still runs"),
    ("wrong-reuse", "turns", r"for 3 layers from linear in=1x1x16 out=1x1x16 on; got \d+ of 16 values are wrong"),
]

# Faults that are caught by waiting in vain; all others by what comes.
SILENT = {"ignores-unknown", "own-zero", "never-in-step", "short-buffer", "wrong-crc", "hangs", "never-ends"}

# Faults that a runner may have: said, and no failure.
ALLOWED = {
    "packs-anew": ("reuse", r"weights are made anew for each network \(packed 2, reused 0\)"),
    "untimed": ("run-layers", r"the runner can't time layers"),
    "no-output": ("outputs-linear", r"the runner answers OUTPUT by ERROR unsupported"),
}

class Runners(CheckCase):
    def test_every_runtime_of_lathe_run_passes(self):
        runner = [program("lathe-run"), "serve"]
        listed = json.loads(subprocess.run([runner[0], "list", "--json"], capture_output=True, check=True).stdout)
        for runtime in listed["runtimes"]:
            with self.subTest(runtime=runtime["name"]):
                self.passes(["--runtime", runtime["name"]], runner)

    def test_threads_and_batches_pass(self):
        self.passes(["--batch", "3"], [program("lathe-run"), "serve"])

    def test_a_runner_of_linear_layers_alone_passes(self):
        kinds = ["outputs-" + kind for kind in KINDS]
        checks = self.passes(["--runtime", "linear", "--batch", "2"], WRONG, kinds)
        self.assertIn("the runner has none of these layers", checks["outputs-conv2d"][1])
        self.assertIn("unsupported: maxpool in=16x12x8 out=8x6x8 k=3 s=2", checks["outputs-maxpool"][1])


class WrongRunners(unittest.TestCase):
    def test_each_fault_is_caught_by_its_check(self):
        for name, caught_by, says in FAULTS:
            with self.subTest(fault=name, check=caught_by):
                wait = ["--wait-ms", "1000"] if name in SILENT else []
                status, checks, _ = check(["--runtime", "linear", *wait, *options_for(caught_by)], [*WRONG, name])
                self.assertEqual(status, 1)
                self.assertEqual(checks[caught_by][0], "FAIL")
                self.assertRegex(checks[caught_by][1], says)
                self.assertRegex(checks[caught_by][1], r"\(PROTOCOL.md, \".+\"\)$")

    def test_what_a_runner_need_not_do_is_said_and_no_failure(self):
        for name, (said_by, says) in ALLOWED.items():
            with self.subTest(fault=name):
                status, checks, _ = check(["--runtime", "linear", *options_for(said_by)], [*WRONG, name])
                self.assertEqual(status, 0)
                self.assertEqual(checks[said_by][0], "skipped")
                self.assertRegex(checks[said_by][1], says)

    def test_one_wrong_value_in_the_last_image_is_found(self):
        status, checks, _ = check(["--runtime", "linear", "--batch", "3", *options_for("outputs-linear")],
                                  [*WRONG, "wrong-output"])
        self.assertEqual(status, 1)
        self.assertRegex(checks["outputs-linear"][1], r"1 of 300 values are wrong, the first is value 99 of image 2:")

    def test_checks_go_on_after_a_runner_that_dies_or_hangs(self):
        for name in ("dies", "hangs"):
            _, checks, _ = check(["--runtime", "linear", "--wait-ms", "300", *options_for("build", "limits", "eof")],
                                 [*WRONG, name])
            self.assertEqual({name: result for name, (result, _) in checks.items()},
                             {"build": "FAIL", "limits": "ok", "eof": "ok"})


class Protocol(unittest.TestCase):
    """What PROTOCOL.md says of itself."""

    def test_the_session_in_it_is_what_lathe_run_answers(self):
        lines = re.findall(r"^    ([<>]) ((?:[0-9a-f]{2} ?)+)(\.\.)?", PROTOCOL, re.MULTILINE)
        requests = [bytes.fromhex(digits) for side, digits, _ in lines if side == ">"]
        replies = [(bytes.fromhex(digits), more) for side, digits, more in lines if side == "<"]
        self.assertEqual([request[6] for request in requests], [1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
        self.assertEqual(len(replies), len(requests))
        done = subprocess.run([program("lathe-run"), "serve"], input=b"".join(map(wire.frame, requests)), check=True,
                              capture_output=True)
        for (want, more), got in zip(replies, wire.Decoder().feed(done.stdout), strict=True):
            self.assertEqual(got[:len(want)] if more else got, want)

    def test_it_has_every_paragraph_that_checks_name(self):
        headings = {*re.findall(r"^## (.*)", PROTOCOL, re.MULTILINE),
                    *re.findall(r"^\*\*(\w+ [A-Z_]+)\*\*", PROTOCOL, re.MULTILINE)}
        done = subprocess.run([program("lathe-agent"), "check-runner", "--json", "--", program("lathe-run"), "serve"],
                              capture_output=True, check=True)
        named = {entry["paragraph"] for entry in json.loads(done.stdout)["checks"]}
        self.assertGreater(len(named), 10)
        self.assertEqual(named - headings, set())


class Command(unittest.TestCase):
    def run_command(self, *arguments):
        return subprocess.run([program("lathe-agent"), "check-runner", *arguments], capture_output=True, text=True,
                              check=False)

    def test_json_has_the_same(self):
        done = self.run_command("--json", "--runtime", "linear",
                                *options_for("hello", "clock", "outputs-conv2d"), "--", *WRONG, "microseconds")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertEqual(report["config"], "linear-f32-t1-b1")
        self.assertFalse(report["passed"])
        results = {entry["name"]: entry for entry in report["checks"]}
        self.assertEqual({name: entry["result"] for name, entry in results.items()},
                         {"hello": "ok", "clock": "FAIL", "outputs-conv2d": "skipped"})
        self.assertEqual(results["clock"]["paragraph"], "Timing")
        self.assertIn("microseconds?", results["clock"]["got"])

    def test_wrong_usage_is_exit_status_2(self):
        for wrong in (["--batch", "65", "--", "true"], ["--only", "nothing", "--", "true"], ["--nonsense", "--", "true"],
                      ["--dtype", "f16", "--", "true"], [], ["--", "/nonexistent/runner"]):
            done = self.run_command(*wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertTrue(done.stderr, wrong)

    def test_a_program_that_is_no_runner_is_one_failure(self):
        status, checks, _ = check(["--wait-ms", "500"], ["true"])
        self.assertEqual((status, list(checks)), (1, ["hello"]))
        self.assertIn("it ended with exit status 0", checks["hello"][1])
        status, checks, _ = check(["--wait-ms", "500"], ["cat"])
        self.assertEqual((status, list(checks)), (1, ["hello"]))

    def test_what_can_not_be_opened_is_one_failure(self):
        runner = [program("lathe-run"), "serve"]
        for options, said in ((["--runtime", "tensorrt"], "this runner has no runtime tensorrt"),
                              (["--threads", "2"], "reference runs on one thread only")):
            status, checks, _ = check(options, runner)
            self.assertEqual((status, list(checks)), (1, ["open"]))
            self.assertRegex(checks["open"][1], f'expected OPEN to be granted; got ERROR unsupported: "{said}')


if __name__ == "__main__":
    unittest.main()
