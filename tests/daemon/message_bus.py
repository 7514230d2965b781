"""A message bus for a test, and what is on it: visaged, its clients, and an authority that answers as the test wants.

    with Bus() as bus:
        daemon = Daemon(bus, camera=still())
        client = Client(bus)
        client.until_state("streaming")
        client.call("SetEffect", "(sa{sv})", "blur", {})
        status, text = daemon.stop()
"""
import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from gi.repository import Gio, GLib

import support

NAME, OBJECT, INTERFACE = "org.visaged1", "/org/visaged1", "org.visaged1.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
SIZE = (160, 120)

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>system</type>
 <auth>EXTERNAL</auth>
 <listen>unix:path={folder}/socket</listen>
 <servicedir>{folder}/services</servicedir>
 <policy context="default">
  <allow user="*"/> <allow own="*"/> <allow send_destination="*" eavesdrop="true"/> <allow eavesdrop="true"/>
  {policy}
 </policy>
</busconfig>
"""

# A client of another, ordinary user: prints the answer to the call.
NOBODY = """
import sys, gi
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
call = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if sys.argv[4] == "ask" else 0
interface, _, method = sys.argv[2].rpartition(".")
try:
    bus.call_sync("org.visaged1", "/org/visaged1", interface or "org.visaged1.Manager", method,
                  GLib.Variant.parse(None, sys.argv[3]), None, call, 400000, None)
    print("done")
except GLib.Error as error:
    print(Gio.DBusError.get_remote_error(error))
"""

# Many clients of one user, all of whose calls are in progress at once: prints a line for each answer, and stays.
CROWD = """
import sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
address, method, arguments, connections, calls, again = sys.argv[1:]
def call(bus):
    bus.call_with_unix_fd_list("org.visaged1", "/org/visaged1", "org.visaged1.Manager", method, GLib.Variant.parse(None, arguments),
                               None, 0, 400000, None, None, answered)
def answered(bus, result):
    try:
        kept.append(bus.call_with_unix_fd_list_finish(result))
        print("done", flush=True)
        wait = 1
    except GLib.Error as error:
        print(Gio.DBusError.get_remote_error(error), flush=True)
        wait = 20
    if again == "again":
        GLib.timeout_add(wait, lambda: call(bus))
kept = [Gio.DBusConnection.new_for_address_sync(address, flags, None, None) for _ in range(int(connections))]
for bus in list(kept):
    for _ in range(int(calls)):
        call(bus)
GLib.MainLoop().run()
"""

AUTHORITY = """
import os, signal, sys, time
from gi.repository import Gio, GLib
XML = '''<node><interface name="org.freedesktop.PolicyKit1.Authority"><method name="CheckAuthorization">
<arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/><arg type="a{ss}" direction="in"/><arg type="u" direction="in"/>
<arg type="s" direction="in"/><arg type="(bba{ss})" direction="out"/></method></interface></node>'''
def called(bus, sender, path, interface, method, arguments, invocation):
    subject, action, details, flags, cancel = arguments.unpack()
    with open(sys.argv[3], "a") as file:
        print(subject[0], action, flags, file=file)
    while os.path.exists(sys.argv[4]):
        time.sleep(0.05)
    with open(sys.argv[2]) as file:
        answer = file.read()
    invocation.return_value(GLib.Variant("((bba{ss}))", ((answer == "yes", answer == "challenge", {}),)))
