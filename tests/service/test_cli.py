# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The lathe command against a real server: devices, tables, spaces, predictors, tokens, and what it says of mistakes."""
import json
import subprocess
import unittest

from cli_case import LARGER, YAML, CliCase, samples
from lathe_service import program, test_data

NOUNS = ("device", "profile", "table", "space", "predictor", "network", "token")


class UsageTest(CliCase):
    def test_every_verb_has_help_with_examples(self):
        listed = self.lathe("--help").stdout
        for noun in NOUNS:
            about = self.lathe(noun, "--help").stdout
            self.assertIn("Examples:", about)
            verbs = [line.split()[1] for line in about.splitlines() if line.startswith(f"  {noun} ")]
            for verb in {v for v in verbs if v.islower()}:
                self.assertIn(f"{noun} {verb}", listed)
                self.assertIn("Examples:\n  lathe " + noun, self.lathe(noun, verb, "--help").stdout)
        for verb in ("subnet", "front", "measure", "compare", "status"):
            self.assertIn("Examples:\n  lathe " + verb, self.lathe(verb, "--help").stdout)
        self.assertRegex(self.lathe("--version").stdout, r"^lathe \d+\.\d+\.\d+\n$")

    def test_usage_errors_exit_2_and_name_what_is_wrong(self):
        limit = ["subnet", "d/c", "--space", "s"]
        for args, part in (
                (["frobnicate"], "frobnicate"), (["device"], "device what?"), (["device", "fly", "x"], "fly"),
                (["device", "add"], "too few"), (["device", "list", "x"], "unexpected argument x"),
                (["device", "add", "d", "--transprt", "local"], "--transprt; did you mean --transport?"),
                (["device", "add", "d", "--transprt=local"], "--transprt; did you mean --transport?"),
                (["device", "add", "d", "-t"], "-t"), (["--sever", "x", "status"], "did you mean --server?"),
                (["--json"], "verb"), (["status", "--json=yes"], "--json takes no value"),
                (["device", "edit", "d"], "nothing to change"), (limit + ["--latency-ms", "fast"], "'fast'"),
                (limit + ["--latency-ms", "nan"], "'nan'"), (["subnet", "d/c", "--space"], "--space needs a value"),
                (limit, "limit"), (["subnet", "d/c", "--latency-ms", "9"], "--space"),
                (limit + ["--latency-ms", "9", "--seed", "1.5"], "--seed needs a whole number"),
                (limit + ["--latency-ms", "9", "--resolutions", "160,"], "--resolutions needs whole numbers"),
                (["profile", "d", "--config", "c"], "--space"), (["profile", "d", "--space", "s"], "--config"),
                (["measure", "d", "--config", "c"], "--subnet"), (["predictor", "train", "p", "f.csv"], "--space"),
                (["table", "show", "nothing"], "DEVICE/CONFIG"), (["table", "show", "a/b/c"], "DEVICE/CONFIG"),
                (["table", "export", "d/c", "--format", "xml"], "--format"), (["table", "import", "d/c"], "too few")):
            with self.subTest(args):
                done = self.lathe(*args, code=2)
                self.assertIn(part, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_common_options_may_stand_before_the_verb(self):
        nowhere = {"LATHE_DATA": str(self.folder)}
        token = self.file("token", self.server.token + "\n")
        done = self.lathe("--server", self.server.url + "/", "--token-file=" + token, "--json", "device", "list", env=nowhere)
        self.assertEqual(json.loads(done.stdout)["items"], [])

    def test_server_and_token_come_from_options_then_environment_then_the_data_folder(self):
        token = self.file("token", self.server.token)
        wrong = self.file("wrong", "lathe_nobody")
        nowhere = {"LATHE_DATA": str(self.folder / "none")}
        named = {"LATHE_SERVER": self.server.url, "LATHE_TOKEN_FILE": token}
        self.assertIn("no server", self.lathe("status", code=1, env=nowhere).stderr)
        self.assertIn("no token", self.lathe("status", "--server", self.server.url, code=1, env=nowhere).stderr)
        self.lathe("status", env={**nowhere, **named})
        self.lathe("device", "list", "--token-file", wrong, code=1, env={**nowhere, **named})
        self.lathe("status", env={"LATHE_DATA": "", "XDG_DATA_HOME": self.linked_data()})
        self.assertIn("can't reach", self.lathe("status", "--server", "http://127.0.0.1:1", code=1).stderr)
        empty = self.file("empty", "")
        self.assertIn("no token in " + empty, self.lathe("status", "--token-file", empty, code=1).stderr)

    def linked_data(self):
        (self.folder / "lathe").symlink_to(self.server.data)
        return str(self.folder)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([program("lathe"), "space", "list"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=self.environment(), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


class NounsTest(CliCase):
    def test_devices_are_added_listed_changed_and_removed(self):
        self.lathe("device", "add", "pi4", "--transport", "ssh", "--destination", "pi@10.0.0.7", "--port", "2222")
        self.assertEqual(self.json("device", "show", "pi4")["transport"], {"type": "ssh", "destination": "pi@10.0.0.7", "port": 2222})
        self.lathe("device", "edit", "pi4", "--agent", "lab")
        lines = self.lathe("device", "list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["DEVICE", "STATE", "TRANSPORT", "AGENT", "LAST", "SEEN", "LAST", "ERROR"])
        self.assertEqual(lines[1].split(), ["pi4", "offline", "ssh", "lab", "-", "-"])
        self.assertEqual(lines[0].index("STATE"), lines[1].index("offline"))
        self.assertEqual(self.json("device", "edit", "pi4", "--agent", "")["agent"], None)
        serial = self.json("device", "add", "nucleo", "--transport", "serial", "--port", "/dev/ttyACM0", "--baud", "921600")
        self.assertEqual(serial["transport"], {"type": "serial", "port": "/dev/ttyACM0", "baud": 921600})
        self.assertIn("--yes", self.lathe("device", "remove", "pi4", code=1).stderr)
        self.lathe("device", "show", "pi4")
        self.lathe("device", "remove", "pi4", "--yes")
        self.lathe("device", "show", "pi4", code=3)
        self.lathe("device", "add", "nucleo", code=1)
        self.lathe("device", "remove", "nucleo", "--yes")
        self.assertIn("No devices", self.lathe("device", "list").stdout)

    def test_a_device_with_tables_is_removed_only_with_them(self):
        self.lathe("table", "import", "n/x-f32-t1-b1", self.file("160.yaml", YAML))
        self.assertIn("with_tables", self.lathe("device", "remove", "n", "--yes", code=1).stderr)
        self.lathe("device", "remove", "n", "--yes", "--with-tables")
        self.assertEqual(self.json("table", "list")["items"], [])

    def test_a_servers_refusal_is_one_line_with_the_field(self):
        done = self.lathe("device", "add", "x", "--transport", "ssh", "--destination", "-o", code=1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("destination", done.stderr)
        done = self.lathe("device", "add", "x", "--transport", "ssh", "--destination", "-o", "--json", code=1)
        self.assertEqual(json.loads(done.stdout)["field"], "transport.destination")

    def test_tables_go_in_and_out_of_files(self):
        answer = self.json("table", "import", "n/x-f32-t1-b1", self.file("160.yaml", YAML))
        self.assertEqual(answer["items"][0]["rows"], 1)
        out = self.folder / "out.yaml"
        self.lathe("table", "export", "n/x-f32-t1-b1", "--format", "ofa-yaml", "--output", str(out))
        self.assertEqual(out.read_text(), YAML)
        self.assertEqual(self.lathe("table", "export", "n/x-f32-t1-b1", "--format", "ofa-yaml").stdout, YAML)
        for name in ("csv", "json", "ofa-json"):
            path = self.folder / f"copy-{name}"  # no ending: told by the content
            self.lathe("table", "export", "n/x-f32-t1-b1", "--format", name, "--output", str(path))
            self.lathe("table", "import", f"{name}/x-f32-t1-b1", str(path))
            self.assertEqual(self.lathe("table", "export", f"{name}/x-f32-t1-b1", "--format", "ofa-yaml").stdout, YAML)
        self.assertEqual(len(self.json("table", "list")["items"]), 4)
        self.lathe("table", "delete", "csv/x-f32-t1-b1", code=1)
        self.lathe("table", "delete", "csv/x-f32-t1-b1", "--yes")
        self.lathe("table", "show", "csv/x-f32-t1-b1", code=3)
        self.lathe("table", "import", "n/x-f32-t1-b1", "/nowhere.yaml", code=3)

    def test_of_several_files_a_broken_one_is_named_with_its_line_and_takes_nothing(self):
        good, bad = self.file("good.yaml", YAML), self.file("bad.yaml", YAML.replace("8x8x8", "8x8x16") + "x:\n  mean: 1\n")
        done = self.lathe("table", "import", "n/x-f32-t1-b1", good, bad, good, "--json", code=1)
        self.assertEqual([i["file"] for i in json.loads(done.stdout)["items"]], [good])
        self.assertRegex(done.stderr, rf"^lathe: {bad}: .*line 5")
        self.assertIn("1 of 3 files", done.stderr)
        self.assertEqual(self.json("table", "list")["items"][0]["entries"], 1)

    def test_rows_are_shown_filtered_sorted_and_aligned(self):
        self.lathe("table", "import", "note10/tflite-f32-t1-b1", *(str(test_data(f"ofa/note10/{r}_lookup_table.yaml")) for r in (160, 224)))
        table = "note10/tflite-f32-t1-b1"
        lines = self.lathe("table", "show", table, "--kind", "mbconv", "--sort", "-latency_ms", "--limit", "5").stdout.splitlines()
        self.assertEqual(lines[0][:len(table)], table)
        rows = [line for line in lines if line.startswith("mbconv")]
        heading = next(line for line in lines if line.startswith("LAYER"))
        self.assertEqual(len(rows), 5)
        end = heading.index("LATENCY ms") + len("LATENCY ms")
        latencies = [row[:end].split()[-1] for row in rows]
        self.assertTrue(all(row[end] == " " for row in rows))
        self.assertEqual(latencies, sorted(latencies, key=float, reverse=True))
        self.assertIn("first 5", lines[-1])
        self.assertEqual(len(self.json("table", "show", table, "--q", "k=7")["items"]),
                         sum("k=7" in e["layer"] for e in self.json("table", "show", table)["items"]))
        self.lathe("table", "show", table, "--sort", "size", code=1)
        self.lathe("table", "show", table, "--limit", "0", code=1)

    def test_ofas_files_come_back_entry_for_entry(self):
        files = [test_data(f"ofa/note10/{r}_lookup_table.yaml") for r in (160, 176, 192, 208, 224)]
        answer = self.json("table", "import", "note10/tflite-f32-t1-b1", *map(str, files))
        self.assertEqual(sum(i["added"] for i in answer["items"]), 480)
        exported = json.loads(self.lathe("table", "export", "note10/tflite-f32-t1-b1", "--format", "json").stdout)
        self.assertEqual(len(exported["items"]), 480)
        self.lathe("table", "import", "copy/tflite-f32-t1-b1", self.file("all.json", json.dumps(exported)))
        for name in ("ofa-yaml", "ofa-json", "csv"):
            texts = [self.lathe("table", "export", f"{d}/tflite-f32-t1-b1", "--format", name).stdout for d in ("note10", "copy")]
            self.assertEqual(texts[0], texts[1], name)
        wanted = sorted(entry for f in files for entry in entries(f.read_text()))
        self.assertEqual(sorted(entries(self.lathe("table", "export", "note10/tflite-f32-t1-b1", "--format", "ofa-yaml").stdout)), wanted)

    def test_spaces_are_listed_shown_and_added(self):
        self.assertIn("ofa-mbv3-w1.2", self.lathe("space", "list").stdout)
        document = self.json("space", "show", "ofa-mbv3-w1.2")["document"]
        self.assertIn("own:", self.lathe("space", "add", self.file("own.json", json.dumps({**document, "id": "own"}))).stdout.replace(" own", "own"))
        self.assertEqual(self.json("space", "show", "own")["id"], "own")
        broken = self.file("broken.json", '{"id": "own",\n "stages": oops}')
        self.assertRegex(self.lathe("space", "add", broken, code=1).stderr, rf"^lathe: {broken}: .*line 2")
        wrong = self.file("wrong.json", json.dumps({**document, "id": "own", "stages": 5}))
        self.assertRegex(self.lathe("space", "add", wrong, code=1).stderr, rf"^lathe: {wrong}: .*stages")
        self.assertIn("id", self.lathe("space", "add", self.file("nameless.json", "{}"), code=1).stderr)

    def test_predictors_are_trained_added_listed_and_removed(self):
        self.lathe("space", "add", self.file("larger.json", json.dumps(LARGER)))
        trained = self.json("predictor", "train", "mine", self.file("samples.csv", samples(400)), "--space", "larger")
        self.assertEqual(trained["origin"], "trained")
        self.assertGreater(trained["training"]["r2"], 0.99)
        self.assertIn("mine", self.lathe("predictor", "list").stdout)
        self.assertEqual(self.json("predictor", "show", "mine")["space"], "larger")
        weights = str(test_data("ofa/acc_predictor_mbv3_w1.2.safetensors"))
        self.assertEqual(self.json("predictor", "add", "ofa", weights, "--space", "ofa-mbv3-w1.2")["layers"][0], 128)
        bad = self.file("bad.safetensors", "\x01" * 7)
        self.assertIn(bad, self.lathe("predictor", "add", "bad", bad, "--space", "larger", code=1).stderr)
        self.lathe("predictor", "remove", "mine", code=1)
        self.lathe("predictor", "remove", "mine", "--yes")
        self.lathe("predictor", "show", "mine", code=3)
        self.lathe("predictor", "remove", "ofa-mbv3-w1.2-mlp", "--yes", code=1)

    def test_tokens_are_made_and_revoked(self):
        token = self.lathe("token", "create", "lab", "--role", "agent").stdout.strip()
        self.assertTrue(token.startswith("lathe_"))
        self.assertIn("lab", self.lathe("token", "list").stdout)
        self.assertNotIn(token, self.lathe("token", "list", "--json").stdout)
        self.assertEqual(self.json("token", "create", "ann")["role"], "user")
        self.lathe("token", "create", "x", "--role", "king", code=1)
        self.lathe("token", "revoke", "lab", code=1)
        self.lathe("token", "revoke", "lab", "--yes")
        self.lathe("token", "revoke", "lab", "--yes", code=3)

    def test_names_that_look_like_paths_reach_nothing_else(self):
        self.lathe("table", "import", "n/x-f32-t1-b1", self.file("160.yaml", YAML))
        for name in ("../tables/n/x-f32-t1-b1", "n?with_tables=true", "a b", "%2e%2e"):
            self.lathe("device", "remove", name, "--yes", "--with-tables", code=3)
        self.assertEqual(len(self.json("table", "list")["items"]), 1)
        self.assertIn("too long", self.lathe("device", "show", "x" * 5000, code=1).stderr)


def entries(text):
    """The entries of an OFA YAML, which has a document for each resolution, as texts."""
    found = []
    for line in text.splitlines():
        if line == "---":
            continue
        if line.startswith(" "):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return ["\n".join(sorted(e.splitlines())) for e in found]


if __name__ == "__main__":
    unittest.main()
