# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Devices over ssh: a real sshd, the real ssh client, the real runner copied to the device."""
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from lathe_service import WAIT_S, Agent, Server, program, wait_for
from small_space import CONFIG, assert_complete, prepare, start_profile, table, wait_for_state, wait_for_visits
from sshd import Sshd, make_key

SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 3, 5], "expand": [3, 4, 6]}


class SshCase(unittest.TestCase):
    """The device of small_space, "here", is reached by ssh."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-test-ssh-agent-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        prepare(self.server)

    def device(self, destination="board", name="here", **more):
        transport = {"type": "ssh", "destination": destination, **more}
        self.server.ok("PATCH", f"/v1/devices/{name}", {"transport": transport})

    def sshd(self, **options):
        sshd = Sshd(**options)
        self.addCleanup(sshd.close)
        return sshd

    def agent(self, sshd, *args, name="lab", **config):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"ssh_config": str(sshd.config), **config}), encoding="utf-8")
        agent = Agent(self.server, name, ["--config", str(path), *args])
        self.addCleanup(agent.close)
        return agent

    def start(self, *args, sshd=None, **config):
        sshd = sshd or self.sshd()
        self.device()
        self.agent(sshd, *args, **config)
        return sshd

    def failure(self, job):
        """The error that a job fails with, which its device shows, too."""
        ended = wait_for_state(self.server, job, "failed", "done")
        self.assertEqual(ended["state"], "failed")
        # Three failures in a row quarantine a device, and its lease may yet have to come back.
        wait_for("the device is free", lambda: self.server.ok("GET", "/v1/devices/here")["state"] in ("online", "quarantined"))
        shown = self.server.ok("GET", "/v1/devices/here")["error"]
        self.assertIn(shown, ended["error"])
        return ended["error"]

    def script(self, text, name="script"):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(stat.S_IRWXU)
        return path

    def fingerprint(self):
        return self.server.ok("GET", f"/v1/tables/here/{CONFIG}")["fingerprint"]


class DeployTest(SshCase):
    def test_a_profile_and_a_measurement_over_ssh(self):
        sshd = self.start()
        job = wait_for_state(self.server, start_profile(self.server), "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        assert_complete(self, self.server, job)
        [runner] = sshd.runners()
        self.assertRegex(runner, "^[0-9a-f]{64}$")
        program_of = sshd.cache / "runner" / runner / "lathe-run"
        before = program_of.stat()
        self.assertIn("lathe-run", self.fingerprint()["runner"])
        measured = self.server.ok("POST", "/v1/measurements", {"device": "here", "config": CONFIG, "subnet": SUBNET})
        self.assertEqual(wait_for_state(self.server, measured, "done", "failed")["state"], "done")
        after = program_of.stat()
        self.assertEqual((before.st_ino, before.st_ctime_ns), (after.st_ino, after.st_ctime_ns))
        self.assertIsNone(self.server.ok("GET", "/v1/devices/here")["error"])

    def test_a_damaged_runner_is_copied_anew(self):
        sshd = self.sshd()
        self.device()
        first = start_profile(self.server)  # before the agent, which ends when there is no work
        self.agent(sshd, "--once")
        wait_for_state(self.server, first, "done")
        [runner] = sshd.runners()
        library = sshd.cache / "runner" / runner / "libc.so.6"
        library.write_bytes(b"not a library")
        second = start_profile(self.server, resolutions=[64])
        self.agent(sshd, "--once", name="second")
        self.assertEqual(wait_for_state(self.server, second, "done", "failed")["state"], "done")
        self.assertEqual(sshd.runners(), [runner])
        self.assertGreater(library.stat().st_size, 1000000)

    def test_the_runner_ends_with_the_session(self):
        sshd = self.sshd()
        self.device()
        wait_for_state(self.server, self.started(sshd), "done")
        wait_for("the device is left alone", lambda: not sshd.sessions())

    def started(self, sshd):
        job = start_profile(self.server)
        self.agent(sshd, "--once")
        return job

    def test_processors_over_ssh_show_in_the_fingerprint(self):
        last = max(os.sched_getaffinity(0))
        sshd = self.sshd()
        self.device(cpus=str(last))
        self.agent(sshd)
        self.assertEqual(wait_for_state(self.server, start_profile(self.server), "done", "failed")["state"], "done")
        self.assertEqual(self.fingerprint()["affinity"], str(last))

    def test_a_login_that_prints_disturbs_nothing(self):
        force = self.script('echo "Welcome to the lathe: enjoy"; echo; exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        self.start(sshd=self.sshd(force=force))
        self.assertEqual(wait_for_state(self.server, start_profile(self.server), "done", "failed")["state"], "done")


class CleanTest(SshCase):
    def test_old_runners_go_and_the_current_one_stays(self):
        sshd = self.start()
        wait_for_state(self.server, start_profile(self.server), "done")
        [current] = sshd.runners()
        for name in ("0" * 64, ".new.123"):
            (sshd.cache / "runner" / name).mkdir()
            (sshd.cache / "runner" / name / "lathe-run").write_bytes(bytes(2 << 20))
        clean = self.server.ok("POST", "/v1/devices/here/clean")
        done = wait_for_state(self.server, clean, "done", "failed")
        self.assertEqual((done["state"], done["error"]), ("done", None))
        self.assertGreaterEqual(done["freed_kb"], 4096)
        self.assertLess(done["freed_kb"], 4096 + 100)
        self.assertEqual(sshd.runners(), [current])
        said = subprocess.run([program("lathe"), "device", "clean", "here"], check=True, capture_output=True, text=True,
                              env={**os.environ, "LATHE_SERVER": self.server.url, "LATHE_TOKEN_FILE": f"{self.server.data}/admin.token"})
        self.assertEqual(said.stdout, "freed 0.0 MB on here\n")
        self.assertEqual(self.server.ok("GET", "/v1/devices/here")["error"], None)

    def test_a_device_that_refuses_is_told(self):
        sshd = self.sshd()
        sshd.known(None)
        self.start(sshd=sshd)
        self.assertIn("is not known", self.failure(self.server.ok("POST", "/v1/devices/here/clean")))

    def test_devices_that_do_not_exist_or_have_no_transport_can_not_be_cleaned(self):
        self.assertEqual(self.server.call("POST", "/v1/devices/nobody/clean")[0], 404)
        self.server.ok("POST", "/v1/tables/imported/x-f32-t1-b1/entries", b"layer,mean_ms\nlinear in=1x1x8 out=1x1x10,0.5\n", ctype="text/csv")
        self.assertEqual(self.server.call("POST", "/v1/devices/imported/clean")[0], 422)

    def test_a_device_on_the_agents_machine_has_nothing_to_clean(self):
        self.agent(self.sshd())
        done = wait_for_state(self.server, self.server.ok("POST", "/v1/devices/here/clean"), "done", "failed")
        self.assertEqual((done["state"], done["freed_kb"]), ("done", 0))


class BrokenLinkTest(SshCase):
    def test_a_profile_goes_on_after_lost_connections_and_counts_nothing_twice(self):
        sshd = self.start()
        job = start_profile(self.server, rounds=12)
        for visits in (5, 60, 120):
            wait_for_visits(self.server, job, visits)
            sshd.drop_connections()
        ended = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((ended["state"], ended["error"]), ("done", None))
        assert_complete(self, self.server, ended)

    def test_silence_of_the_network_is_noticed(self):
        sshd = self.start()
        job = start_profile(self.server, rounds=12)
        wait_for_visits(self.server, job, 5)
        sshd.freeze_connections()
        ended = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((ended["state"], ended["error"]), ("done", None))
        assert_complete(self, self.server, ended)

    def test_a_device_that_is_away_for_a_while_is_waited_for(self):
        sshd = self.start()
        job = start_profile(self.server, rounds=12)
        wait_for_visits(self.server, job, 5)
        sshd.drop_connections()
        sshd.stop_listening()
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stranger.settimeout(WAIT_S)
            stranger.bind(("127.0.0.1", sshd.port))
            stranger.listen()
            for _ in range(2):  # it tries again
                stranger.accept()[0].close()
            why = wait_for("why it waits", lambda: self.server.ok("GET", f"/v1/devices/{job['device']}")["error"])
            self.assertIn("no connection to", why)
            self.assertEqual(self.server.ok("GET", f"/v1/profiles/{job['id']}")["error"], why)
        sshd.start()
        ended = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((ended["state"], ended["error"]), ("done", None))
        assert_complete(self, self.server, ended)


class RefusalTest(SshCase):
    """What trying again can't help ends the job at once, with a word that says what to do."""

    def refused(self, *words, sshd=None, **config):
        sshd = self.start(sshd=sshd, **config)
        error = self.failure(start_profile(self.server))
        for word in words:
            self.assertIn(word, error)
        self.assertNotIn("times in a row", error)
        return sshd

    def test_a_key_that_the_device_does_not_know(self):
        sshd = self.sshd()
        (sshd.folder / "authorized_keys").write_text(make_key(sshd.folder / "other"), encoding="ascii")
        self.refused("does not accept the agent's key", "authorized_keys", sshd=sshd)

    def test_a_changed_host_key(self):
        sshd = self.sshd()
        sshd.known(make_key(sshd.folder / "other"))
        self.refused("host key of board has changed", "ssh-keygen -R", sshd=sshd)
        self.assertEqual(sshd.runners(), [])

    def test_a_host_that_is_not_known(self):
        sshd = self.sshd()
        sshd.known(None)
        self.refused("host key of board is not known", "ssh board", sshd=sshd)
        self.assertEqual((sshd.folder / "known_hosts").read_text(encoding="ascii"), "")

    def test_an_architecture_without_a_runner(self):
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "uname").write_text("#!/bin/sh\necho sparc64\n", encoding="ascii")
        (tools / "uname").chmod(0o755)
        sshd = self.sshd(environment={"PATH": f"{tools}:{os.environ['PATH']}"})
        self.refused("sparc64", "x86_64" if os.uname().machine == "x86_64" else os.uname().machine, sshd=sshd)
        self.assertEqual(sshd.runners(), [])

    def test_a_file_size_that_the_device_does_not_allow(self):
        force = self.script('ulimit -f 2000; exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        sshd = self.refused("does not fit", sshd=self.sshd(force=force))
        self.assertEqual(sshd.runners(), [])

    def mount(self, sshd, options):
        """A small disk for the device's cache; needs root, as CI has it."""
        sshd.cache.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "lathe-test", str(sshd.cache)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(sshd.cache)], check=True)

    @unittest.skipIf(os.getuid() != 0, "mounting needs root")
    def test_a_full_disk(self):
        sshd = self.sshd()
        self.mount(sshd, "size=3m")
        self.refused("does not fit", "No space left", sshd=sshd)
        self.assertEqual(sshd.runners(), [])

    @unittest.skipIf(os.getuid() != 0, "mounting needs root")
    def test_a_disk_that_programs_can_not_be_run_from(self):
        sshd = self.sshd()
        self.mount(sshd, "noexec")
        self.refused("does not start", "noexec", sshd=sshd)
        self.assertEqual(sshd.runners(), [])

    def test_a_runner_that_misses_a_library(self):
        bundles = self.folder / "bundles"
        shutil.copytree(pathlib.Path(program("lathe-run")).parent.parent / "share/lathe/runner", bundles)
        path = bundles / os.uname().machine / "lathe-run"
        path.write_bytes(path.read_bytes().replace(b"libpthreadpool.so.0", b"libpthreadp__l.so.0"))
        sshd = self.refused("does not start", "libpthreadp__l.so.0", bundles=str(bundles))
        self.assertEqual(sshd.runners(), [])

    def test_processors_that_the_device_does_not_have(self):
        sshd = self.sshd()
        self.device(cpus="900")
        self.agent(sshd)
        self.assertIn("processors", self.failure(start_profile(self.server)))

    def test_a_program_that_is_not_there(self):
        self.refused("/nonexistent/runner", "no such program",
                     devices={"here": {"runner": ["/nonexistent/runner"]}})


