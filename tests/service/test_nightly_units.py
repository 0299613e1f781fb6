# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The example units for systemd, by systemd's own check, where it is installed."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, program

UNITS = pathlib.Path(__file__).resolve().parents[2] / "ci" / "workflows"


@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
class UnitsTest(unittest.TestCase):
    def verify(self, change=lambda text: text):
        """@return (exit status, what it says) of the units with lathe's place as it is here."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in ("lathe-nightly.service", "lathe-nightly.timer"):
                text = (UNITS / unit).read_text().replace("/usr/local/bin/lathe", program("lathe"))
                pathlib.Path(folder, unit).write_text(change(text))
            done = subprocess.run(["systemd-analyze", "verify", *sorted(pathlib.Path(folder).iterdir())], capture_output=True, text=True,
                                  timeout=WAIT_S, check=False)
            return done.returncode, done.stdout + done.stderr

    def test_systemd_has_nothing_against_them(self):
        status, said = self.verify()
        self.assertEqual((status, [line for line in said.splitlines() if "lathe-nightly" in line]), (0, []))

    def test_systemd_would_say_what_is_wrong(self):
        said = self.verify(lambda text: text.replace("OnCalendar=*-*-*", "OnCalendar=nightly"))[1]
        self.assertIn("lathe-nightly.timer", said)


if __name__ == "__main__":
    unittest.main()
