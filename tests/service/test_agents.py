# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Agents, and what they have in reach: real agents, on a machine whose serial ports are made up."""
import pathlib
import shlex
import subprocess
import tempfile
import unittest

from lathe_service import Agent, Process, Server, program, wait_for

UNO = {"port": "/dev/ttyACM0", "description": "Uno", "vid": "2341", "pid": "0043", "serial": "75833353934351C0E1C2"}
ARDUINO = {"idVendor": "2341", "idProduct": "0043", "manufacturer": "Arduino", "product": "Uno", "serial": UNO["serial"],
           "busnum": "1", "devnum": "7"}


def private_mounts():
    """The command that gives a program mounts of its own; skips the test where none is allowed."""
    for flags in ("-m", "-rm"):
        command = ["unshare", flags]
        if subprocess.run([*command, "mount", "--bind", "/tmp", "/mnt"], capture_output=True).returncode == 0:
            return command
    raise unittest.SkipTest("needs to be allowed mounts of its own")


class AgentsTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "ssh_config"
        self.config.write_text("Host pi4 jetson\n  User lab\nHost *.lab\n", encoding="utf-8")

    def agents(self):
        return {a["name"]: a for a in self.server.ok("GET", "/v1/agents")["items"]}

    def wait_for_sees(self, name, condition):
        def look():
            sees = self.agents().get(name, {}).get("sees")
            return sees if sees and condition(sees) else None
        return wait_for(f"agent {name} tells what it sees", look)

    def start(self, name="lab", args=()):
        agent = Agent(self.server, name=name, args=("--ssh-config", str(self.config), *args))
        self.addCleanup(agent.close)
        return agent

    def plug_in(self, sys_tty):
        """What Linux shows of an Arduino: the port's link, and the USB device above its interface."""
        usb = self.folder / "usb1" / "1-1"
        port = usb / "1-1:1.0" / "tty" / "ttyACM0"
        port.mkdir(parents=True)
        (port / "device").symlink_to("../../../1-1:1.0")
        for name, text in ARDUINO.items():
            (usb / name).write_text(text + "\n", encoding="ascii")
        (sys_tty / "ttyACM0").symlink_to(port)

    def test_an_agent_tells_the_hosts_of_ssh_and_when_they_change(self):
        self.start()
        sees = self.wait_for_sees("lab", lambda s: s["ssh"])
        self.assertEqual(sees["ssh"], ["pi4", "jetson"])
        self.assertIsInstance(sees["serial"], list)
        self.config.write_text("Host pi4 orin\n", encoding="utf-8")
        self.wait_for_sees("lab", lambda s: s["ssh"] == ["pi4", "orin"])
        agent = self.agents()["lab"]
        self.assertTrue(agent["online"])
        self.assertIsNotNone(agent["last_seen"])

    def test_serial_ports_are_told_as_they_come_and_go(self):
        sys_tty = self.folder / "tty"
        sys_tty.mkdir()
        command = private_mounts()
        token = self.folder / "token"
        token.write_text(self.server.new_token("agent", "bench"), encoding="ascii")
        run = shlex.join([program("lathe-agent"), "--server", self.server.url, "--name", "bench", "--token-file", str(token),
                          "--ssh-config", str(self.config)])
        agent = Process([*command, "sh", "-c", f"mount --bind {shlex.quote(str(sys_tty))} /sys/class/tty && exec {run}"])
        self.addCleanup(agent.stop)
        self.assertEqual(self.wait_for_sees("bench", lambda s: s["ssh"])["serial"], [])
        self.plug_in(sys_tty)
        self.assertEqual(self.wait_for_sees("bench", lambda s: s["serial"])["serial"], [UNO])
        (sys_tty / "ttyACM0").unlink()
        self.wait_for_sees("bench", lambda s: s["serial"] == [])

    def test_agents_are_those_that_told_something_that_work_or_that_devices_name(self):
        self.server.ok("POST", "/v1/devices", {"name": "b", "transport": {"type": "local"}, "agent": "named"})
        self.server.ok("POST", "/v1/devices", {"name": "a", "transport": {"type": "local"}, "agent": "named"})
        self.server.ok("POST", "/v1/devices", {"name": "free", "transport": {"type": "local"}})
        self.server.ok("PUT", "/v1/agents/told/sees", {"serial": [{"port": "/dev/ttyUSB0"}], "ssh": ["nano"]})
        self.server.call("POST", "/v1/agents/works/leases?wait_s=0", {})
        agents = self.agents()
        self.assertEqual(list(agents), ["named", "told", "works"])
        self.assertEqual((agents["named"]["devices"], agents["named"]["online"], agents["named"]["sees"]), (["a", "b"], False, None))
        self.assertEqual(agents["told"]["sees"], {"ssh": ["nano"], "serial": [
            {"port": "/dev/ttyUSB0", "description": None, "vid": None, "pid": None, "serial": None}]})
        self.assertEqual((agents["works"]["online"], agents["works"]["devices"]), (True, []))
        first = self.server.ok("GET", "/v1/agents?limit=2")
        rest = self.server.ok("GET", f"/v1/agents?limit=2&cursor={first['next']}")
        self.assertEqual([a["name"] for a in first["items"] + rest["items"]], ["named", "told", "works"])
        self.assertIsNone(rest["next"])

    def test_what_an_agent_told_outlives_the_server_and_not_its_token(self):
        token = self.server.new_token("agent", "lab")
        self.assertEqual(self.server.call("PUT", "/v1/agents/lab/sees", {"ssh": ["nano"]}, token=token)[0], 204)
        told = self.agents()["lab"]["told"]
        self.server.stop()
        self.server.start()
        self.assertEqual((self.agents()["lab"]["sees"]["ssh"], self.agents()["lab"]["online"]), (["nano"], False))
        # Told again, it is no news.
        self.assertEqual(self.server.call("PUT", "/v1/agents/lab/sees", {"ssh": ["nano"]}, token=token)[0], 204)
        self.assertEqual(self.agents()["lab"]["told"], told)
        self.assertEqual(self.server.call("DELETE", "/v1/tokens/lab")[0], 204)
        self.assertEqual(self.agents(), {})

    def test_what_can_not_be_told_names_its_field(self):
        token = self.server.new_token("agent", "lab")
        cases = [({"ssh": [5]}, "ssh[0]"), ({"ssh": "pi4"}, "ssh"), ({"serial": [{}]}, "serial[0].port"),
                 ({"serial": [{"port": "/dev/x", "vid": "23G1"}]}, "serial[0].vid"), ({"serial": [{"port": 1}]}, "serial[0].port"),
                 ({"serial": [{"port": "/dev/x", "pid": 67}]}, "serial[0].pid"), ({"ssh": ["x" * 1025]}, "ssh[0]"),
                 ({"serial": [{"port": "/dev/x"}] * 257}, "serial"), ({"usb": []}, "usb")]
        for body, field in cases:
            status, _, problem = self.server.call("PUT", "/v1/agents/lab/sees", body, token=token)
            self.assertEqual((status, problem.get("field")), (400, field), body)
        self.assertEqual(self.agents(), {})
        self.assertEqual(self.server.call("PUT", "/v1/agents/other/sees", {}, token=token)[0], 403)
        self.assertEqual(self.server.call("PUT", "/v1/agents/-x/sees", {})[0], 400)
        user = self.server.new_token("user", "me")
        self.assertEqual(self.server.call("PUT", "/v1/agents/lab/sees", {}, token=user)[0], 403)
        self.assertEqual(self.server.call("GET", "/v1/agents", token=user)[0], 200)
        self.assertEqual(self.server.call("GET", "/v1/agents", token=token)[0], 403)


if __name__ == "__main__":
    unittest.main()
