"""Who may do what on D-Bus: clients of several users, and a mock of polkit."""
import os
import shutil
import subprocess
import threading
import time
import unittest

import support
from message_bus import INTERFACE, PROPERTIES, Authority, Crowd, Streaming, nobody


class Permissions(Streaming):
    """Calls of another user, by polkit's answer."""

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
        for method, arguments in ((get, f"('{INTERFACE}', 'FacesPresent')"), (get, f"('{INTERFACE}', 'FaceCount')"),
                                  (get, f"('{INTERFACE}', 'Faces')"), ("Pause", "()"), ("Stop", "()"), ("SetEffect", "('blur', @a{sv} {})"), ("SetMode", "('exact',)"),
                                  ("SetCamera", "('',)"), ("SetModel", "('',)"), ("SetGpu", "('llvmpipe',)"), ("Reload", "()"),
                                  ("Snapshot", "()"), ("Subscribe", "()"), ("Hold", "('me',)")):
            self.assertEqual(self.nobody(method, arguments), "org.freedesktop.DBus.Error.AccessDenied", method)
        self.assertEqual((self.client.get("State"), self.client.get("Effect")), ("streaming", "overlay"))
        # Without permission, a caller learns nothing and causes no work: not even the arguments are checked.
        self.assertEqual(self.nobody("SetEffect", "('sparkle', @a{sv} {})"), "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.nobody("SetMode", "('smooth',)"), "org.freedesktop.DBus.Error.AccessDenied")

    def crowd(self, *arguments, **how):
        crowd = Crowd(self.bus, *arguments, **how)
        self.addCleanup(crowd.close)
        return crowd

    def test_a_users_descriptors_are_bounded(self):
        """However many connections that user has; other users and root are not affected."""
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
        """As after a switch of users: holds and subscriptions end, but not root's."""
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
        """Not even the other calls of a user who floods the daemon with them."""
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
        self.assertRegex(said("status"), r"(?m)^  Faces +not permitted$")
        metrics = said("metrics")
        self.assertIn("visaged_readers 1\n", metrics)
        self.assertNotIn("visaged_face", metrics)

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
