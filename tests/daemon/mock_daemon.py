#!/usr/bin/python3
"""A mock of the daemon on the bus: it has the interface that systemd/org.visaged1.xml describes, read from there, and
answers as the test tells it to.

    with Bus() as bus, MockDaemon(bus.address) as daemon:
        daemon.properties["State"] = "paused"
        daemon.errors["SetGpu"] = ("org.visaged1.Error.NoSuchGpu", "no such GPU")
        ...
        daemon.calls                  # [("SetMode", ("exact",)), ...]

As a program, `mock_daemon.py` serves on the bus that started it (DBUS_STARTER_ADDRESS), until that ends.
"""
import os
import threading

from gi.repository import Gio, GLib

from message_bus import INTERFACE, NAME, OBJECT, connection

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
XML = f"{ROOT}/systemd/org.visaged1.xml"


def faces():
    """Two faces, as Faces has them once it is unpacked."""
    return [{"id": 3, "since_ns": GLib.Variant("t", 49234567890), "seen_ns": GLib.Variant("t", 51234567890), "viewed_ns": GLib.Variant("t", 51134567890), "box": [0.25, 0.125, 0.5, 0.625],
             "upright": [0.5, 0.4375, 0.46875, 0.5625], "roll": -12.5, "confidence": 0.93,
             "areas": {"skin": 30720, "nose": 3072}, "left_eye_open": False, "mouth_open": True, "glasses": False},
            {"id": 7, "since_ns": GLib.Variant("t", 51134567890), "seen_ns": GLib.Variant("t", 51134567890), "viewed_ns": GLib.Variant("t", 0), "box": [0.0, 0.5, 0.125, 0.25],
             "upright": [0.0625, 0.625, 0.125, 0.25], "roll": 0.0, "confidence": 0.5, "areas": {"skin": 900}, "cut": True}]


def defaults():
    """Values of every property, by the types that the XML gives."""
    return {"Version": "0.1.0", "State": "streaming", "StateReason": "2 readers, held by kiosk",
            "Camera": "usb-046d_C920-video-index0", "VirtualCamera": "/dev/video10",
            "VirtualCameras": ["/dev/video10"], "Gpu": "Some GPU",
            "Model": "/usr/share/visaged/default.safetensors", "Effect": "overlay",
            "EffectOptions": {"opacity": GLib.Variant("d", 0.5)}, "Mode": "smooth", "FrameRate": 29.97, "ParseRate": 14.5,
            "LatencyMs": 41.5,
            "Counters": {"captured": 1800, "parsed": 870, "shown": 1799, "repeated": 7, "placeholder": 12, "stale": 1, "corrupt": 0,
                         "lost": 0, "refused": 2**40, "reopened": 3}, "Readers": 2, "FacesPresent": True, "FaceCount": 2,
            "Faces": [variant({**face, "areas": GLib.Variant("a{st}", face["areas"])}) for face in faces()]}


def variant(value):
    """A dictionary of Python values as a{sv}."""
    types = {str: "s", bool: "b", int: "u", float: "d"}
    def one(value):
        if isinstance(value, list):
            return GLib.Variant("ad" if value and isinstance(value[0], float) else "as", value)
        return value if isinstance(value, GLib.Variant) else GLib.Variant(types[type(value)], value)
    return {name: one(value) for name, value in value.items()}


class MockDaemon:
    def __init__(self, address):
        self.properties = defaults()
        self.calls, self.errors, self.values, self.descriptors = [], {}, {}, {}
        self.silent = set()  # methods that are never answered
        self.pipes = []
        self._context = GLib.MainContext.new()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address,), daemon=True)
        self._thread.start()
        if not self._ready.wait(30):
            raise RuntimeError("the mock daemon is not on the bus")

    def _run(self, address):
        self._context.push_thread_default()
        with open(XML) as file:
            node = Gio.DBusNodeInfo.new_for_xml(file.read())
        self.interface = node.lookup_interface(INTERFACE)
        self.connection = connection(address)
        self.connection.register_object(OBJECT, self.interface, self._call, self._get, None)
        self.connection.connect("closed", lambda *_: self._loop.quit())
        self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                  GLib.Variant("(su)", (NAME, 4)), None, Gio.DBusCallFlags.NONE, -1, None)
        self._ready.set()
        self._loop.run()
        self._context.pop_thread_default()

    def _get(self, _connection, _sender, _path, _interface, name):
        return GLib.Variant(self.interface.lookup_property(name).signature, self.properties[name])

    def _call(self, _connection, _sender, _path, _interface, method, parameters, invocation):
        self.calls.append((method, parameters.unpack()))
        if method in self.silent:
            self.pending = invocation
            return
        if method in self.errors:
            invocation.return_dbus_error(*self.errors[method])
            return
        out = self.interface.lookup_method(method).out_args
        signature = "(" + "".join(arg.signature for arg in out) + ")"
        if signature == "(h)":
            fds = Gio.UnixFDList.new()
            fds.append(self.descriptors[method] if method in self.descriptors else self.pipe())
            invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)
        else:
            invocation.return_value(GLib.Variant(signature, (self.values.get(method, []),)) if out else None)

    def pipe(self):
        """A new pipe's reading end, which the bus copies; the writing end joins `pipes`."""
        reading, writing = os.pipe()
        self.pipes.append(writing)
        self.descriptors["last"] = reading
        return reading

    def stop(self):
        """Like a process that exits: leaves the bus and closes every descriptor."""
        if self._thread.is_alive():
            self.connection.close_sync(None)
            self._loop.quit()
            self._thread.join()
        for fd in self.pipes:
            os.close(fd)
        if "last" in self.descriptors:
            os.close(self.descriptors.pop("last"))
        self.pipes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    MockDaemon(os.environ["DBUS_STARTER_ADDRESS"])._thread.join()
