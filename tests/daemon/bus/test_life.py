"""visaged on D-Bus over time: buses come and go, files change, the daemon is restarted."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from gi.repository import GLib

import support
from message_bus import INTERFACE, NAME, OBJECT, PROPERTIES, SIZE, Bus, Client, Daemon, SilentBus, nobody, still


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
        """The daemon asks the bus for the caller without waiting: frames continue."""
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
        """Files are read on a thread: frames continue."""
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
        """It cannot be opened yet, so the call fails; the configured one is opened later."""
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
    """Started by a user: it uses the session bus if there is one, as visagectl expects."""

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

if __name__ == "__main__":
    unittest.main()