class RemoteRunnerTest(SshCase):
    def test_one_that_crashes_is_told_with_its_last_words(self):
        self.start(devices={"here": {"runner": ["/bin/sh", "-c", "echo the board is on fire >&2; kill -SEGV $$"]}})
        error = self.failure(start_profile(self.server))
        self.assertIn("3 times in a row", error)
        self.assertIn("signal 11", error)

    def test_one_that_hangs_is_given_up_and_does_not_stay(self):
        length = str(100000 + os.getpid())  # tells these from others' processes
        self.start(devices={"here": {"runner": ["sleep", length]}})
        self.assertIn("did not say hello", self.failure(start_profile(self.server)))
        looked = ["pgrep", "-f", f"^sleep {length}$"]
        wait_for("what hung is gone", lambda: subprocess.run(looked, check=False, capture_output=True).returncode == 1)

    def check_custom(self, sshd=None):
        """A runner by configuration, whose path and arguments are full of what shells like."""
        log = self.folder / "arguments"
        runner = self.folder / "my 'best' $(touch pwned) runner"
        runner.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{log}"\nexec {program("lathe-run")} serve\n', encoding="utf-8")
        runner.chmod(0o755)
        arguments = ["--flag", "a  b", "it's", '"$HOME"', "`id`", "", "-", "\\n", "é;&|<>*?!#~"]
        config = {"devices": {"here": {"runner": [str(runner), *arguments]}}}
        if sshd:
            self.start(sshd=sshd, **config)
        else:
            self.agent(self.sshd(), **config)
        job = wait_for_state(self.server, start_profile(self.server), "done", "failed")
        self.assertEqual(job["state"], "done", job["error"])
        self.assertEqual(log.read_text(encoding="utf-8").split("\n")[:-1], arguments)

    def test_a_runner_by_configuration_gets_its_arguments_as_they_are(self):
        sshd = self.sshd()
        self.check_custom(sshd)
        self.assertEqual(sshd.runners(), [])

    def test_so_does_one_on_this_machine(self):
        self.check_custom()

    def test_a_runtime_is_run_by_the_program_that_the_configuration_names(self):
        # A runner that knows no such runtime says so: it was asked.
        self.start(runtimes={"tensorrt": [program("lathe-run"), "serve"]})
        error = self.failure(start_profile(self.server, config="tensorrt-f32-t1-b1"))
        self.assertIn("tensorrt", error)
        job = wait_for_state(self.server, start_profile(self.server), "done", "failed")
        self.assertEqual(job["state"], "done")


