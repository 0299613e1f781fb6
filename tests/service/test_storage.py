# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What becomes of the data: backups of a running server and their way back, samples that go by age, a folder that is full."""
import os
import pathlib
import signal
import socket
import subprocess
import unittest
import urllib.parse

from cli_case import CliCase
from lathe_service import Agent, Server, program, wait_for
from small_space import CONFIG, prepare, profile, start_profile, table, wait_for_state, wait_for_visits

BINARY = "application/octet-stream"
ROWS_A_TABLE = 20000


def csv_rows(count):
    return ("layer,mean_ms\n" + "".join(f"linear in=1x1x{i + 1} out=1x1x{count},{0.001 * (i + 1):.3f}\n" for i in range(count))).encode()


def fill(server, name, count=ROWS_A_TABLE):
    return server.call("POST", f"/v1/tables/{name}/x-f32-t1-b1/entries", csv_rows(count), ctype="text/csv")


def pages(server, path):
    """Every item of a list, as bytes of its pages and as items."""
    raw, items, cursor = b"", [], ""
    while cursor is not None:
        _, _, page = server.call("GET", f"{path}{'&' if '?' in path else '?'}limit=1000{'&cursor=' + cursor if cursor else ''}")
        items += page["items"]
        raw += repr(page).encode()
        cursor = page["next"] and urllib.parse.quote(page["next"])
    return raw, items


def everything(server):
    """All that the API shows of what is stored: path -> answer. What follows from time and agents is left out."""
    shown = {}
    for path in ("/v1/tables", "/v1/profiles", "/v1/measurements", "/v1/predictors", "/v1/spaces"):
        shown[path], items = pages(server, path)
        if path != "/v1/tables":
            continue
        for info in items:
            base = f"/v1/tables/{info['device']}/{info['config']}"
            shown[base] = server.call("GET", base)[2]
            for kind in ("text/csv", "application/json", "application/yaml"):
                shown[base, kind] = server.call("GET", f"{base}/entries?limit=10000", accept=kind)[2]
            for row in pages(server, f"{base}/entries")[1]:
                if row["samples"]:
                    layer = urllib.parse.quote(row["layer"])
                    shown[base, row["layer"]] = (pages(server, f"{base}/samples?layer={layer}")[0], server.ok("GET", f"{base}/history?layer={layer}"))
    shown["devices"] = [(d["name"], d["transport"], d["agent"]) for d in server.ok("GET", "/v1/devices")["items"]]
    return shown


class StorageCase(CliCase):
    server_arguments = ()

    def setUp(self):
        super().setUp()
        if self.server_arguments:
            self.server.stop()
            self.server.args = self.server_arguments
            self.server.start()

    def storage(self):
        return self.server.ok("GET", "/v1/storage")

    def restored(self, file, name="restored"):
        """A server on the data of a backup."""
        folder = self.folder / name
        self.lathe("restore", str(file), "--data", str(folder))
        server = Server(data=str(folder))
        self.addCleanup(server.close)
        return server

    def measure(self, **changes):
        prepare(self.server)
        job = start_profile(self.server, **changes)
        with Agent(self.server):
            return wait_for_state(self.server, job, "done")


