# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The wire protocol of Lathe, version 1, for runners: frames, the session, payloads. agents/wire/PROTOCOL.md has the
bytes and the rules. Nothing but the standard library; any runner in Python can use it as it is."""
import struct
import zlib

VERSION = 1
FRAME_BYTES = 256
MESSAGE_BYTES = FRAME_BYTES - 7
REPLY_BIT, ERROR = 0x80, 0xFF
REQUEST_HEADER, REPLY_HEADER = struct.Struct("<IHB"), struct.Struct("<IHBI")

HELLO, OPEN, INFO, NET_BEGIN, NET_LAYERS, NET_BUILD, RUN, FETCH, OUTPUT, RESET, BYE, STATE = range(1, 13)
(E_VERSION, E_MALFORMED, E_SESSION, E_STATE, E_INVALID, E_UNSUPPORTED, E_NO_MEMORY, E_NOT_FOUND,
 E_FAILED) = range(1, 10)


class Refused(Exception):
    """What a request is answered with in place of what it asked for."""

    def __init__(self, code, text, detail=0):
        super().__init__(text)
        self.code, self.text, self.detail = code, text, detail


def cobs(data):
    """Consistent overhead byte stuffing: runs of up to 254 bytes without a zero, each led by its length plus one."""
    out = bytearray()
    runs = data.split(b"\0")
    for run in runs:
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out += bytes([len(run) + 1]) + run
    return bytes(out)


def uncobs(data):
    """@return the bytes, or None where a code points past the end."""
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        if at + code > len(data):
            return None
        out += data[at + 1:at + code]
        at += code
        if code < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def frame(message):
    assert 0 < len(message) <= MESSAGE_BYTES
    return b"\0" + cobs(message + struct.pack("<I", zlib.crc32(message))) + b"\0"


class Decoder:
    """Finds the intact messages in a stream of bytes; drops everything else in silence."""

    def __init__(self):
        self.pending = bytearray()
        self.too_long = False

    def feed(self, data):
        """@return the messages that these bytes complete."""
        messages = []
        for stretch in data.split(b"\0")[:-1]:
            message = self._end(stretch)
            if message is not None:
                messages.append(message)
        self._take(data[data.rfind(b"\0") + 1:])
        return messages

    def _take(self, stretch):
        if self.too_long or len(self.pending) + len(stretch) > FRAME_BYTES - 2:
            self.too_long = True
            self.pending.clear()
        else:
            self.pending += stretch

    def _end(self, stretch):
        """A zero byte after this stretch."""
        self._take(stretch)
        whole, dropped = bytes(self.pending), self.too_long
        self.pending.clear()
        self.too_long = False
        body = None if dropped else uncobs(whole)
        if not body or len(body) < 5:
            return None
        message, crc = body[:-4], struct.unpack("<I", body[-4:])[0]
        return message if zlib.crc32(message) == crc else None


class Payload:
    """Reads a request's payload; end() when all was read."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        """Values of a struct layout without byte order, as a tuple."""
        layout = struct.Struct("<" + layout)
        if self.at + layout.size > len(self.data):
            raise Refused(E_MALFORMED, "the payload is too short for the request's type")
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values

    def text(self, most):
        (size,) = self.take("B")
        (data,) = self.take(f"{size}s")
        if size > most or b"\0" in data:
            raise Refused(E_MALFORMED, f"a text of the payload is no text of up to {most} bytes")
        return data.decode("utf-8", "replace")

    def end(self):
        if self.at != len(self.data):
            raise Refused(E_MALFORMED, "the payload is too long for the request's type")


def text(value, most):
    """A text for a payload, cut to fit."""
    data = value.encode("utf-8").replace(b"\0", b"?")[:most].decode("utf-8", "ignore").encode("utf-8")
    return bytes([len(data)]) + data


class Responder:
    """The runner's side of the conversation: knows the session, repeats the last reply to a repeated request, and never
    serves it to anything else."""

    def __init__(self, handle):
        """@param handle called as handle(type, Payload) for a new request; returns the reply's payload or raises
        Refused. A HELLO that comes this far starts a new session."""
        self.handle = handle
        self.nonce = None
        self.last = None  # (seq, CRC of the request, frame of the reply)

    def receive(self, message):
        """@return the frame to send, or None."""
        if len(message) < REQUEST_HEADER.size:
            return None
        nonce, seq, kind = REQUEST_HEADER.unpack_from(message)
        if kind & REPLY_BIT:
            return None
        header = (nonce, seq, kind, zlib.crc32(message))
        payload = message[REQUEST_HEADER.size:]
        if nonce == self.nonce and self.last:
            if self.last[:2] == (seq, header[3]):
                return self.last[2]
            if (seq - self.last[0] - 1) & 0xFFFF >= 0x7FFF:
                return self._error(header, Refused(E_SESSION, "this sequence number was used before"))
        if kind == HELLO:
            refused = self._refuse_hello(payload)
            if refused:
                return self._error(header, refused)
            self.nonce = nonce
        elif nonce != self.nonce:
            return self._error(header, Refused(E_SESSION, "this session is unknown here: say HELLO first"))
        answer = self._answer(header, payload)
        self.last = (seq, header[3], answer)
        return answer

    def _refuse_hello(self, payload):
        """Only the version's place is the same in all versions."""
        if not payload:
            return Refused(E_MALFORMED, "HELLO has no version")
        if payload[0] != VERSION:
            return Refused(E_VERSION, "this runner speaks another version of the wire protocol", VERSION)
        return None

    def _answer(self, header, payload):
        nonce, seq, kind, crc = header
        try:
            reply = self.handle(kind, Payload(payload))
        except Refused as refused:
            return self._error(header, refused)
        return frame(REPLY_HEADER.pack(nonce, seq, kind | REPLY_BIT, crc) + reply)

    @staticmethod
    def _error(header, refused):
        nonce, seq, _, crc = header
        return frame(REPLY_HEADER.pack(nonce, seq, ERROR, crc) + struct.pack("<BQ", refused.code, refused.detail) +
                     text(refused.text, 223))
