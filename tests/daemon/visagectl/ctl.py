"""Shared by tests of commands that talk to the daemon: visagectl on a bus with a mock of the daemon."""
import os
import pty
import re
import select
import subprocess
import time
import unittest

import support
from message_bus import Bus
from mock_daemon import MockDaemon

NOWHERE = "unix:path=/nonexistent/bus"

def environment(session=NOWHERE, system=NOWHERE):
    env = support.environment()
    env.update(DBUS_SESSION_BUS_ADDRESS=session, DBUS_SYSTEM_BUS_ADDRESS=system, LC_ALL="C.UTF-8")
    return env


def ctl(*arguments, **buses):
    return support.visagectl(*arguments, env=environment(**buses), timeout=120)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it has not come true")
        time.sleep(0.01)


class Terminal:
    """visagectl on a terminal."""

    def __init__(self, *arguments, **buses):
        self.master, slave = pty.openpty()
        self.child = subprocess.Popen([os.environ["VISAGECTL"], *arguments], env=environment(**buses), stdin=subprocess.DEVNULL,
                                      stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.text = ""

    def until(self, pattern, seconds=60):
        """Reads until it is there; returns what was read so far."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text, re.S):
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{pattern!r} is not in {self.text!r}")
            try:
                self.text += os.read(self.master, 65536).decode().replace("\r\n", "\n")
            except OSError:
                raise AssertionError(f"ended; {pattern!r} is not in {self.text!r}") from None
        return self.text

    def end(self, number=None):
        if number:
            self.child.send_signal(number)
        status = self.child.wait(60)
        os.close(self.master)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.end()


class Served(unittest.TestCase):
    """With a mock daemon on the system bus."""

    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.addClassCleanup(cls.bus.close)

    def setUp(self):
        self.daemon = MockDaemon(self.bus.address)
        self.addCleanup(self.daemon.stop)

    def ctl(self, *arguments):
        return ctl(*arguments, system=self.bus.address)

    def good(self, *arguments):
        done = self.ctl(*arguments)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), arguments)
        return done.stdout.decode()

    def bad(self, message, *arguments, status=1):
        done = self.ctl(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, b""), arguments)
        self.assertEqual(done.stderr.decode(), f"visagectl: {message}\n", arguments)
