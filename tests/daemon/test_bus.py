"""visaged on D-Bus: a bus of the test's own, clients of two users, an authority that says what it is told to.

Environment besides support.py's: VISAGED_BUS_XML (systemd/org.visaged1.xml).
"""
import atexit
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

import gi
import numpy as np
from PIL import Image

import support

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME, PATH, INTERFACE = "org.visaged1", "/org/visaged1", "org.visaged1.Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"
SIZE = (160, 120)

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>"""

# A client of another user, who is nobody in particular: prints what the call was answered with.
CLIENT = """
import sys, gi
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
call = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if sys.argv[4] == "ask" else 0
try:
    bus.call_sync("org.visaged1", "/org/visaged1", "org.visaged1.Manager", sys.argv[2], GLib.Variant.parse(None, sys.argv[3]),
                  None, call, 60000, None)
    print("done")
except GLib.Error as error:
    print(Gio.DBusError.get_remote_error(error))
"""

# polkit's part: what it says is in a file, what it was asked in another.
AUTHORITY = """
import sys
from gi.repository import Gio, GLib
XML = '''<node><interface name="org.freedesktop.PolicyKit1.Authority"><method name="CheckAuthorization">
<arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/><arg type="a{ss}" direction="in"/><arg type="u" direction="in"/>
<arg type="s" direction="in"/><arg type="(bba{ss})" direction="out"/></method></interface></node>'''
def called(bus, sender, path, interface, method, arguments, invocation):
    subject, action, details, flags, cancel = arguments.unpack()
    with open(sys.argv[3], "a") as file:
        print(subject[0], action, flags, file=file)
    answer = open(sys.argv[2]).read().strip()
    invocation.return_value(GLib.Variant("((bba{ss}))", ((answer == "yes", answer == "challenge", {}),)))
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
bus.register_object("/org/freedesktop/PolicyKit1/Authority", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], called, None, None)
Gio.bus_own_name_on_connection(bus, "org.freedesktop.PolicyKit1", 0, None, None)
print("ready", flush=True)
GLib.MainLoop().run()
"""


class Bus:
    """A message bus, for everybody on this machine."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="visaged-bus-")
        os.chmod(self.folder, 0o755)
        self.address = f"unix:path={self.folder}/socket"
        with open(f"{self.folder}/bus.conf", "w") as file:
            file.write(BUS.format(f"{self.folder}/socket"))
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--print-address"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdout.readline()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def connect(self):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        connection = Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)
        connection.set_exit_on_close(False)
        return connection


