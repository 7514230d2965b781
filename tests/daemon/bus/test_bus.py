"""visaged on D-Bus: a bus of the test's own, clients of two users, an authority that says what it is told to.

Environment besides support.py's: VISAGED_BUS_XML (systemd/org.visaged1.xml).
"""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

import numpy as np
from PIL import Image
from gi.repository import GLib

import support
from message_bus import (INTERFACE, NAME, OBJECT, PROPERTIES, SIZE, Authority, Bus, Client, Crowd, Daemon, SilentBus, nobody, still)


class Streaming(unittest.TestCase):
    """One daemon for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.daemon = Daemon(cls.bus, camera=still())
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")

    @classmethod
    def tearDownClass(cls):
        status, text = cls.daemon.stop()
        cls.bus.close()
        assert status == 0, text
        for sign in ("Sanitizer", "runtime error:", "Assertion"):
            assert sign not in text, text


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
        for effect in ("labels", "mirror", "none"):
            self.client.call("SetEffect", "(sa{sv})", effect, {})
            self.assertEqual((self.client.get("Effect"), self.client.get("EffectOptions")), (effect, {}))
        bad = "org.freedesktop.DBus.Error.InvalidArgs"
        for effect, options, name, word in (
                ("sparkle", {}, "org.visaged1.Error.NoSuchEffect", "must be overlay, labels, blur, mirror or none, or "),
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

    def test_a_face_is_told_to_subscribers(self):
        """The others are told all but that."""
        told, context = {"all": {}, "subscriber": {}}, GLib.MainContext.default()
        clients = {"all": Client(self.bus), "subscriber": Client(self.bus)}
        for name, client in clients.items():
            client.connection.signal_subscribe(NAME, PROPERTIES, "PropertiesChanged", OBJECT, INTERFACE, 0,
                                               lambda *a: told[a[-1]].update(a[5].unpack()[1]), name)
            self.assertNotIn("FacesPresent", client.connection.call_sync(
                NAME, OBJECT, PROPERTIES, "GetAll", GLib.Variant("(s)", (INTERFACE,)), None, 0, 20000, None).unpack()[0])
        fds = [clients["subscriber"].descriptor("Subscribe") for _ in range(2)]
        for fd in fds:
            self.addCleanup(os.close, fd)
        self.client.until(lambda: self.client.get("FacesPresent"))
        self.client.call("Pause")
        for _ in range(100):
            while context.iteration(False):
                pass
            if all("paused" == seen.get("State") for seen in told.values()):
                break
            time.sleep(0.05)
        self.assertEqual([seen.get("State") for seen in told.values()], ["paused", "paused"])
        self.assertEqual([seen.get("FacesPresent") for seen in told.values()], [None, False])

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


class Life(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.addCleanup(self.bus.close)

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
        client.connection.call(NAME, OBJECT, INTERFACE, "Pause", None, None, 0, 100000, None,
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
            if "another visaged is running" in second.said():
                break
            time.sleep(0.1)
        self.assertIn("another visaged is running", second.stop()[1])
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
        with open(f"{config}.d/60-bad.conf", "wb") as file:
            file.write(b"[visaged]\neffect = caf\xe9\n")
        name, message = client.error("Reload")
        self.assertEqual(name, "org.visaged1.Error.BadConfiguration", "though its text is not UTF-8")
        self.assertIn("60-bad.conf:2: effect", message)
        self.assertEqual(daemon.stop()[0], 0)

    @unittest.skipIf(os.geteuid() != 0, "a second user needs root")
    def test_a_reload_shows_no_line_to_strangers(self):
        config = f"{support.new_folder()}/v.conf"
        with open(config, "w"):
            pass
        daemon = Daemon(self.bus, camera="image:/nonexistent.png", config=config)
        client = Client(self.bus)
        client.until(lambda: client.get("State"))
        with open(config, "w") as file:
            file.write("[visaged]\na secret\n")
        os.chmod(config, 0o600)
        self.assertEqual(nobody(self.bus, "Reload"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertNotIn("secret", daemon.said(), "it was not even read")
        self.assertEqual(client.error("Reload")[0], "org.visaged1.Error.BadConfiguration")
        self.assertEqual(daemon.stop()[0], 0)

    def test_a_file_that_blocks_stops_nothing(self):
        """Files are read beside the frames."""
        config = f"{support.new_folder()}/v.conf"
        with open(config, "w"):
            pass
        daemon = Daemon(self.bus, camera="image:/nonexistent.png", config=config)
        client, answers = Client(self.bus), []
        client.until(lambda: client.get("State"))
        os.mkdir(f"{config}.d")
        os.mkfifo(f"{config}.d/50-slow.conf")
        client.connection.call(NAME, OBJECT, INTERFACE, "Reload", None, None, 0, 100000, None,
                               lambda connection, result: answers.append(connection.call_finish(result).unpack()))
        client.connection.flush_sync()
        time.sleep(0.5)
        body = GLib.Variant("(ss)", (INTERFACE, "State"))
        Client(self.bus).connection.call_sync(NAME, OBJECT, PROPERTIES, "Get", body, None, 0, 5000, None)
        with open(f"{config}.d/50-slow.conf", "w") as file:
            file.write("\n[visaged]\nmode = exact\n")
        while not answers:
            GLib.MainContext.default().iteration(True)
        self.assertEqual((answers, client.get("Mode")), ([()], "exact"))
        self.assertEqual(daemon.stop()[0], 0)

    def test_models_beside_the_one_that_is_configured(self):
        """By a reload, too."""
        first, second = support.new_folder(), support.new_folder()
        for path in (f"{first}/here.safetensors", f"{second}/there.safetensors", f"{second}/beside.safetensors"):
            shutil.copy(support.model(), path)
        config = f"{support.new_folder()}/v.conf"

        def configure(path):
            with open(config, "w") as file:
                file.write(f"[visaged]\nmodel = {path}\n")
        configure(f"{first}/here.safetensors")
        daemon = Daemon(self.bus, camera=still(), config=config, model=False)
        client = Client(self.bus)
        client.until_state("streaming")
        self.assertEqual(client.error("SetModel", "(s)", "beside")[0], "org.visaged1.Error.NoSuchModel")
        configure(f"{second}/there.safetensors")
        client.call("Reload")
        self.assertEqual(client.get("Model"), f"{second}/there.safetensors")
        self.assertLessEqual({"there", "beside"}, {model["name"] for model in client.call("ListModels")[0]})
        client.call("SetModel", "(s)", "beside")
        self.assertEqual(client.get("Model"), f"{second}/beside.safetensors")
        self.assertEqual(daemon.stop()[0], 0)

    def test_a_model_before_there_is_a_virtual_camera(self):
        """It cannot be opened yet, so nobody is told that it was; what is configured is opened later."""
        config = f"{support.new_folder()}/v.conf"
        with open(config, "w"):
            pass
        daemon = Daemon(self.bus, virtual_camera="/nonexistent/video9", camera=still(), config=config, model=False)
        client = Client(self.bus)
        client.until_state("waiting")
        name, message = client.error("SetModel", "(s)", "default")
        self.assertEqual(name, "org.visaged1.Error.Failed")
        self.assertIn("no virtual camera: ", message)
        with open(config, "w") as file:
            file.write(f"[visaged]\nmodel = {support.model()}\nmode = exact\n")
        client.call("Reload")
        self.assertEqual(client.get("Mode"), "exact")
        self.assertEqual(daemon.stop()[0], 0)


@unittest.skipIf(os.geteuid() != 0, "a second user needs root")
class ByHand(unittest.TestCase):
    """Started by nobody but a user: where there is a session bus it is on that, as visagectl expects."""

    def run_on(self, session, system):
        env = support.environment()
        for name in ("DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE", "XDG_RUNTIME_DIR"):
            env.pop(name, None)
        env.update(DBUS_SESSION_BUS_ADDRESS=session, DBUS_SYSTEM_BUS_ADDRESS=system)
        child = subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", "--virtual-camera=/nonexistent/video9"], env=env,
                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.terminate)
        for _ in range(100):
            done = support.visagectl("status", "--json", env=env)
            if done.returncode == 0:
                return json.loads(done.stdout)
            time.sleep(0.1)
        raise AssertionError(done.stderr.decode())

    def test_on_the_session_bus(self):
        with Bus() as session, Bus() as system:
            self.assertEqual(self.run_on(session.address, system.address)["state"], "waiting")
            self.assertEqual(Client(session).get("State"), "waiting")
            with self.assertRaises(GLib.Error):
                Client(system).get("State")
            self.doCleanups()

    def test_without_one(self):
        with Bus() as system:
            self.assertEqual(self.run_on("unix:path=/nonexistent/bus", system.address)["state"], "waiting")
            self.assertEqual(Client(system).get("State"), "waiting")
            self.doCleanups()


class Permissions(Streaming):
    """Another user's calls, by what the authority says."""

    def authority(self, answer, **how):
        authority = Authority(self.bus, answer, **how)
        self.addCleanup(authority.close)
        return authority

    def nobody(self, *arguments, **how):
        return nobody(self.bus, *arguments, **how)

    def test_without_an_authority(self):
        self.assertEqual(self.nobody("Pause"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.nobody("ListCameras"), "done", "everybody may look")
        self.assertEqual(self.client.get("State"), "streaming")

    def test_refused(self):
        self.authority("no")
        get = f"{PROPERTIES}.Get"
        self.assertEqual(self.nobody(get, f"('{INTERFACE}', 'State')"), "done", "everybody may look")
        for method, arguments in ((get, f"('{INTERFACE}', 'FacesPresent')"), ("Pause", "()"), ("Stop", "()"), ("SetEffect", "('blur', @a{sv} {})"), ("SetMode", "('exact',)"),
                                  ("SetCamera", "('',)"), ("SetModel", "('',)"), ("SetGpu", "('llvmpipe',)"), ("Reload", "()"),
                                  ("Snapshot", "()"), ("Subscribe", "()"), ("Hold", "('me',)")):
            self.assertEqual(self.nobody(method, arguments), "org.freedesktop.DBus.Error.AccessDenied", method)
        self.assertEqual((self.client.get("State"), self.client.get("Effect")), ("streaming", "overlay"))
        # Whoever may not, learns nothing and makes no work: neither are arguments looked at, nor what there is to change.
        self.assertEqual(self.nobody("SetEffect", "('sparkle', @a{sv} {})"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.nobody("SetMode", "('smooth',)"), "org.freedesktop.DBus.Error.AccessDenied")

    def crowd(self, *arguments, **how):
        crowd = Crowd(self.bus, *arguments, **how)
        self.addCleanup(crowd.close)
        return crowd

    def test_a_users_descriptors_are_bounded(self):
        """However many connections there are; another user's and root's are not."""
        self.authority("yes")
        crowd = self.crowd(65534, "Hold", "('greedy',)", connections=9)
        self.assertEqual(sorted(crowd.answers(9)), ["done"] * 8 + ["org.freedesktop.DBus.Error.LimitsExceeded"])
        self.assertEqual(self.nobody("Hold", "('me too',)", uid=1), "done")
        root = self.crowd(0, "Hold", "('root',)", connections=9)
        self.assertEqual(root.answers(9), ["done"] * 9)
        crowd.close()
        self.client.until(lambda: self.nobody("Hold", "('again',)") == "done")

    def held(self):
        return "held for" in self.client.get("StateReason")

    def test_rights_end(self):
        """As when another user's session comes to the foreground: holds and subscriptions end, but not root's."""
        for method, arguments in (("Hold", "('mine',)"), ("Subscribe", "()")):
            authority = self.authority("yes")
            crowd = self.crowd(65534, method, arguments)
            self.assertEqual(crowd.answers(1), ["done"])
            self.client.until(self.held)
            asked = len(authority.questions())
            authority.change("yes")
            self.client.until(lambda: len(authority.questions()) > asked)
            self.assertTrue(self.held())
            authority.change("no")
            self.client.until(lambda: not self.held())
            authority.close()
            crowd.close()
        authority = self.authority("yes")
        fd = self.client.descriptor("Hold", "(s)", "root")
        self.addCleanup(os.close, fd)
        authority.change("no")
        time.sleep(1)
        self.assertEqual(authority.questions(), [])
        self.assertTrue(self.held())

    def test_lists_keep_nobody_out(self):
        """Of a user who floods it with them, not even that user's own calls."""
        self.authority("yes")
        flood = self.crowd(65534, "ListGpus", connections=12, calls=8, again=True)
        self.assertIn("org.freedesktop.DBus.Error.LimitsExceeded", flood.answers(96))
        for uid in (1, 65534):
            self.assertEqual(self.nobody("SetMode", "('exact',)", uid=uid), "done")
            self.client.call("SetMode", "(s)", "smooth")

    def workers(self):
        found = 0
        for task in os.listdir(f"/proc/{self.daemon.process.pid}/task"):
            try:
                with open(f"/proc/{self.daemon.process.pid}/task/{task}/comm") as file:
                    found += file.read() == "visaged\n"
            except OSError:
                pass  # it has ended
        return found

    def test_lists_share_one_thread(self):
        usual = self.workers()
        crowd, most = self.crowd(0, "ListGpus", connections=5, calls=8, again=True), usual
        crowd.answers(1)
        for _ in range(100):
            most = max(most, self.workers())
            time.sleep(0.01)
        self.assertLess(most - usual, 8, "one for all forty calls, and some before it that are just ending")
        self.assertEqual(set(crowd.answers(80)), {"done"})

    def test_permitted(self):
        authority = self.authority("yes")
        self.assertEqual(self.nobody("SetEffect", "('blur', @a{sv} {})"), "done")
        self.assertEqual(self.client.get("Effect"), "blur")
        self.assertEqual(self.nobody("SetGpu", "('llvm',)"), "done")
        self.assertEqual(self.nobody("Snapshot"), "done")
        self.assertEqual(self.nobody(f"{PROPERTIES}.Get", f"('{INTERFACE}', 'FacesPresent')"), "done")
        self.assertEqual(authority.questions(), ["system-bus-name org.visaged1.control 0",
                                                 "system-bus-name org.visaged1.configure 0",
                                                 "system-bus-name org.visaged1.watch 0",
                                                 "system-bus-name org.visaged1.watch 0"])
        self.client.call("SetEffect", "(sa{sv})", "overlay", {})

    def test_whoever_may_not_know_of_faces_is_told_the_rest(self):
        self.authority("no")
        program = shutil.copy(os.environ["VISAGECTL"], self.bus.folder)

        def said(command):
            return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, command, "--system"],
                                  env={"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address, "PATH": "/usr/bin:/bin"}, check=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(said("status"), r"(?m)^  Face +not permitted$")
        metrics = said("metrics")
        self.assertIn("visaged_readers 1\n", metrics)
        self.assertNotIn("visaged_face_present", metrics)

    def test_what_changes_while_a_password_is_typed_stays(self):
        other = os.path.join(os.path.dirname(support.model()), "other.safetensors")
        shutil.copy(support.model(), other)
        self.addCleanup(os.unlink, other)
        authority, answers = self.authority("yes", typing=True), []
        waiting = threading.Thread(target=lambda: answers.append(self.nobody("SetGpu", "('pipe',)")))
        waiting.start()
        self.client.until(authority.questions)
        self.client.call("SetModel", "(s)", "other")
        authority.typed()
        waiting.join()
        self.assertEqual(answers, ["done"])
        self.assertEqual(self.client.get("Model"), other)
        self.client.call("SetGpu", "(s)", "")
        self.client.call("SetModel", "(s)", os.path.basename(support.model())[:-len(".safetensors")])

    def test_a_password_would_help(self):
        authority = self.authority("challenge")
        self.assertEqual(self.nobody("Pause"), "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
        self.assertEqual(self.nobody("Pause", how="ask"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual([line.split()[-1] for line in authority.questions()], ["0", "1"])


if __name__ == "__main__":
    unittest.main()
