# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A board in QEMU, its UART at a socket or, by socat, at a pseudo terminal."""
import itertools
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from lathe_service import WAIT_S

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "agents/runner/external/pytorch"))
import lathe_wire as wire  # noqa: E402

IMAGES = pathlib.Path(os.environ.get("LATHE_BIN", "build/dev/bin")).parent / "share/lathe/firmware"

# How each is started; shift is what makes the board's counter count instructions.
MACHINES = {
    "netduinoplus2": ("qemu-system-arm", "-M", "netduinoplus2", "-icount", "shift=0"),
    "mps2-an385": ("qemu-system-arm", "-M", "mps2-an385", "-icount", "shift=7"),
    "mps2-an386": ("qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=7"),
    "mps2-an500": ("qemu-system-arm", "-M", "mps2-an500", "-icount", "shift=7"),
    "riscv32-virt": ("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-icount", "shift=0"),
}


def missing():
    """Why no board can be started here, or None."""
    for program in sorted({machine[0] for machine in MACHINES.values()} | {"socat"}):
        if not shutil.which(program):
            return f"there is no {program}"
    if not (IMAGES / "netduinoplus2.elf").exists():
        return "the firmware was not built"
    return None


def wait_until(done, what):
    """Polls what no file descriptor tells."""
    end = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        select.select([], [], [], 0.01)


class QemuBoard:
    """A machine that runs an image. Its UART is a socket that QEMU listens at: connect() gives it, link() gives a path
    that libserialport opens. A new start is a power cycle."""

    def __init__(self, name, image=None, options=()):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="lathe-board-")
        self.uart = os.path.join(self.folder, "uart")
        self.gdb = os.path.join(self.folder, "gdb")
        self.image = image or IMAGES / f"{name}.elf"
        self.options = list(options)
        self.qemu = self.socat = None
        self.start()

    def start(self):
        """Power on. The machine waits for somebody at its UART before it runs."""
        self.qemu = subprocess.Popen(
            [*MACHINES[self.name], *self.options, "-nographic", "-monitor", "none", "-kernel", str(self.image),
             "-chardev", f"socket,id=uart,path={self.uart},server=on,wait=on", "-serial", "chardev:uart",
             "-chardev", f"socket,id=gdb,path={self.gdb},server=on,wait=off", "-gdb", "chardev:gdb"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.uart) or self.qemu.poll() is not None, f"QEMU's socket {self.uart}")
        if self.qemu.poll() is not None:
            raise AssertionError(f"QEMU ended with {self.qemu.returncode}")

    def connect(self):
        """@return a socket to the UART; one at a time."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT_S)
        # QEMU's socket has a name before it is listened at.
        wait_until(lambda: connection.connect_ex(self.uart) == 0, f"a connection to {self.uart}")
        return connection

    def link(self):
        """@return the path of a pseudo terminal that is the UART, until unlink()."""
        path = os.path.join(self.folder, "tty")
        self.socat = subprocess.Popen(["socat", f"PTY,link={path},raw,echo=0", f"UNIX-CONNECT:{self.uart}"])
        wait_until(lambda: os.path.exists(path) or self.socat.poll() is not None, f"socat's {path}")
        return path

    def unlink(self):
        """Pull the cable."""
        if self.socat:
            self.socat.kill()
            self.socat.wait()
            self.socat = None

    def stop(self):
        """Power off."""
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
            self.qemu = None
        for path in (self.uart, self.gdb):
            if os.path.exists(path):
                os.unlink(path)

    def close(self):
        self.unlink()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Gdb:
    """QEMU's debugger stub, for what no request can do to a program. The machine stands still until it is left."""

    def __init__(self, board):
        self.riscv = board.name.startswith("riscv")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(board.gdb)
        self.received = b""

    def __enter__(self):
        self.ask("?", "TS")
        self.ask("qXfer:features:read:target.xml:0,ffb", "lm")  # QEMU then takes single registers
        return self

    def __exit__(self, *_):
        self.send("D")
        self.socket.close()

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())

    def packet(self):
        while b"#" not in self.received[:-2]:
            more = self.socket.recv(4096)
            if not more:
                raise AssertionError("QEMU closed its debugger's socket")
            self.received += more
        end = self.received.index(b"#")
        body = self.received[self.received.index(b"$") + 1:end]
        self.received = self.received[end + 3:]
        self.socket.sendall(b"+")
        return body.decode()

    def ask(self, text, first):
        """@param first letters that the answer may begin with; QEMU reports of its own accord in between."""
        self.send(text)
        while True:
            answer = self.packet()
            if answer[:1] and answer[0] in first:
                return answer

    def write_register(self, number, value):
        reply = self.ask(f"P{number:x}={struct.pack('<I', value).hex()}", "OE")
        assert reply == "OK", reply

    def jump(self, address):
        self.write_register(32 if self.riscv else 15, address)

    def set_stack(self, address):
        self.write_register(2 if self.riscv else 13, address)

    def hang(self, address):
        """Make the processor run in a circle at an address of its RAM, interrupts as they are. @return the place."""
        reply = self.ask(f"M{address:x},2:{'fee7' if not self.riscv else '01a0'}", "OE")  # a jump to itself
        assert reply == "OK", reply
        self.jump(address)
        return address


class Host:
    """The host's side of the wire protocol over a socket: one request, one reply."""

    nonces = itertools.count(0x5EED1234)

    def __init__(self, connection, nonce=None):
        """@param nonce None: one that no other Host has."""
        self.connection, self.seq = connection, 0
        self.nonce = next(self.nonces) if nonce is None else nonce
        self.decoder, self.messages = wire.Decoder(), []

    def message(self, kind, payload=b""):
        """The next request, without its frame."""
        self.seq = (self.seq + 1) & 0xFFFF
        return wire.REQUEST_HEADER.pack(self.nonce, self.seq, kind) + payload

    def receive(self):
        """@return the next intact message."""
        while not self.messages:
            data = self.connection.recv(4096)
            if not data:
                raise AssertionError("the board's UART was closed")
            self.messages += self.decoder.feed(data)
        return self.messages.pop(0)

    def ask(self, kind, payload=b"", repeat_s=None):
        """@param repeat_s after so much silence the request goes out again: a board that starts hears nothing at first.
        @return the reply's payload. wire.Refused for an ERROR."""
        message = self.message(kind, payload)
        self.connection.sendall(wire.frame(message))
        for _ in range(int(WAIT_S / repeat_s) if repeat_s else 0):
            if select.select([self.connection], [], [], repeat_s)[0]:
                break
            self.connection.sendall(wire.frame(message))
        while True:
            reply = self.receive()
            if self.answers(message, reply):
                return self.read_reply(message, reply)

    @staticmethod
    def answers(request, reply):
        """False for an answer to an earlier request, which was repeated."""
        nonce, seq, _ = wire.REQUEST_HEADER.unpack_from(request)
        header = wire.REPLY_HEADER.unpack_from(reply)
        return (nonce, seq, zlib.crc32(request)) == (header[0], header[1], header[3])

    @staticmethod
    def read_reply(request, reply):
        """@return the payload of a request's reply."""
        header = wire.REPLY_HEADER.unpack_from(reply)
        asked = wire.REQUEST_HEADER.unpack_from(request)
        payload = reply[wire.REPLY_HEADER.size:]
        if header[2] == wire.ERROR:
            code, detail, size = struct.unpack_from("<BQB", payload)
            raise wire.Refused(code, payload[10:10 + size].decode(), detail)
        assert header[2] == asked[2] | wire.REPLY_BIT, header
        return payload