class BackupTest(StorageCase):
    def test_a_restored_server_shows_the_same_to_the_byte(self):
        self.measure()
        fill(self.server, "other", 2000)
        token = self.server.new_token("user", "someone")
        file = self.folder / "a.backup"
        done = self.lathe("backup", str(file))
        self.assertIn("complete", done.stdout)
        self.assertIn(f"lathe restore {file}", done.stdout)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["a.backup"])
        before = everything(self.server)
        self.assertGreater(len(before), 20)
        after = everything(self.restored(file))
        self.maxDiff = 2000
        self.assertEqual(set(before), set(after))
        for what, answer in before.items():
            self.assertEqual(answer, after[what], what)
        again = self.restored(file, "again")
        self.assertNotEqual(again.token, self.server.token)
        self.assertEqual(again.call("GET", "/v1/tables", token=self.server.token)[0], 401)
        self.assertEqual(again.call("GET", "/v1/tables", token=token)[0], 200)

    def test_a_backup_while_a_profile_runs_is_of_one_moment_and_goes_on_elsewhere(self):
        prepare(self.server)
        job = start_profile(self.server, rounds=4, runs=60)
        files = [self.folder / f"{i}.backup" for i in range(3)]
        with Agent(self.server):
            for i, file in enumerate(files):
                wait_for_visits(self.server, job, 1 + 20 * i)
                self.lathe("backup", str(file))
            self.assertNotEqual(profile(self.server, job)["state"], "failed")
        for i, file in enumerate(files):
            server = self.restored(file, f"restored-{i}")
            known = profile(server, job)
            self.assertGreaterEqual(known["visits_done"], 1 + 20 * i)
            for layer, row in table(server).items():
                visits = pages(server, f"/v1/tables/here/{CONFIG}/samples?layer={urllib.parse.quote(layer)}")[1]
                self.assertEqual(sum(len(v["samples"]) for v in visits), row["samples"], layer)
            if i == 0:
                with Agent(server, name="other"):
                    self.assertEqual(wait_for_state(server, job, "done", "failed")["error"], None)

    def open_backup(self):
        """Ask for a backup and read nothing but the head of the answer."""
        link = socket.create_connection(("127.0.0.1", self.server.port))
        self.addCleanup(link.close)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(60)
        link.sendall(f"GET /v1/backup HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(1)
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        return link

    def test_who_reads_slowly_keeps_nobody_from_writing(self):
        for i in range(3):
            self.assertEqual(fill(self.server, f"big{i}")[0], 200)
        slow = self.open_backup()
        self.assertEqual(self.server.call("GET", "/v1/backup", accept=BINARY)[0], 409)
        self.assertIn("another backup", self.lathe("backup", str(self.folder / "second"), code=1).stderr)
        self.assertEqual(list(self.folder.iterdir()), [])
        before = self.storage()["file_bytes"]
        for round_ in range(3):  # as much as there is, again and again: pages that were freed are used again
            for i in range(3):
                self.assertEqual(fill(self.server, f"big{i}")[0], 200, round_)
        self.assertLess(self.storage()["file_bytes"], 2 * before)
        slow.close()
        wait_for("the end of the first", lambda: self.server.call("GET", "/v1/backup", accept=BINARY)[0] == 200)

    def test_a_server_killed_while_it_sends_leaves_nothing_and_goes_on(self):
        for i in range(2):
            fill(self.server, f"big{i}")
        before = self.server.ok("GET", "/v1/tables")
        link = self.open_backup()
        part = link.recv(4096)
        self.server.kill()
        try:
            while more := link.recv(65536):
                part += more
        except ConnectionError:
            pass
        self.assertEqual(set(os.listdir(self.server.data)) - {"server.json"}, {"data.mdb", "lock.mdb", "lock", "admin.token"})
        self.server.start()
        self.assertEqual(self.server.ok("GET", "/v1/tables"), before)
        cut = self.folder / "cut.backup"
        cut.write_bytes(part)
        self.assertIn("no whole backup", self.lathe("restore", str(cut), "--data", str(self.folder / "new"), code=1).stderr)
        self.assertFalse((self.folder / "new").exists())

    def test_the_command_leaves_no_file_where_the_server_dies(self):
        for i in range(3):
            fill(self.server, f"big{i}")
        file = self.folder / "a.backup"
        with subprocess.Popen([program("lathe"), "backup", str(file)], env=self.environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as command:
            part = pathlib.Path(f"{file}.part")
            wait_for("the first bytes", lambda: part.exists() and part.stat().st_size > 0)
            os.kill(command.pid, signal.SIGSTOP)
            self.server.kill()
            os.kill(command.pid, signal.SIGCONT)
            said = command.communicate()[1]
        self.assertEqual(command.returncode, 1, said)
        self.assertIn("lathe: ", said)
        self.assertEqual(list(self.folder.iterdir()), [])
        self.server.start()

    def test_stopping_ends_a_backup_that_nobody_reads(self):
        for i in range(3):
            fill(self.server, f"big{i}")
        self.open_backup()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()

    def test_only_admins_get_a_backup(self):
        for role in ("user", "agent"):
            token = self.server.new_token(role, role)
            self.assertEqual(self.server.call("GET", "/v1/backup", token=token, accept=BINARY)[0], 403)
            self.assertEqual(self.server.call("GET", "/v1/storage", token=token)[0], 200)

    def test_files_and_folders_are_kept_unless_forced(self):
        file = self.file("a.backup", "mine")
        self.assertIn("--force", self.lathe("backup", file, code=1).stderr)
        self.assertEqual(pathlib.Path(file).read_text(encoding="utf-8"), "mine")
        self.lathe("backup", file, "--force")
        self.assertIn("in use by process", self.lathe("restore", file, "--force", code=1).stderr)
        fill(self.server, "later", 10)
        self.server.stop()
        self.assertIn("has data", self.lathe("restore", file, code=1).stderr)
        self.server.start()
        self.assertEqual(len(self.server.ok("GET", "/v1/tables")["items"]), 1)
        self.server.stop()
        answer = self.json("restore", file, "--force")
        self.assertTrue((pathlib.Path(self.server.data) / answer["aside"]).exists())
        self.server.start()
        self.assertEqual(self.server.ok("GET", "/v1/tables")["items"], [])

    def test_a_damaged_file_changes_nothing(self):
        file = self.folder / "a.backup"
        self.lathe("backup", str(file))
        whole = file.read_bytes()
        self.server.stop()
        before = {p.name: p.read_bytes() for p in pathlib.Path(self.server.data).iterdir()}
        middle = len(whole) // 2
        for damaged in (b"", whole[:-1], whole[:middle], whole + b"x", whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1:], b"x" * 100000):
            file.write_bytes(damaged)
            said = self.lathe("restore", str(file), "--force", code=1).stderr
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn("Nothing was changed", said)
        self.assertEqual({p.name: p.read_bytes() for p in pathlib.Path(self.server.data).iterdir()}, before)
        self.assertIn("no such", self.lathe("restore", str(self.folder / "absent"), code=3).stderr.lower())
        self.server.start()


class ThinningTest(StorageCase):
    def test_old_samples_go_and_their_figures_stay(self):
        self.measure()
        rows, held = table(self.server), self.storage()
        self.assertGreater(held["samples_bytes"], 10000)
        self.assertEqual((held["keep_samples_days"], held["thinned_at"], held["thinned_samples"]), (90, None, 0))
        self.server.stop()
        self.server.args = ("--keep-samples", "1s")
        self.server.start()
        wait_for("thinning", lambda: self.storage()["samples_bytes"] == 0)
        storage = self.storage()
        self.assertEqual(storage["thinned_samples"], sum(row["samples"] for row in rows.values()))
        self.assertIsNotNone(storage["thinned_at"])
        self.assertEqual(table(self.server), rows)
        for layer, row in rows.items():
            answer = self.server.ok("GET", f"/v1/tables/here/{CONFIG}/samples?layer={urllib.parse.quote(layer)}")
            self.assertEqual((answer["visits"], answer["thinned"]["samples"]), (0, row["samples"]))
        text = self.server.call("GET", "/metrics", token="")[2].decode()
        self.assertIn(f"lathe_samples_thinned_total {storage['thinned_samples']}\n", text)
        self.assertIn("lathe_samples_bytes 0\n", text)

    def test_a_profile_after_thinning_adds_to_what_there_was(self):
        self.measure()
        rows = table(self.server)
        self.server.stop()
        self.server.args = ("--keep-samples", "1s")
        self.server.start()
        wait_for("thinning", lambda: self.storage()["samples_bytes"] == 0)
        self.server.stop()
        self.server.args = ("--keep-samples", "forever")
        self.server.start()
        self.assertIsNone(self.storage()["keep_samples_days"])
        job = start_profile(self.server, rounds=8)  # twice as many samples as there are
        with Agent(self.server, name="later"):
            wait_for_state(self.server, job, "done")
        for layer, row in table(self.server).items():
            self.assertGreater(row["samples"], rows[layer]["samples"], layer)
            self.assertGreater(self.storage()["samples_bytes"], 0)

    def test_options_that_make_no_sense_are_refused(self):
        for arguments in (["--keep-samples", "0d"], ["--keep-samples", "90"], ["--keep-samples", "x"], ["--data-limit", "1M"],
                          ["--data-limit", "20"], ["--data-limit", "65T"], ["--data-limit", "-1G"]):
            done = subprocess.run([program("lathed"), "--data", str(self.folder / "never"), *arguments], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), arguments)
            self.assertIn(arguments[0], done.stderr)
            self.assertFalse((self.folder / "never").exists())