class SilentBus:
    """The way to a bus: it passes on all that is said, until the daemon asks the bus for a caller's user; from then on the bus
    seems to say nothing, until release()."""

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
        self.connection = bus.connect()

    def call(self, method, signature=None, *arguments):
        """The results, or GLib.Error."""
        body = GLib.Variant(signature, arguments) if signature else None
        return self.connection.call_sync(NAME, PATH, INTERFACE, method, body, None, 0, 400000, None).unpack()

    def descriptor(self, method, signature=None, *arguments):
        body = GLib.Variant(signature, arguments) if signature else None
        _, fds = self.connection.call_with_unix_fd_list_sync(NAME, PATH, INTERFACE, method, body, None, 0, 400000, None, None)
        return fds.steal_fds()[0]

    def get(self, name):
        body = GLib.Variant("(ss)", (INTERFACE, name))
        return self.connection.call_sync(NAME, PATH, PROPERTIES, "Get", body, None, 0, 20000, None).unpack()[0]

    def error(self, method, signature=None, *arguments):
        """(name, message) of the error that a call ends with"""
        try:
            self.call(method, signature, *arguments)
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error)
            return name, error.message.removeprefix(f"GDBus.Error:{name}: ")
        return None, None

    def until(self, what, patience=600):
        """Waits until what() is true; the state that it was in else."""
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
    def __init__(self, bus, *arguments, config="/dev/null", camera=None):
        env = support.environment()
        env.update(DBUS_STARTER_BUS_TYPE="system", DBUS_SYSTEM_BUS_ADDRESS=bus.address, RUNTIME_DIRECTORY=bus.folder)
        self.sink = f"{bus.folder}/sink.y4m"
        self.log = open(f"{bus.folder}/log", "a+")
        camera = [f"--camera={camera}"] if camera else []
        self.process = subprocess.Popen([os.environ["VISAGED"], f"--config={config}", f"--model={support.model()}", *camera,
                                         f"--virtual-camera=y4m:{self.sink}", f"--size={SIZE[0]}x{SIZE[1]}", *arguments],
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


def still():
    return f"image:{support.picture('bus.png', *SIZE)}"


class Contract(unittest.TestCase):
    """One daemon, many calls; each test leaves it streaming with the overlay."""

    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.daemon = Daemon(cls.bus, camera=still())
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")

    @classmethod
    def tearDownClass(cls):
        status, text = cls.daemon.stop()
        cls.bus.stop()
        assert status == 0, text
        for sign in ("Sanitizer", "runtime error:", "Assertion"):
            assert sign not in text, text

    def tearDown(self):
        self.client.call("Start")
        self.client.call("Resume")
        self.client.call("SetEffect", "(sa{sv})", "overlay", {})
        self.client.call("SetMode", "(s)", "smooth")
        self.client.until_state("streaming")

    def test_introspection(self):
        def facts(root):
            found = {}
            for node in root.iter("interface"):
                if node.get("name") != INTERFACE:
                    continue
                for method in node.iter("method"):
                    found[method.get("name")] = [(arg.get("name"), arg.get("type"), arg.get("direction"))
                                                 for arg in method.iter("arg")]
                for prop in node.iter("property"):
                    notes = {a.get("name").split(".")[-1]: a.get("value") for a in prop.iter("annotation")}
                    found[prop.get("name")] = (prop.get("type"), prop.get("access"),
                                               notes.get("EmitsChangedSignal", "true"))
            return found
        text = self.client.connection.call_sync(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect", None, None, 0,
                                                20000, None).unpack()[0]
        self.assertEqual(facts(ElementTree.fromstring(text)), facts(ElementTree.parse(os.environ["VISAGED_BUS_XML"]).getroot()))

    def test_properties(self):
        want = {"Version": "0.1.0", "State": "streaming", "Camera": still(), "VirtualCamera": f"y4m:{self.daemon.sink}",
                "Model": support.model(), "Effect": "overlay", "EffectOptions": {"opacity": 0.5}, "Mode": "smooth", "Readers": 1}
        for name, value in want.items():
            self.assertEqual(self.client.get(name), value, name)
        self.assertIn("llvmpipe", self.client.get("Gpu"))
        self.assertIn(" -> y4m:", self.client.get("StateReason"))
        self.client.until(lambda: self.client.get("FrameRate") > 1 and self.client.get("ParseRate") > 0)
        self.assertGreater(self.client.get("LatencyMs"), 0)
        before = self.client.get("Counters")
        self.assertEqual(set(before), {"captured", "parsed", "shown", "repeated", "placeholder", "stale", "corrupt", "lost",
                                       "refused", "reopened"})
        self.client.until(lambda: self.client.get("Counters")["shown"] > before["shown"])
        self.assertGreaterEqual(self.client.get("Counters")["captured"], before["captured"])
        with self.assertRaises(GLib.Error):
            self.client.connection.call_sync(NAME, PATH, PROPERTIES, "Set",
                                             GLib.Variant("(ssv)", (INTERFACE, "Effect", GLib.Variant("s", "blur"))), None, 0,
                                             20000, None)

    def test_effects(self):
        self.client.call("SetEffect", "(sa{sv})", "overlay", {"opacity": GLib.Variant("d", 0.25)})
        self.assertEqual(self.client.get("EffectOptions"), {"opacity": 0.25})
        self.client.call("SetEffect", "(sa{sv})", "blur", {"strength": GLib.Variant("d", 4)})
        self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")), ("blur", {"strength": 4}))
        self.client.call("SetEffect", "(sa{sv})", "blur", {})
        self.assertEqual(self.client.get("EffectOptions"), {"strength": 1})
        for effect in ("labels", "none"):
            self.client.call("SetEffect", "(sa{sv})", effect, {})
            self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")), (effect, {}))
        bad = "org.freedesktop.DBus.Error.InvalidArgs"
        for effect, options, name, word in (
                ("sparkle", {}, "org.visaged1.Error.NoSuchEffect", "overlay, labels, blur, none"),
                ("", {}, "org.visaged1.Error.NoSuchEffect", "overlay"),
                ("overlay", {"opacity": GLib.Variant("d", 1.01)}, bad, "from 0 to 1"),
                ("overlay", {"opacity": GLib.Variant("d", float("nan"))}, bad, "from 0 to 1"),
                ("overlay", {"opacity": GLib.Variant("s", "half")}, bad, "type d"),
                ("overlay", {"strength": GLib.Variant("d", 1)}, bad, "no option"),
                ("none", {"opacity": GLib.Variant("d", 1)}, bad, "no option"),
                ("blur", {"strength": GLib.Variant("d", 0.2)}, bad, "0.25 to 4")):
            found = self.client.error("SetEffect", "(sa{sv})", effect, options)
            self.assertEqual(found[0], name, found)
            self.assertIn(word, found[1])
        self.assertEqual(self.client.get("Effect"), "none", "nothing changed by calls that failed")

    def snapshot(self):
        fd = self.client.descriptor("Snapshot")
        seals = fcntl.fcntl(fd, 1034)  # F_GET_SEALS
        with os.fdopen(fd, "rb") as file:
            self.assertEqual(file.tell(), 0)
            with Image.open(file) as image:
                return np.array(image.convert("RGB")), seals

    def test_an_effect_is_seen(self):
        """And so is the picture that Snapshot() hands over: the overlay at its opacity."""
        labels = self.labels()
        with Image.open(support.picture("bus.png", *SIZE)) as image:
            rgb = np.array(image.convert("RGB")).astype(float)
        for opacity in (0.0, 0.5, 1.0):
            self.client.call("SetEffect", "(sa{sv})", "overlay", {"opacity": GLib.Variant("d", opacity)})
            shown = self.client.get("Counters")["shown"]
            self.client.until(lambda: self.client.get("Counters")["shown"] > shown + 4)
            got, seals = self.snapshot()
            self.assertEqual(seals, 15, "sealed: nobody can change it")
            alpha = np.where(labels == 0, 0.0, opacity)[..., None]
            want = rgb * (1 - alpha) + support.palette()[labels] * alpha
            self.assertLess(np.abs(support.to_yuv(got) - support.to_yuv(want))[..., 0].mean(), 2.0)

    def labels(self):
        folder = support.new_folder()
        done = support.visagectl("parse", f"--model={support.model()}", support.picture("bus.png", *SIZE), "-o", folder)
        with Image.open(json.loads(done.stdout)["labels"]) as image:
            return np.array(image)

    def test_mode(self):
        self.client.call("SetMode", "(s)", "exact")
        self.assertEqual(self.client.get("Mode"), "exact")
        shown = self.client.get("Counters")["shown"]
        self.client.until(lambda: self.client.get("Counters")["shown"] > shown + 2)
        name, message = self.client.error("SetMode", "(s)", "wobbly")
        self.assertEqual(name, "org.visaged1.Error.NoSuchMode")
        self.assertIn("smooth, exact", message)

    def test_pause(self):
        self.client.call("Pause")
        self.assertEqual(self.client.get("State"), "paused")
        self.assertTrue(os.path.exists(f"{self.bus.folder}/paused"))
        captured = self.client.get("Counters")["captured"]
        time.sleep(0.5)
        self.assertEqual(self.client.get("Counters")["captured"], captured, "the camera is closed")
        self.client.call("Pause")  # again: nothing
        self.assertEqual(self.client.error("Snapshot")[0], "org.visaged1.Error.NotStreaming")
        self.client.call("Resume")
        self.assertFalse(os.path.exists(f"{self.bus.folder}/paused"))
        self.client.until_state("streaming")

    def test_calls_that_do_not_wait(self):
        """Each is looked at by its turn: what would change nothing now, may when those before it are done."""
        left = []

        def done(connection, result):
            connection.call_finish(result)
            left.pop()
        for method, body in (("Pause", None), ("Resume", None),
                             ("SetEffect", GLib.Variant("(sa{sv})", ("blur", {}))),
                             ("SetEffect", GLib.Variant("(sa{sv})", ("overlay", {}))),
                             ("SetMode", GLib.Variant("(s)", ("exact",))), ("SetMode", GLib.Variant("(s)", ("smooth",)))):
            left.append(method)
            self.client.connection.call(NAME, PATH, INTERFACE, method, body, None, 0, 60000, None, done)
        while left:
            GLib.MainContext.default().iteration(True)
        self.client.until_state("streaming")
        self.assertEqual((self.client.get("Effect"), self.client.get("Mode")), ("overlay", "smooth"))

    def test_stop_and_start(self):
        self.client.call("Stop")
        self.client.until(lambda: self.client.get("Gpu") == "")
        self.assertEqual((self.client.get("State"), self.client.get("Model")), ("stopped", ""))
        placeholder = self.client.get("Counters")["placeholder"]
        self.client.until(lambda: self.client.get("Counters")["placeholder"] > placeholder)
        self.client.call("Start")
        self.assertIn("llvmpipe", self.client.get("Gpu"))
        self.client.until_state("streaming")

    def test_what_is_chosen_while_stopped_and_does_not_open(self):
        """It ends Start() and nothing else."""
        self.client.call("Stop")
        self.client.until(lambda: self.client.get("Gpu") == "")
        self.client.call("SetGpu", "(s)", "nonsense")
        name, message = self.client.error("Start")
        self.assertEqual(name, "org.visaged1.Error.Failed")
        self.assertIn('no GPU is called "nonsense"', message)
        self.client.until_state("streaming")
        self.assertIn("llvmpipe", self.client.get("Gpu"))

    def test_cameras(self):
        self.assertIsInstance(self.client.call("ListCameras")[0], list)
        for name in ("/dev/null", "/dev/video999", "nonsense", "../../null", "/etc/passwd", "image:/etc/passwd", "y4m:/x"):
            self.assertEqual(self.client.error("SetCamera", "(s)", name)[0], "org.visaged1.Error.NoSuchCamera", name)
        for name in ("a\nb", "x" * 5000):
            self.assertEqual(self.client.error("SetCamera", "(s)", name)[0], "org.freedesktop.DBus.Error.InvalidArgs")
        self.assertEqual(self.client.get("Camera"), still())

    def test_gpus(self):
        gpus, = self.client.call("ListGpus")
        self.assertIn("llvmpipe", gpus[0]["name"])
        self.assertEqual((gpus[0]["kind"], gpus[0]["usable"], gpus[0]["reason"]), ("cpu", True, ""))
        self.assertEqual(self.client.error("SetGpu", "(s)", "nonsense")[0], "org.visaged1.Error.NoSuchGpu")
        self.assertEqual(self.client.get("State"), "streaming")
        self.client.call("SetGpu", "(s)", "LLVMPIPE")
        self.client.until_state("streaming")

    def test_models(self):
        """A model is opened beside the one in use: frames go on, and one that does not open changes nothing."""
        models = {model["name"]: model for model in self.client.call("ListModels")[0]}
        own = os.path.basename(support.model())[:-len(".safetensors")]
        self.assertEqual(models[own]["path"], support.model())
        self.assertEqual(models[own]["size"], os.path.getsize(support.model()))
        for name in ("nonsense", "../default", support.model()):
            self.assertEqual(self.client.error("SetModel", "(s)", name)[0], "org.visaged1.Error.NoSuchModel", name)
        broken = os.path.join(os.path.dirname(support.model()), "broken.safetensors")
        with open(broken, "wb") as file:
            file.write(b"nothing")
        name, message = self.client.error("SetModel", "(s)", "broken")
        os.unlink(broken)
        self.assertEqual(name, "org.visaged1.Error.Failed")
        self.assertIn("broken.safetensors", message)
        self.assertEqual(self.client.get("Model"), support.model())
        support.model(19)
        self.client.call("SetModel", "(s)", "model19")
        self.assertTrue(self.client.get("Model").endswith("/model19.safetensors"))
        shown = self.client.get("Counters")["shown"]
        self.client.until(lambda: self.client.get("Counters")["shown"] > shown + 2)
        for name in (own, "model19", own):  # each as soon as the one before is done
            self.client.call("SetModel", "(s)", name)
            self.assertTrue(self.client.get("Model").endswith(f"/{name}.safetensors"))

    def test_subscribe(self):
        with os.fdopen(self.client.descriptor("Subscribe"), "r") as lines:
            self.assertIn("held for a subscriber", self.client.get("StateReason"))
            seen = [json.loads(lines.readline()) for _ in range(5)]
        counts = np.bincount(self.labels().ravel(), minlength=11)
        names = [c["name"] for c in json.loads(subprocess.run(
            [sys.executable, "-c", "import json,sys;d=open(sys.argv[1],'rb').read();n=int.from_bytes(d[:8],'little');"
             "print(json.loads(d[8:8+n])['__metadata__']['classes'])", support.model()], check=True,
            capture_output=True).stdout)]
        for line in seen:
            self.assertEqual((line["width"], line["height"]), SIZE)
            self.assertEqual(line["classes"], {n: int(c) for n, c in list(zip(names, counts))[1:] if c})
            self.assertGreater(line["parse_ms"], 0)
        sequences = [line["sequence"] for line in seen]
        self.assertEqual(sequences, sorted(set(sequences)))
        self.client.until(lambda: "held" not in self.client.get("StateReason"))

    def test_hold(self):
        fd = self.client.descriptor("Hold", "(s)", "a kiosk")
        self.assertIn("held for a kiosk", self.client.get("StateReason"))
        os.close(fd)
        self.client.until(lambda: "held" not in self.client.get("StateReason"))
        for why in ("", "x" * 65, "a\nb"):
            self.assertEqual(self.client.error("Hold", "(s)", why)[0], "org.freedesktop.DBus.Error.InvalidArgs")

    def test_a_client_that_dies(self):
        code = ("import sys; sys.path[:0] = sys.argv[2:]; import test_bus, time\n"
                "class B: pass\nb = B(); b.address = sys.argv[1]; b.connect = lambda: test_bus.Bus.connect(b)\n"
                "c = test_bus.Client(b); fd = c.descriptor('Hold', '(s)', 'the doomed'); print('held', flush=True); time.sleep(600)")
        with subprocess.Popen(["/usr/bin/python3", "-c", code, self.bus.address, os.path.dirname(__file__)],
                              stdout=subprocess.PIPE) as child:
            self.assertEqual(child.stdout.readline(), b"held\n")
            self.assertIn("held for the doomed", self.client.get("StateReason"))
            child.kill()
        self.client.until(lambda: "held" not in self.client.get("StateReason"))

    def test_limits(self):
        """One client's flood is bounded, and another is served meanwhile."""
        greedy, other = Client(self.bus), Client(self.bus)
        fds = [greedy.descriptor("Hold", "(s)", str(i)) for i in range(8)]
        self.assertEqual(greedy.error("Hold", "(s)", "one more")[0], "org.freedesktop.DBus.Error.LimitsExceeded")
        os.close(other.descriptor("Hold", "(s)", "me too"))
        for fd in fds:
            os.close(fd)
        self.client.until(lambda: "held" not in self.client.get("StateReason"))
        os.close(greedy.descriptor("Hold", "(s)", "again"))

    def test_unknown(self):
        self.assertEqual(self.client.error("Dance")[0], "org.freedesktop.DBus.Error.UnknownMethod")
        self.assertEqual(self.client.error("SetMode", "(u)", 7)[0], "org.freedesktop.DBus.Error.InvalidArgs")

    def test_changes_are_told(self):
        told = []
        other = Client(self.bus)
        context = GLib.MainContext.default()
        self.client.connection.signal_subscribe(NAME, PROPERTIES, "PropertiesChanged", PATH, INTERFACE, 0,
                                                lambda *a: told.append(a[5].unpack()[1]))
        self.client.get("State")  # the bus knows of the subscription now
        other.call("SetEffect", "(sa{sv})", "blur", {})
        other.call("Pause")
        for _ in range(100):
            while context.iteration(False):
                pass
            merged = {k: v for changes in told for k, v in changes.items()}
            if merged.get("State") == "paused":
                break
            time.sleep(0.05)
        self.assertEqual((merged["Effect"], merged["EffectOptions"], merged["State"]), ("blur", {"strength": 1.0}, "paused"))
        told.clear()
        other.call("SetEffect", "(sa{sv})", "blur", {})  # nothing changes, nothing is told
        time.sleep(0.2)
        while context.iteration(False):
            pass
        self.assertFalse([changes for changes in told if "Effect" in changes])


class Life(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.addCleanup(self.bus.stop)

    def test_a_pause_outlives_a_crash(self):
        daemon = Daemon(self.bus, camera=still())
        client = Client(self.bus)
        client.until(lambda: client.get("State"))
        client.call("Pause")
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        daemon.log.close()
        daemon = Daemon(self.bus, camera=still())
        client.until_state("paused")
        self.assertEqual(client.get("Counters")["captured"], 0)
        client.call("Resume")
        client.until_state("streaming")
        self.assertEqual(daemon.stop()[0], 0)

    def test_stopped_while_the_camera_is_awaited(self):
        """The GPU is closed then, too."""
        daemon = Daemon(self.bus, camera="image:/nonexistent.png")
        client = Client(self.bus)
        client.until_state("waiting")
        client.call("Stop")
        client.until(lambda: client.get("Gpu") == "")
        status, text = daemon.stop()
        self.assertEqual(status, 0, text)

    def test_the_bus_is_restarted(self):
        daemon = Daemon(self.bus, camera=still())
        client = Client(self.bus)
        client.until_state("streaming")
        self.bus.stop()
        time.sleep(1)
        self.assertIsNone(daemon.process.poll(), "it goes on without a bus")
        self.bus.start()
        again = Client(self.bus)
        again.until_state("streaming")
        again.call("SetEffect", "(sa{sv})", "labels", {})
        self.assertEqual(again.get("Effect"), "labels")
        status, text = daemon.stop()
        self.assertEqual(status, 0)
        self.assertIn("the bus is gone", text)

    def test_a_bus_that_does_not_answer(self):
        """Who the caller is, is asked without waiting: the picture goes on."""
        way = SilentBus(self.bus)
        daemon = Daemon(way, camera=still())
        client = Client(self.bus)
        client.until_state("streaming")
        answers = []
        client.connection.call(NAME, PATH, INTERFACE, "Pause", None, None, 0, 100000, None,
                               lambda connection, result: answers.append(connection.call_finish(result).unpack()))
        client.connection.flush_sync()
        self.assertTrue(way.asked.wait(60), daemon.said())
        before = os.path.getsize(daemon.sink)
        for _ in range(150):
            if os.path.getsize(daemon.sink) > before + 5 * SIZE[0] * SIZE[1] * 3 // 2:
                break
            time.sleep(0.1)
        else:
            self.fail("no frame while the bus did not answer")
        way.release()
        client.until_state("paused")
        while not answers:
            GLib.MainContext.default().iteration(True)
        self.assertEqual(answers, [()])
        self.assertEqual(daemon.stop()[0], 0)
        way.close()

    def test_two_daemons(self):
        first = Daemon(self.bus, camera=still())
        client = Client(self.bus)
        client.until(lambda: client.get("State"))
        second = Daemon(self.bus, camera=still())
        for _ in range(600):
            if "another visaged is there" in second.said():
                break
            time.sleep(0.1)
        self.assertIn("another visaged is there", second.stop()[1])
        self.assertEqual(first.stop()[0], 0)

    def test_reload(self):
        folder = support.new_folder()
        config = f"{folder}/v.conf"
        with open(config, "w") as file:
            file.write("[visaged]\neffect = blur\nstrength = 2\n")
        daemon = Daemon(self.bus, camera=still(), config=config)
        client = Client(self.bus)
        client.until(lambda: client.get("Effect") == "blur")
        self.assertEqual(client.get("EffectOptions"), {"strength": 2})
        os.mkdir(f"{config}.d")
        with open(f"{config}.d/50-site.conf", "w") as file:
            file.write("[visaged]\neffect = labels\nmode = exact\n")
        client.call("Reload")
        self.assertEqual((client.get("Effect"), client.get("Mode")), ("labels", "exact"))
        with open(f"{config}.d/60-bad.conf", "w") as file:
            file.write("[visaged]\nmode = smooth\neffect = sparkle\n")
        name, message = client.error("Reload")
        self.assertEqual(name, "org.visaged1.Error.BadConfiguration")
        self.assertTrue(message.startswith(f"{config}.d/60-bad.conf:3: "), message)
        self.assertEqual((client.get("Effect"), client.get("Mode")), ("labels", "exact"))
        self.assertEqual(daemon.stop()[0], 0)


@unittest.skipIf(os.geteuid() != 0, "a second user needs root")
class Permissions(unittest.TestCase):
    """Another user's calls, by what the authority says."""

    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.daemon = Daemon(cls.bus, camera=still())
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")
        cls.asked = f"{cls.bus.folder}/asked"

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.bus.stop()

    def authority(self, answer):
        with open(f"{self.bus.folder}/answer", "w") as file:
            file.write(answer)
        child = subprocess.Popen(["/usr/bin/python3", "-c", AUTHORITY, self.bus.address, f"{self.bus.folder}/answer", self.asked],
                                 stdout=subprocess.PIPE)
        child.stdout.readline()

        def end():
            child.kill()
            child.wait()
            child.stdout.close()
        self.addCleanup(end)

    def nobody(self, method, arguments="()", how="plain"):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", CLIENT,
                               self.bus.address, method, arguments, how], capture_output=True, cwd="/", timeout=120)
        return done.stdout.decode().strip() or done.stderr.decode()

    def test_without_an_authority(self):
        self.assertEqual(self.nobody("Pause"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.nobody("ListCameras"), "done", "everybody may look")
        self.assertEqual(self.client.get("State"), "streaming")

    def test_refused(self):
        self.authority("no")
        for method, arguments in (("Pause", "()"), ("Stop", "()"), ("SetEffect", "('blur', @a{sv} {})"), ("SetMode", "('exact',)"),
                                  ("SetCamera", "('',)"), ("SetModel", "('',)"), ("SetGpu", "('llvmpipe',)"), ("Reload", "()"),
                                  ("Snapshot", "()"), ("Subscribe", "()"), ("Hold", "('me',)")):
            self.assertEqual(self.nobody(method, arguments), "org.freedesktop.DBus.Error.AccessDenied", method)
        self.assertEqual((self.client.get("State"), self.client.get("Effect")), ("streaming", "overlay"))
        # Arguments are looked at first, and what would change nothing is done.
        self.assertEqual(self.nobody("SetEffect", "('sparkle', @a{sv} {})"), "org.visaged1.Error.NoSuchEffect")
        self.assertEqual(self.nobody("SetMode", "('smooth',)"), "done")

    def test_permitted(self):
        self.authority("yes")
        if os.path.exists(self.asked):
            os.unlink(self.asked)
        self.assertEqual(self.nobody("SetEffect", "('blur', @a{sv} {})"), "done")
        self.assertEqual(self.client.get("Effect"), "blur")
        self.assertEqual(self.nobody("SetGpu", "('llvm',)"), "done")
        self.assertEqual(self.nobody("Snapshot"), "done")
        with open(self.asked) as file:
            self.assertEqual(file.read().splitlines(), ["system-bus-name org.visaged1.control 0",
                                                        "system-bus-name org.visaged1.configure 0",
                                                        "system-bus-name org.visaged1.watch 0"])
        self.client.call("SetEffect", "(sa{sv})", "overlay", {})

    def test_a_password_would_help(self):
        self.authority("challenge")
        if os.path.exists(self.asked):
            os.unlink(self.asked)
        self.assertEqual(self.nobody("Pause"), "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
        self.assertEqual(self.nobody("Pause", how="ask"), "org.freedesktop.DBus.Error.AccessDenied")
        with open(self.asked) as file:
            self.assertEqual([line.split()[-1] for line in file], ["0", "1"])


if __name__ == "__main__":
    unittest.main()
