"""visaged on D-Bus: every method and every property that systemd/org.visaged1.xml describes.

Environment besides support.py's: VISAGED_BUS_XML (systemd/org.visaged1.xml).
"""
import fcntl
import json
import os
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

import numpy as np
from PIL import Image
from gi.repository import GLib

import support
from message_bus import INTERFACE, NAME, OBJECT, PROPERTIES, SIZE, Client, Streaming, still


class Contract(Streaming):
    """Many calls; each test leaves it streaming with the overlay."""

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
        text = self.client.connection.call_sync(NAME, OBJECT, "org.freedesktop.DBus.Introspectable", "Introspect", None, None, 0,
                                                20000, None).unpack()[0]
        self.assertEqual(facts(ElementTree.fromstring(text)), facts(ElementTree.parse(os.environ["VISAGED_BUS_XML"]).getroot()))

    def test_properties(self):
        want = {"Version": "0.1.0", "State": "streaming", "Camera": still(), "VirtualCamera": f"y4m:{self.daemon.sink}",
                "VirtualCameras": [f"y4m:{self.daemon.sink}"],
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
            self.client.connection.call_sync(NAME, OBJECT, PROPERTIES, "Set",
                                             GLib.Variant("(ssv)", (INTERFACE, "Effect", GLib.Variant("s", "blur"))), None, 0,
                                             20000, None)

    def test_effects(self):
        self.client.call("SetEffect", "(sa{sv})", "overlay", {"opacity": GLib.Variant("d", 0.25)})
        self.assertEqual(self.client.get("EffectOptions"), {"opacity": 0.25})
        self.client.call("SetEffect", "(sa{sv})", "blur", {"strength": GLib.Variant("d", 4)})
        self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")), ("blur", {"strength": 4}))
        self.client.call("SetEffect", "(sa{sv})", "blur", {})
        self.assertEqual(self.client.get("EffectOptions"), {"strength": 1})
        self.client.call("SetEffect", "(sa{sv})", "blur+overlay", {"opacity": GLib.Variant("d", 0.75)})
        self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")),
                         ("overlay+blur", {"opacity": 0.75, "strength": 1}), "in the order in which they are applied")
        for effect in support.effects():
            self.client.call("SetEffect", "(sa{sv})", effect["name"], {})
            self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")),
                             (effect["name"], {option["name"]: option["default"] for option in effect["options"]}))
        bad = "org.freedesktop.DBus.Error.InvalidArgs"
        for effect, options, name, word in (
                ("sparkle", {}, "org.visaged1.Error.NoSuchEffect", f"{support.effects_allowed()}, or "),
                ("blur+sparkle", {}, "org.visaged1.Error.NoSuchEffect", "blur+sparkle"),
                ("blur+blur", {}, "org.visaged1.Error.NoSuchEffect", "joined by +"),
                ("overlay+none", {}, "org.visaged1.Error.NoSuchEffect", "joined by +"),
                ("", {}, "org.visaged1.Error.NoSuchEffect", "overlay"),
                ("overlay", {"opacity": GLib.Variant("d", 1.01)}, bad, "from 0 to 1"),
                ("overlay", {"opacity": GLib.Variant("d", float("nan"))}, bad, "from 0 to 1"),
                ("overlay", {"opacity": GLib.Variant("s", "half")}, bad, "type d"),
                ("overlay", {"strength": GLib.Variant("d", 1)}, bad, "no option"),
                ("none", {"opacity": GLib.Variant("d", 1)}, bad, "no option"),
                ("overlay+blur", {"opacity": GLib.Variant("d", 0.1), "strength": GLib.Variant("d", 5)}, bad, "0.25 to 4"),
                ("overlay+blur", {"length": GLib.Variant("d", 1)}, bad, 'effect "overlay+blur" has no option "length"'),
                ("blur", {"strength": GLib.Variant("i", 1)}, bad, "type d"),
                ("blur", {"strength": GLib.Variant("d", 0.2)}, bad, "0.25 to 4")):
            found = self.client.error("SetEffect", "(sa{sv})", effect, options)
            self.assertEqual(found[0], name, found)
            self.assertIn(word, found[1])
        twice = GLib.Variant.parse(None, "('overlay', {'opacity': <0.1>, 'opacity': <0.2>})")
        with self.assertRaisesRegex(GLib.Error, "opacity is given twice"):
            self.client.connection.call_sync(NAME, OBJECT, INTERFACE, "SetEffect", twice, None, 0, 20000, None)
        self.assertEqual(self.client.get("Effect"), "none", "nothing changed by calls that failed")

    def snapshot(self):
        fd = self.client.descriptor("Snapshot")
        seals = fcntl.fcntl(fd, 1034)  # F_GET_SEALS
        with os.fdopen(fd, "rb") as file:
            self.assertEqual(file.tell(), 0)
            with Image.open(file) as image:
                return np.array(image.convert("RGB")), seals

    def test_an_effect_is_seen(self):
        """So does the picture that Snapshot() returns: the overlay at its opacity."""
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
        """Each is checked when its turn comes: a call that would change nothing now may change something after those before it."""
        left = []

        def done(connection, result):
            connection.call_finish(result)
            left.pop()
        for method, body in (("Pause", None), ("Resume", None),
                             ("SetEffect", GLib.Variant("(sa{sv})", ("blur", {}))),
                             ("SetEffect", GLib.Variant("(sa{sv})", ("overlay", {}))),
                             ("SetMode", GLib.Variant("(s)", ("exact",))), ("SetMode", GLib.Variant("(s)", ("smooth",)))):
            left.append(method)
            self.client.connection.call(NAME, OBJECT, INTERFACE, method, body, None, 0, 60000, None, done)
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
        """It ends a pending Start() and nothing else."""
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
        """A model is opened beside the current one: frames continue, and one that cannot be opened changes nothing."""
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
            first, *seen = [json.loads(lines.readline()) for _ in range(6)]
        counts = np.bincount(self.labels().ravel(), minlength=11)
        names = [c["name"] for c in json.loads(subprocess.run(
            [sys.executable, "-c", "import json,sys;d=open(sys.argv[1],'rb').read();n=int.from_bytes(d[:8],'little');"
             "print(json.loads(d[8:8+n])['__metadata__']['classes'])", support.model()], check=True,
            capture_output=True).stdout)]
        self.assertEqual(first["version"], 2)
        for line in seen:
            self.assertEqual(list(line), first["fields"])
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
        code = ("import sys, time, types; sys.path.insert(0, sys.argv[2]); import message_bus\n"
                "client = message_bus.Client(types.SimpleNamespace(address=sys.argv[1]))\n"
                "fd = client.descriptor('Hold', '(s)', 'the doomed'); print('held', flush=True); time.sleep(600)")
        with subprocess.Popen(["/usr/bin/python3", "-c", code, self.bus.address, os.path.dirname(support.__file__)],
                              stdout=subprocess.PIPE) as child:
            self.assertEqual(child.stdout.readline(), b"held\n")
            self.assertIn("held for the doomed", self.client.get("StateReason"))
            child.kill()
        self.client.until(lambda: "held" not in self.client.get("StateReason"))

    def test_unknown(self):
        self.assertEqual(self.client.error("Dance")[0], "org.freedesktop.DBus.Error.UnknownMethod")
        self.assertEqual(self.client.error("SetMode", "(u)", 7)[0], "org.freedesktop.DBus.Error.InvalidArgs")

    def test_changes_are_told(self):
        told = []
        other = Client(self.bus)
        context = GLib.MainContext.default()
        self.client.connection.signal_subscribe(NAME, PROPERTIES, "PropertiesChanged", OBJECT, INTERFACE, 0,
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

if __name__ == "__main__":
    unittest.main()