class FullTest(StorageCase):
    server_arguments = ("--data-limit", "16M")

    def test_a_full_folder_refuses_what_makes_it_larger_and_reads_on(self):
        stored, answer = 0, (200,)
        while answer[0] == 200:
            self.assertLess(stored, 50)
            answer = fill(self.server, f"t{stored:02}", 5000)
            stored += answer[0] == 200
        self.assertEqual((answer[0], answer[2]["title"]), (507, "Insufficient Storage"))
        for word in ("16 MiB", "nothing was changed", "Delete tables", "--data-limit", "--keep-samples"):
            self.assertIn(word, answer[2]["detail"])
        self.assertGreaterEqual(stored, 2)
        names = [f"t{i:02}" for i in range(stored)]
        self.assertEqual([t["device"] for t in self.server.ok("GET", "/v1/tables")["items"]], names)
        for name in names:
            self.assertEqual(len(self.server.call("GET", f"/v1/tables/{name}/x-f32-t1-b1/entries", accept="text/csv")[2].splitlines()), 5001)
        storage = self.storage()
        self.assertEqual(storage["limit_bytes"], 16 << 20)
        self.assertLessEqual(storage["file_bytes"], storage["limit_bytes"])
        self.assertGreater(storage["used_bytes"], storage["limit_bytes"] * 0.6)
        self.assertLessEqual((pathlib.Path(self.server.data) / "data.mdb").stat().st_size, 16 << 20)
        self.server.kill()
        self.server.start()
        self.lathe("backup", str(self.folder / "full.backup"))
        self.assertEqual(self.server.call("DELETE", "/v1/tables/t00/x-f32-t1-b1")[0], 204)
        self.assertLess(self.storage()["used_bytes"], storage["used_bytes"])
        self.assertEqual(fill(self.server, "t00", 4000)[0], 200)

    def test_monitors_and_people_are_told(self):
        while fill(self.server, f"t{self.storage()['used_bytes']}", 5000)[0] == 200:
            pass
        wait_for("a look", lambda: self.storage()["thinning_early"])
        text = self.server.call("GET", "/metrics", token="")[2].decode()
        storage = self.storage()
        for line in (f"lathe_data_bytes {storage['used_bytes']}", f"lathe_data_limit_bytes {16 << 20}", f"lathe_data_file_bytes {storage['file_bytes']}",
                     "lathe_samples_thinned_early 1"):
            self.assertIn(line + "\n", text)
        self.assertIn("has passed 80% of its limit", self.server.process.stderr())
        self.assertRegex(self.lathe("status").stdout, r"storage +1\d\.\d MB of 17 MB, 0\.0 MB of it raw samples")
        self.assertEqual(self.json("status")["storage"], storage)


if __name__ == "__main__":
    unittest.main()
