# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A private sshd on loopback that plays a device: keys, configuration, home of the runners and port of its own."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from lathe_service import Process, wait_for


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return pathlib.Path(f"{path}.pub").read_text(encoding="ascii")


def children(pid):
    """All descendants of a process, by id."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
            except OSError:
                pass  # it has just ended
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {pid}


class Sshd:
    """hosts: names under which the agent's ssh configuration knows this device."""

    def __init__(self, hosts=("board",), environment=None, force=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-test-ssh-"))
        self.cache = self.folder / "cache"
        self.port = free_port()
        self.hosts, self.force = hosts, force
        self.environment = {"LATHE_CACHE": self.cache, **(environment or {})}
        self.process = None
        self.host_key = make_key(self.folder / "host_key")
        self.user_key = make_key(self.folder / "user_key")
        (self.folder / "authorized_keys").write_text(self.user_key, encoding="ascii")
        self.known(self.host_key)
        self.config = self.folder / "ssh_config"
        self.config.write_text("".join(
            f"Host {host}\n  HostName 127.0.0.1\n  Port {self.port}\n  HostKeyAlias device\n" for host in hosts)
            + f"Host *\n  IdentityFile {self.folder}/user_key\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n", encoding="ascii")
        self.start()

    def known(self, host_key):
        """What the agent's side knows as this device's host key; None: nothing."""
        (self.folder / "known_hosts").write_text(f"device {host_key}" if host_key else "", encoding="ascii")

    def start(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        settings = " ".join(f'"{name}={value}"' for name, value in self.environment.items())
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nPasswordAuthentication no\n"
            f"KbdInteractiveAuthentication no\nPermitRootLogin yes\nPrintMotd no\nSetEnv {settings}\n"
            + (f"ForceCommand {self.force}\n" if self.force else ""), encoding="ascii")
        self.process = Process(["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")])
        wait_for("sshd listens", self.listens)

    def listens(self):
        if self.process.proc.poll() is not None:
            raise AssertionError("sshd ended: " + self.process.stderr())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop_listening(self):
        """End sshd; connections that there are go on."""
        self.process.kill()

    def sessions(self):
        return children(self.process.proc.pid)

    def freeze_connections(self):
        """As when a network swallows everything: the device's ends of connections stay, and say nothing any more."""
        self.drop_connections(signal.SIGSTOP)

    def drop_connections(self, how=signal.SIGKILL):
        """As when the network goes: the device's end of each connection dies, with all that it ran."""
        for pid in self.sessions():
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass  # it has just ended

    def runners(self):
        """What lies in the device's cache, hidden things too."""
        folder = self.cache / "runner"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def close(self):
        if self.process.proc.poll() is None:
            self.drop_connections()
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