class Arm64Test(SshCase):
    def test_the_runner_for_64_bit_arm_under_emulation(self):
        """The device says that it is an aarch64; where a processor would run the bundle's loader, QEMU does."""
        built = pathlib.Path(program("lathe-run")).parent.parent / "share/lathe/runner/aarch64"
        self.assertTrue(built.exists(), f"{built} is missing: run ci/build-arm64 {built.parents[3]}")
        bundle = self.folder / "bundles/aarch64"
        shutil.copytree(built, bundle)
        (bundle / "loader").rename(bundle / "loader.arm64")
        (bundle / "loader").write_text('#!/bin/sh\nexec qemu-aarch64-static "${0%/*}/loader.arm64" "$@"\n', encoding="ascii")
        (bundle / "loader").chmod(0o755)
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "uname").write_text("#!/bin/sh\necho aarch64\n", encoding="ascii")
        (tools / "uname").chmod(0o755)
        sshd = self.sshd(environment={"PATH": f"{tools}:{os.environ['PATH']}"})
        self.start(sshd=sshd, bundles=str(bundle.parent))
        job = start_profile(self.server, rounds=1, runs=1)
        ended = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual(ended["state"], "done", ended["error"])
        self.assertEqual(len(table(self.server)), ended["rows_total"])
        fingerprint = self.fingerprint()
        self.assertEqual(fingerprint["emulated"], "qemu-aarch64")
        self.assertIn("aarch64", fingerprint["kernel"])


