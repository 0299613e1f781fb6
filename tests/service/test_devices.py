# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Devices: registering, changing, removing."""
import unittest

from lathe_service import Server

ROW = b"layer,mean_ms\nlinear in=1x1x8 out=1x1x10,0.5\n"


class DeviceTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def add(self, name="d", transport=None, **more):
        return self.server.call("POST", "/v1/devices", {"name": name, "transport": transport or {"type": "local"}, **more})

    def test_a_device_is_registered_once(self):
        status, headers, device = self.add("pi4", agent="lab")
        self.assertEqual((status, headers["Location"]), (201, "/v1/devices/pi4"))
        self.assertEqual((device["state"], device["last_seen"], device["agent"]), ("offline", None, "lab"))
        self.assertEqual(self.server.ok("GET", "/v1/devices/pi4"), device)
        status, _, problem = self.add("pi4")
        self.assertEqual((status, problem["field"]), (409, "name"))

    def test_transports_are_checked_field_by_field(self):
        bad = [
            ({"type": "usb"}, "transport.type"), ({}, "transport.type"), ({"type": "local", "port": 1}, "transport.port"),
            ({"type": "ssh"}, "transport.destination"), ({"type": "ssh", "destination": "-oProxyCommand=x"}, "transport.destination"),
            ({"type": "ssh", "destination": "a b"}, "transport.destination"), ({"type": "ssh", "destination": "a;id"}, "transport.destination"),
            ({"type": "ssh", "destination": "h", "port": 0}, "transport.port"), ({"type": "ssh", "destination": "h", "port": "22"}, "transport.port"),
            ({"type": "ssh", "destination": "a@-b"}, "transport.destination"), ({"type": "ssh", "destination": "-a@b"}, "transport.destination"),
            ({"type": "ssh", "destination": "a@b@c"}, "transport.destination"), ({"type": "ssh", "destination": "@b"}, "transport.destination"),
            ({"type": "ssh", "destination": "h", "cpus": "0-"}, "transport.cpus"), ({"type": "local", "cpus": "1,,2"}, "transport.cpus"),
            ({"type": "local", "cpus": "3-1"}, "transport.cpus"), ({"type": "local", "cpus": "99999"}, "transport.cpus"),
            ({"type": "serial", "port": "ttyUSB0"}, "transport.port"), ({"type": "serial", "port": "/dev/x", "baud": 1}, "transport.baud"),
            ({"type": "serial", "port": "usb:2341"}, "transport.port"), ({"type": "serial", "port": "/dev/x", "flow": "cts"}, "transport.flow"),
            ({"type": "serial", "port": "/dev/x", "reset": "button"}, "transport.reset"), ({"type": "serial", "port": "/dev/x", "visit_s": 0}, "transport.visit_s"),
            ({"type": "serial", "port": "/dev/x", "protocol": "modbus"}, "transport.protocol"), ({"type": "local", "flow": "none"}, "transport.flow"),
            ({"type": "serial", "port": "/dev/x", "cpus": "0"}, "transport.cpus"),
        ]
        for transport, field in bad:
            status, _, problem = self.server.call("POST", "/v1/devices", {"name": "d", "transport": transport})
            self.assertEqual((status, problem["field"]), (400, field), transport)
        self.assertEqual(self.server.ok("GET", "/v1/devices")["items"], [])
        self.assertEqual(self.add("a", {"type": "ssh", "destination": "pi@10.0.0.7", "port": 2222})[0], 201)
        self.assertEqual(self.add("b", {"type": "serial", "port": "/dev/serial/by-id/usb-X"})[0], 201)
        whole = {"type": "serial", "port": "usb:2341:0043:758333", "baud": 921600, "flow": "rtscts", "reset": "dtr", "protocol": "lathe", "visit_s": 90}
        status, _, device = self.add("c", whole)
        self.assertEqual((status, device["transport"], device["board"]), (201, whole, None))

    def test_names_and_unknown_fields_are_refused(self):
        for name in ("", "a/b", ".a", "-a", "a b", "x" * 65, 7, None):
            status, _, problem = self.server.call("POST", "/v1/devices", {"name": name, "transport": {"type": "local"}})
            self.assertEqual((status, problem["field"]), (400, "name"), name)
        status, _, problem = self.add(colour="red")
        self.assertEqual((status, problem["field"]), (400, "colour"))

    def test_a_patch_changes_what_it_names(self):
        self.add("d", agent="one")
        changed = self.server.ok("PATCH", "/v1/devices/d", {"transport": {"type": "ssh", "destination": "h"}})
        self.assertEqual((changed["transport"]["type"], changed["agent"]), ("ssh", "one"))
        self.assertIsNone(self.server.ok("PATCH", "/v1/devices/d", {"agent": None})["agent"])
        self.assertEqual(self.server.call("PATCH", "/v1/devices/nobody", {"agent": "x"})[0], 404)
        self.assertEqual(self.server.call("PATCH", "/v1/devices/d", {"transport": {"type": "?"}})[0], 400)

    def test_a_device_with_tables_goes_only_when_told(self):
        self.add("d")
        self.server.ok("POST", "/v1/tables/d/x-f32-t1-b1/entries", ROW, ctype="text/csv")
        status, _, problem = self.server.call("DELETE", "/v1/devices/d")
        self.assertEqual((status, problem["tables"]), (409, ["d/x-f32-t1-b1"]))
        self.assertEqual(self.server.call("DELETE", "/v1/devices/d?with_tables=yes")[0], 400)
        self.assertEqual(len(self.server.ok("GET", "/v1/tables")["items"]), 1)
        self.assertEqual(self.server.call("DELETE", "/v1/devices/d?with_tables=true")[0], 204)
        self.assertEqual(self.server.ok("GET", "/v1/tables")["items"], [])
        self.assertEqual(self.server.call("GET", "/v1/devices/d")[0], 404)
        self.assertEqual(self.server.call("DELETE", "/v1/devices/d")[0], 404)

    def test_lists_come_in_pages(self):
        names = [f"d{i:02}" for i in range(7)]
        for name in reversed(names):
            self.add(name)
        seen, cursor = [], ""
        while cursor is not None:
            page = self.server.ok("GET", f"/v1/devices?limit=3&cursor={cursor}" if cursor else "/v1/devices?limit=3")
            seen += [d["name"] for d in page["items"]]
            cursor = page["next"]
        self.assertEqual(seen, names)


if __name__ == "__main__":
    unittest.main()
