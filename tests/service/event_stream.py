# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A client of server-sent events, as a browser's EventSource reads them."""
import http.client
import json
import ssl

from lathe_service import WAIT_S


class Event:
    def __init__(self, kind, data, last_id):
        self.kind, self.data, self.id = kind, json.loads(data), last_id


class EventStream:
    """GET /v1/events. last_id is what an EventSource would come back with."""

    def __init__(self, server, query="", token=None, headers=None, ca=None):
        if ca:
            self.connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=WAIT_S,
                                                          context=ssl.create_default_context(cafile=ca))
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
        send = {"Accept": "text/event-stream", **(headers or {})}
        if token != "":
            send["Authorization"] = "Bearer " + (token or server.token)
        self.connection.request("GET", "/v1/events" + query, headers=send)
        self.answer = self.connection.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers
        self.last_id, self.retry_ms, self.comments, self.open = None, None, 0, self.status == 200
        if self.open:
            self.first = self._block()  # the place in the stream, or a reset

    def _block(self):
        """Lines up to an empty one. @return an Event, or None when they are none; sets open to False at the end."""
        kind, data = "message", []
        while True:
            try:
                line = self.answer.readline().decode()
            except (http.client.IncompleteRead, ConnectionError):
                line = ""
            if not line:
                self.open = False
                return None
            line = line.rstrip("\n")
            if not line:
                return Event(kind, "\n".join(data), self.last_id) if data else None
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not name:
                self.comments += 1
            elif name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry_ms = int(value)
            else:
                raise AssertionError(f"no line of an event stream: {line!r}")

    def next(self):
        """The next event; None when the stream has ended."""
        while self.open:
            event = self._block()
            if event:
                return event
        return None

    def until(self, condition):
        """Read until an event meets a condition; that event. Those before it are in skipped."""
        self.skipped = []
        while event := self.next():
            if condition(event):
                return event
            self.skipped.append(event)
        raise AssertionError(f"the stream ended after {[(e.kind, e.data) for e in self.skipped]}")

    def of(self, kind, name, action="changed"):
        """Read until a resource's event."""
        return self.until(lambda e: e.kind == kind and e.data.get("id") == name and e.data.get("action") == action)

    def close(self):
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