class SeveralDevicesTest(SshCase):
    def add(self, name, transport):
        self.server.ok("POST", "/v1/devices", {"name": name, "transport": transport})

    def states(self, *names):
        return {self.server.ok("GET", f"/v1/devices/{name}")["state"] for name in names}

    def test_two_devices_work_at_once(self):
        first, second = self.sshd(), self.sshd(hosts=("other",))
        first.config.write_text(second.config.read_text(encoding="ascii").partition("Host *")[0].replace(
            "HostKeyAlias device", f"HostKeyAlias device\n  IdentityFile {second.folder}/user_key\n"
            f"  UserKnownHostsFile {second.folder}/known_hosts") + first.config.read_text(encoding="ascii"), encoding="ascii")
        self.device()
        self.add("there", {"type": "ssh", "destination": "other"})
        self.agent(first)
        jobs = [start_profile(self.server, device=name, rounds=40) for name in ("here", "there")]
        wait_for("both are busy", lambda: self.states("here", "there") == {"busy"})
        for job in jobs:
            wait_for_visits(self.server, job, 20)
        self.assertEqual([self.server.ok("GET", f"/v1/profiles/{job['id']}")["state"] for job in jobs], ["running"] * 2)

    def test_jobs_bounds_how_many(self):
        sshd = self.sshd(hosts=("board", "other"))
        self.device()
        self.add("there", {"type": "ssh", "destination": "other"})
        self.agent(sshd, "--jobs", "1")
        jobs = [start_profile(self.server, device=name) for name in ("here", "there")]
        while any(self.server.ok("GET", f"/v1/profiles/{job['id']}")["state"] != "done" for job in jobs):
            self.assertNotEqual(self.states("here", "there"), {"busy"})

    def test_local_devices_that_share_processors_take_turns_and_others_do_not(self):
        self.add("there", {"type": "local", "cpus": "0"})
        self.agent(self.sshd())
        jobs = [start_profile(self.server, device=name) for name in ("here", "there")]
        while any(self.server.ok("GET", f"/v1/profiles/{job['id']}")["state"] != "done" for job in jobs):
            self.assertNotEqual(self.states("here", "there"), {"busy"})
        table_there = self.server.ok("GET", f"/v1/tables/there/{CONFIG}")
        self.assertEqual(table_there["fingerprint"]["affinity"], "0")

    def test_the_agents_configuration_limits_a_device(self):
        processors = sorted(os.sched_getaffinity(0))
        self.assertGreater(len(processors), 1, "this test needs two processors")
        first, last = str(processors[0]), str(processors[-1])
        self.add("there", {"type": "local", "cpus": f"{first},{last}"})
        self.agent(self.sshd(), devices={"here": {"cpus": first}, "there": {"cpus": last}})
        jobs = [start_profile(self.server, device=name, rounds=40) for name in ("here", "there")]
        wait_for("both are busy", lambda: self.states("here", "there") == {"busy"})
        for job in jobs:
            wait_for_visits(self.server, job, 5)
        for name, cpus in (("here", first), ("there", last)):
            fingerprint = self.server.ok("GET", f"/v1/tables/{name}/{CONFIG}")["fingerprint"]
            self.assertEqual(fingerprint["affinity"], cpus)

    def test_a_second_agent_of_the_same_name_is_refused(self):
        sshd = self.sshd()
        first = self.agent(sshd)
        wait_for("the first works", lambda: self.server.ok("GET", "/v1/devices/here")["state"] == "online")
        done = subprocess.run([program("lathe-agent"), "--server", self.server.url, "--name", "lab", "--token-file",
                               first.token_file.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another lathe-agent works as lab", done.stderr)

    def test_an_agent_that_was_killed_goes_on_at_once(self):
        agent = self.agent(self.sshd())
        job = start_profile(self.server, rounds=12)
        wait_for_visits(self.server, job, 5)
        started = time.monotonic()
        agent.kill()
        agent.start()
        ended = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual(ended["state"], "done")
        self.assertLess(time.monotonic() - started, 25)  # the lease would expire after 30 s
        assert_complete(self, self.server, ended)


class ConfigurationTest(unittest.TestCase):
    def run_with(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            return subprocess.run([program("lathe-agent"), "--config", file.name], capture_output=True, text=True, check=False)

    def test_errors_name_the_field(self):
        for text, word in (('{"jobs": 0}', "jobs"), ('{"devices": {"pi4": {"cpus": "4-x"}}}', "devices.pi4.cpus"),
                           ('{"runtimes": {"trt": []}}', "runtimes.trt"), ('{"colour": 1}', "colour"), ("{", "line 1")):
            done = self.run_with(text)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(word, done.stderr)

    def test_the_help_has_an_example_that_can_be_used(self):
        done = subprocess.run([program("lathe-agent"), "--help"], capture_output=True, text=True, check=True)
        example = json.loads(done.stdout[done.stdout.index("  {"):done.stdout.rindex("}") + 1])
        self.assertIn("/etc/lathe/lab.token", self.run_with(json.dumps(example)).stderr)


if __name__ == "__main__":
    unittest.main()
