# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Serial lines for tests: pseudo terminals that libserialport takes for ports, with a program or a board at the far end,
and with whatever may happen to a cable on the way."""
import os
import pathlib
import random
import select
import shutil
import subprocess
import tempfile
import threading
import tty

from lathe_service import program

SHIM = pathlib.Path(os.environ.get("LATHE_BIN", "build/dev/bin")) / "terminal-shim.so"


def agent_env():
    """What makes an agent open pseudo terminals, which have no control lines."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": str(SHIM), "ASAN_OPTIONS": ":".join(filter(None, [sanitizer, "verify_asan_link_order=0"]))}


class Program:
    """A program at the far end, on its standard input and output."""

    def __init__(self, *argv):
        self.argv = argv or (program("lathe-run"), "serve")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def reader(self):
        return self.process.stdout.fileno()

    def writer(self):
        return self.process.stdin.fileno()

    def stop(self):
        if not self.process:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None


class Qemu:
    """A board in QEMU at the far end."""

    def __init__(self, board):
        self.board, self.socket = board, None

    def start(self):
        if not self.board.qemu:
            self.board.start()
        self.socket = self.board.connect()
        self.socket.settimeout(None)

    def reader(self):
        return self.socket.fileno()

    writer = reader

    def stop(self):
        if not self.socket:
            return
        self.socket.close()
        self.socket = None
        self.board.stop()


class Noise:
    """Drops, flips and inserts so large a share of bytes, the same ones for the same seed and stream."""

    def __init__(self, share, seed):
        self.share, self.random, self.spoiled = share, random.Random(seed), 0

    def spoil(self, data):
        out = bytearray()
        for byte in data:
            if self.random.random() >= self.share:
                out.append(byte)
                continue
            self.spoiled += 1
            kind = self.random.randrange(3)
            if kind == 1:
                out.append(byte ^ 1 << self.random.randrange(8))
            if kind == 2:
                out += bytes((self.random.randrange(256), byte))
        return bytes(out)


class Line:
    """A cable between a port of this machine and a far end. A thread carries the bytes."""

    def __init__(self, far, noise=0, seed=2026):
        self.far = far
        self.noise = [Noise(noise, seed), Noise(noise, seed + 1)] if noise else None
        self.folder = tempfile.mkdtemp(prefix="lathe-line-")
        self.link = os.path.join(self.folder, "tty0")
        # The same file from /dev and from /sys/class/tty, where libserialport looks for a link of this name.
        self.port = "/dev/../../.." + self.link
        self.thread = None
        self.after, self.then = 0, None
        far.start()
        self.plug()

    def plug(self):
        self.board, self.keep = os.openpty()
        tty.setraw(self.keep)
        os.symlink(os.ttyname(self.keep), self.link)
        self.ends, self.end = os.pipe()
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def unplug(self):
        """Pull the cable."""
        if self.thread and self.thread is not threading.current_thread():
            os.write(self.end, b"x")
            self.thread.join()
        self._drop()

    def _drop(self):
        if self.thread is None:
            return
        self.thread = None
        os.unlink(self.link)
        for fd in (self.board, self.keep, self.ends, self.end):
            os.close(fd)

    def power_cycle(self):
        """The far end loses everything; the port stays."""
        os.write(self.end, b"x")
        self.thread.join()
        os.read(self.ends, 1)
        self.far.stop()
        self.far.start()
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def close(self):
        self.unplug()
        self.far.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cut_after(self, count):
        """Pull the cable by itself when so many more bytes came from the far end: in the middle of a frame."""
        self.cut = threading.Event()
        self.after = count

    def _carry(self):
        board, ends, reader, writer = self.board, self.ends, self.far.reader(), self.far.writer()
        try:
            while True:
                ready = select.select([board, reader, ends], [], [])[0]
                if ends in ready:
                    return
                if board in ready:
                    data = os.read(board, 4096)
                    self._write(writer, self.noise[0].spoil(data) if self.noise else data)
                if reader in ready:
                    data = os.read(reader, 4096)
                    if not data:
                        select.select([ends], [], [])
                        return
                    if not self._back(self.noise[1].spoil(data) if self.noise else data):
                        return
        except OSError:
            # The far end is gone: the port is silent until somebody does something about it.
            select.select([ends], [], [])

    def _back(self, data):
        """@return False when the cable was cut."""
        if not self.after:
            self._write(self.board, data)
            return True
        passed = data[:self.after]
        self._write(self.board, passed)
        self.after -= len(passed)
        if self.after:
            return True
        self._drop()
        self.cut.set()
        return False

    @staticmethod
    def _write(fd, data):
        while data:
            data = data[os.write(fd, data):]