def changed():
    bus.emit_signal(None, "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority", "Changed", None)
    return True
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
bus.register_object("/org/freedesktop/PolicyKit1/Authority", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], called, None, None)
Gio.bus_own_name_on_connection(bus, "org.freedesktop.PolicyKit1", 0, None, None)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, changed)
print("ready", flush=True)
GLib.MainLoop().run()
"""


def connection(address):
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    made = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    made.set_exit_on_close(False)
    return made


class Bus:
    """A dbus-daemon for every user of this machine.  Others may use its folder too, until close()."""

    def __init__(self, policy="", activate=None):
        self.folder = tempfile.mkdtemp(prefix="visaged-bus-")
        os.chmod(self.folder, 0o755)
        self.address = f"unix:path={self.folder}/socket"
        os.mkdir(f"{self.folder}/services")
        if activate:
            with open(f"{self.folder}/services/{NAME}.service", "w") as file:
                file.write(f"[D-BUS Service]\nName={NAME}\nExec={activate}\n")
        with open(f"{self.folder}/bus.conf", "w") as file:
            file.write(CONFIG.format(folder=self.folder, policy=policy))
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", "--print-address",
                                         f"--config-file={self.folder}/bus.conf"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.process.stdout.readline()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class SilentBus:
    """A connection to a bus that forwards everything until the daemon asks the bus for a caller's user.  From then on, the
    bus seems silent, until release()."""

    def __init__(self, bus):
        self.folder, self.address = bus.folder, f"unix:path={bus.folder}/silent"
        self.asked, self.released = threading.Event(), threading.Event()
        self.bus = socket.socket(socket.AF_UNIX)
        self.bus.connect(f"{bus.folder}/socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{bus.folder}/silent")
        self.listener.listen()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        self.daemon = self.listener.accept()[0]
        threading.Thread(target=self.forward, daemon=True).start()
        while data := self.daemon.recv(65536):
            if b"GetConnection" in data:
                self.asked.set()
            self.bus.sendall(data)
        self.bus.shutdown(socket.SHUT_RDWR)

    def forward(self):
        while data := self.bus.recv(65536):
            if self.asked.is_set():
                self.released.wait()
            self.daemon.sendall(data)

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        for end in (self.listener, self.daemon, self.bus):
            end.close()


class Client:
    def __init__(self, bus):
        self.connection = connection(bus.address)

    def call(self, method, signature=None, *arguments):
        """The results, or GLib.Error."""
        body = GLib.Variant(signature, arguments) if signature else None
        return self.connection.call_sync(NAME, OBJECT, INTERFACE, method, body, None, 0, 400000, None).unpack()

    def descriptor(self, method, signature=None, *arguments):
        body = GLib.Variant(signature, arguments) if signature else None
        _, fds = self.connection.call_with_unix_fd_list_sync(NAME, OBJECT, INTERFACE, method, body, None, 0, 400000, None, None)
        return fds.steal_fds()[0]

    def get(self, name):
        body = GLib.Variant("(ss)", (INTERFACE, name))
        return self.connection.call_sync(NAME, OBJECT, PROPERTIES, "Get", body, None, 0, 20000, None).unpack()[0]

    def error(self, method, signature=None, *arguments):
        """(name, message) of the error that a call ends with"""
        try:
            self.call(method, signature, *arguments)
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error)
            return name, error.message.removeprefix(f"GDBus.Error:{name}: ")
        return None, None

    def until(self, what, patience=600):
        """Waits until what() is true; otherwise reports the state it was in."""
        last = None
        for _ in range(int(patience / 0.1)):
            try:
                if what():
                    return
                last = (self.get("State"), self.get("StateReason"))
            except GLib.Error as error:
                last = error.message
            time.sleep(0.1)
        raise AssertionError(f"it did not happen: {last}")

    def until_state(self, state):
        self.until(lambda: self.get("State") == state)


class Daemon:
    def __init__(self, bus, *arguments, config="/dev/null", camera=None, model=True, virtual_camera=None, env=None):
        env = {**support.environment(), **(env or {})}
        env.update(DBUS_STARTER_BUS_TYPE="system", DBUS_SYSTEM_BUS_ADDRESS=bus.address, RUNTIME_DIRECTORY=bus.folder)
        self.sink = f"{bus.folder}/sink.y4m"
        self.log = open(f"{bus.folder}/log", "a+", errors="replace")
        camera = [f"--camera={camera}"] if camera else []
        model = [f"--model={support.model()}"] if model else []
        self.process = subprocess.Popen([os.environ["VISAGED"], f"--config={config}", *model, *camera,
                                         f"--virtual-camera={virtual_camera or f'y4m:{self.sink}'}", f"--size={SIZE[0]}x{SIZE[1]}",
                                         *arguments],
                                        env=env, stderr=self.log, stdin=subprocess.DEVNULL)
        atexit.register(self.process.kill)  # where a test fails

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        text = self.said()
        self.log.close()
        return status, text


class Authority:
    """A mock of polkit: it gives the same answer to all questions until that is changed, and records them.  While somebody types a
    password, it does not answer."""

    def __init__(self, bus, answer, typing=False):
        self.asked, self.typing, self.answer = f"{bus.folder}/asked", f"{bus.folder}/typing", f"{bus.folder}/answer"
        with open(self.answer, "w") as file:
            file.write(answer)
        for path in (self.asked, self.typing) if typing else (self.asked,):
            with open(path, "w"):
                pass
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", AUTHORITY, bus.address, self.answer, self.asked, self.typing],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def typed(self):
        os.unlink(self.typing)

    def change(self, answer):
        """From now on; listeners are notified."""
        with open(self.answer, "w") as file:
            file.write(answer)
        self.process.send_signal(signal.SIGUSR1)

    def questions(self):
        with open(self.asked) as file:
            return file.read().splitlines()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def as_user(uid):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "/usr/bin/python3", "-c"]


class Crowd:
    """Connections of one user, each with a number of calls in progress; `again`: each answer is followed by another call."""

    def __init__(self, bus, uid, method, arguments="()", connections=1, calls=1, again=False):
        self.process = subprocess.Popen([*as_user(uid), CROWD, bus.address, method, arguments, str(connections), str(calls),
                                         "again" if again else "once"], stdout=subprocess.PIPE, cwd="/")

    def answers(self, count):
        return [self.process.stdout.readline().decode().strip() for _ in range(count)]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def nobody(bus, method, arguments="()", how="plain", uid=65534):
    """The answer to a call by an ordinary user."""
    done = subprocess.run([*as_user(uid), NOBODY, bus.address, method, arguments, how], capture_output=True, cwd="/", timeout=500)
    return done.stdout.decode().strip() or done.stderr.decode()


def still():
    return f"image:{support.picture('bus.png', *SIZE)}"


class Streaming(unittest.TestCase):
    """One daemon for all tests of a class, with the overlay."""

    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.daemon = Daemon(cls.bus, "--effect=overlay", camera=still())
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")

    @classmethod
    def tearDownClass(cls):
        status, text = cls.daemon.stop()
        cls.bus.close()
        assert status == 0, text
        for sign in ("Sanitizer", "runtime error:", "Assertion"):
            assert sign not in text, text
