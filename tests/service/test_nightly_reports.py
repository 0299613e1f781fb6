# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Reports of nights: what lathe makes of run documents that were kept. A case is a folder of tests/cases/nightly with
run.json and what is expected of it, expected.txt, .md and .xml."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

from lathe_service import WAIT_S, program

CASES = pathlib.Path(__file__).resolve().parents[1] / "cases"
NIGHTS = sorted(p.parent for p in (CASES / "nightly").glob("*/run.json"))
SCHEMA = CASES / "junit" / "junit.xsd"


def lathe(*args, code=0, text=""):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LATHE_")}
    done = subprocess.run([program("lathe"), *map(str, args)], capture_output=True, text=True, timeout=WAIT_S, input=text,
                          encoding="utf-8", env={**environment, "LC_ALL": "C.UTF-8"})
    if done.returncode != code:
        raise AssertionError(f"lathe {args} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def validate(text):
    """@return what xmllint has against a JUnit document; "" when it is good."""
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SCHEMA, "-"], input=text.encode(), capture_output=True,
                          timeout=WAIT_S, check=False)
    return "" if done.returncode == 0 else done.stderr.decode() or "not valid"


def outside_of_code(line):
    """A line of Markdown without its code spans."""
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "CODE", line)


class ReportsTest(unittest.TestCase):
    def each(self):
        for case in NIGHTS:
            yield case, json.loads((case / "run.json").read_text())

    def test_reports_are_as_expected(self):
        self.assertGreater(len(NIGHTS), 8)
        for case, _ in self.each():
            for ending, option in (("txt", []), ("md", ["--markdown", "-"]), ("xml", ["--junit", "-"])):
                shown = lathe("nightly", "show", case / "run.json", *option).stdout
                self.assertEqual(shown, (case / f"expected.{ending}").read_bytes().decode(), (case.name, ending))

    def test_a_quiet_night_is_one_line(self):
        for case, run in self.each():
            lines = lathe("nightly", "show", case / "run.json").stdout.splitlines()
            self.assertEqual(len(lines) == 1, run["outcome"] in ("unchanged", None), (case.name, lines))

    def test_the_likely_cause_stands_before_what_was_found(self):
        shown = lathe("nightly", "show", CASES / "nightly" / "fingerprint" / "run.json").stdout
        self.assertLess(shown.index("governor was performance, is powersave"), shown.index("the whole device takes 62.0% longer"))
        marked = lathe("nightly", "show", CASES / "nightly" / "fingerprint" / "run.json", "--markdown", "-").stdout
        self.assertLess(marked.index("`governor`"), marked.index("+62.0%"))

    def test_junit_is_valid_and_counts_right(self):
        for case, run in self.each():
            text = lathe("nightly", "show", case / "run.json", "--junit", "-").stdout
            self.assertEqual(validate(text), "", case.name)
            root = xml.fromstring(text.encode())
            self.assertEqual([s.get("name") for s in root], [f"{t['device']}/{t['config']}" for t in run["targets"]])
            for element in [root, *root]:
                for counter, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
                    if element.get(counter) is not None:
                        self.assertEqual(int(element.get(counter)), len(element.findall(f".//{tag}")), (case.name, counter))
            for suite, target in zip(root, run["targets"]):
                found = {(f["scope"], f["kind"], f["stage"], (f["subnet"] or {}).get("shipped")) if f["scope"] != "row" else "row"
                         for f in run["findings"] if f["device"] == target["device"] and f["direction"] == "slower"}
                self.assertEqual(len(suite.findall(".//failure")), len(found), case.name)
                self.assertEqual(len(suite.findall(".//error")), int(target["state"] == "failed"))

    def test_the_schema_refuses_what_readers_would(self):
        good = (CASES / "nightly" / "slower_stage" / "expected.xml").read_text()
        self.assertEqual(validate(good), "")
        for old, new in ((' name="stage 3"', ""), (' name="stage 3"', ' name="stage 2"'), ("<failure ", "<failing "),
                         (' failures="3"', ' failures="three"'), ("T02:00:03", "T02:00:03.412Z"), ("&quot;space&quot;", "&space;"),
                         ("<properties>", "<!--"), (' time="684.2"', ' time="6e2"')):
            self.assertIn(old, good)
            self.assertNotEqual(validate(good.replace(old, new)), "", (old, new))

    def test_what_others_chose_stays_text(self):
        night = CASES / "nightly" / "hostile_names"
        plain = lathe("nightly", "show", night / "run.json").stdout
        self.assertNotRegex(plain, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        marked = lathe("nightly", "show", night / "run.json", "--markdown", "-").stdout
        self.assertNotRegex(marked, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        self.assertIn("@team", marked)
        for line in marked.splitlines():
            for sign in ("<script", "@team", "](http", "*b*"):
                self.assertNotIn(sign, outside_of_code(line))
        names = [c.get("name") for c in xml.parse(night / "expected.xml").iter("testcase")]
        self.assertTrue(any("<script>alert(1)</script>" in n for n in names), names)

    def test_rows_of_markdown_tables_have_the_cells_of_their_headings(self):
        for case, _ in self.each():
            cells = 0
            for line in lathe("nightly", "show", case / "run.json", "--markdown", "-").stdout.splitlines():
                # Bare bars end a cell, in code spans as well.
                bars = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
                self.assertIn(bars, (0, cells) if cells else (bars,), (case.name, line))
                cells = bars

    def test_files_are_written_beside_the_text(self):
        run = CASES / "nightly" / "slower_stage" / "run.json"
        with tempfile.TemporaryDirectory() as folder:
            files = {option: pathlib.Path(folder, f"night.{option}") for option in ("junit", "markdown", "json")}
            shown = lathe("nightly", "show", run, *(a for o, f in files.items() for a in (f"--{o}", f))).stdout
            self.assertEqual(shown, (run.parent / "expected.txt").read_text())
            self.assertEqual(files["junit"].read_text(), (run.parent / "expected.xml").read_text())
            self.assertEqual(files["markdown"].read_text(), (run.parent / "expected.md").read_text())
            self.assertEqual(json.loads(files["json"].read_text()), json.loads(run.read_text()))
            self.assertEqual(len(os.listdir(folder)), 3)
            again = lathe("nightly", "show", "-", "--junit", "-", text=files["json"].read_text()).stdout
            self.assertEqual(again, (run.parent / "expected.xml").read_text())

    def test_what_cannot_be_written_or_read_is_said_first(self):
        run = CASES / "nightly" / "quiet" / "run.json"
        missing = lathe("nightly", "show", run, "--junit", "/nowhere/night.xml", code=2)
        self.assertIn("--junit", missing.stderr)
        self.assertEqual(missing.stdout, "")
        self.assertIn("only one", lathe("nightly", "show", run, "--junit", "-", "--json", "-", code=2).stderr)
        self.assertIn("no run", lathe("nightly", "show", "-", code=1, text="{}").stderr)
        lathe("nightly", "show", "/nowhere/run.json", code=3)
        self.assertIn("--space is missing", lathe("nightly", "--config", "xnnpack-f32-t1-b1", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
