"""visagectl's commands that talk to the daemon: what they call, and what they print on failure."""
import json
import os
import subprocess
import unittest

import mock_daemon
from ctl import NOWHERE, Served, ctl, environment, wait_for
from message_bus import Bus
from mock_daemon import MockDaemon

NOT_RUNNING = 'visagectl: visaged is not running; try "systemctl start visaged"\n'

# What every command does when something is wrong with the bus; status and metrics stand for those that only read.
COMMANDS = (["status"], ["status", "--json"], ["status", "--watch"], ["metrics"], ["start"], ["stop"], ["pause"], ["resume"],
            ["reload"], ["set", "mode", "exact"], ["effect", "blur"], ["snapshot"], ["monitor"], ["hold"], ["hold", "true"])


class Control(Served):
    def test_calls(self):
        for command, method in (("start", "Start"), ("stop", "Stop"), ("pause", "Pause"), ("resume", "Resume"),
                                ("reload", "Reload")):
            self.assertEqual(self.good(command), "")
            self.assertEqual(self.daemon.calls.pop(), (method, ()))

    def test_set(self):
        for what, method in (("camera", "SetCamera"), ("model", "SetModel"), ("gpu", "SetGpu"), ("mode", "SetMode")):
            for value in ("x", "", "two words", "naïve"):
                self.assertEqual(self.good("set", what, value), "")
                self.assertEqual(self.daemon.calls.pop(), (method, (value,)))

    def test_effect(self):
        for arguments, effect, options in ((["none"], "none", {}), (["blur", "strength=2.5"], "blur", {"strength": 2.5}),
                                           (["overlay", "opacity=1"], "overlay", {"opacity": 1.0}),
                                           (["blur+overlay", "opacity=1", "strength=2"], "blur+overlay",
                                            {"opacity": 1.0, "strength": 2.0}),
                                           (["x", "a=b=c", "d=true", "e="], "x", {"a": "b=c", "d": True, "e": ""})):
            self.assertEqual(self.good("effect", *arguments), "")
            self.assertEqual(self.daemon.calls.pop(), ("SetEffect", (effect, options)))

    def test_wrong_usage(self):
        for arguments, says in (
                (["start", "x"], 'unexpected argument "x"'), (["stop", "--now"], "unrecognized option"),
                (["pause", "--json"], "--json"),
                (["resume", "1"], 'unexpected argument "1"'), (["reload", ""], 'unexpected argument ""'),
                (["set"], "no setting and value given"), (["set", "mode"], "no value given"),
                (["set", "colour", "red"], '"colour" cannot be set: choose camera, model, gpu or mode'),
                (["set", "gpu", "some", "gpu"], 'unexpected argument "gpu"; quote'),
                (["effect", "blur", "strength"], '"strength" is not OPTION=VALUE'),
                (["effect", "blur", "=2"], "not OPTION=VALUE"),
                (["effect", "blur", "a=1", "b=1", "a=2"], "a is given twice"), (["effect", "blur", "--json"], "for the list"),
                (["status", "x"], 'unexpected argument "x"'), (["metrics", "--json"], "--json"),
                (["metrics", "x"], 'unexpected argument "x"'), (["models", "x"], 'unexpected argument "x"'),
                (["snapshot", "me.png"], "did you mean -o?"), (["snapshot", "-o"], "requires an argument"),
                (["monitor", "x"], 'unexpected argument "x"'), (["hold", "--why"], "requires an argument"),
                (["doctor", "x"], 'unexpected argument "x"'), (["doctor", "--fix"], "visagectl doctor: unrecognized option"),
                (["status", "--session"], "visagectl status: unrecognized option")):
            done = self.ctl(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(says, done.stderr.decode(), arguments)
            self.assertIn(f'Try "visagectl {arguments[0]} --help".', done.stderr.decode())
        self.assertEqual(self.daemon.calls, [])

    def test_errors_of_the_daemon_come_as_they_are(self):
        text = 'there is no GPU "x": known are llvmpipe, Some GPU'
        for name in ("org.visaged1.Error.NoSuchGpu", "org.freedesktop.DBus.Error.InvalidArgs", "org.visaged1.Error.Busy",
                     "org.visaged1.Error.Failed", "org.freedesktop.DBus.Error.LimitsExceeded"):
            for arguments in (["set", "gpu", "x"], ["effect", "x"], ["pause"], ["snapshot"], ["monitor"], ["hold"], ["models"]):
                for method in ("SetGpu", "SetEffect", "Pause", "Snapshot", "Subscribe", "Hold", "ListModels"):
                    self.daemon.errors[method] = (name, text)
                self.bad(text, *arguments)

    def test_not_text(self):
        done = self.ctl("set", "camera", b"\xff")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be sent", done.stderr)
        done = self.ctl("effect", b"\xff")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be sent", done.stderr)
        self.assertEqual(self.daemon.calls, [])

    def test_polkit_says_no(self):
        for name in ("AccessDenied", "InteractiveAuthorizationRequired"):
            self.daemon.errors["SetCamera"] = (f"org.freedesktop.DBus.Error.{name}", "org.visaged1.configure")
            self.bad('not allowed (org.visaged1.configure); try "sudo visagectl ..."', "set", "camera", "")


class WhichBus(unittest.TestCase):
    def test_choice(self):
        with Bus() as user, Bus() as system:
            for on_user, on_system, option, expected in (
                    (True, True, [], "user"), (True, True, ["--user"], "user"), (True, True, ["--system"], "system"),
                    (False, True, [], "system"), (True, False, [], "user"), (False, True, ["--user"], None),
                    (True, False, ["--system"], None), (False, False, [], None)):
                daemons = {}
                if on_user:
                    daemons["user"] = MockDaemon(user.address)
                if on_system:
                    daemons["system"] = MockDaemon(system.address)
                for name, daemon in daemons.items():
                    daemon.properties["StateReason"] = name
                done = ctl("status", "--json", *option, session=user.address, system=system.address)
                for daemon in daemons.values():
                    daemon.stop()
                if expected:
                    self.assertEqual(json.loads(done.stdout)["state_reason"], expected)
                else:
                    word = "--user " if option == ["--user"] else ""
                    self.assertEqual((done.returncode, done.stderr.decode()),
                                     (1, NOT_RUNNING.replace("systemctl ", f"systemctl {word}")))

    def test_only_a_session_bus(self):
        with Bus() as user:
            done = ctl("status", session=user.address)
            self.assertIn(b'try "systemctl --user start visaged"', done.stderr)
            with MockDaemon(user.address):
                self.assertEqual(ctl("status", session=user.address).returncode, 0)

    def test_no_bus(self):
        for command in COMMANDS:
            for option, name in (([], "system"), (["--system"], "system"), (["--user"], "session")):
                done = ctl(command[0], *option, *command[1:])
                self.assertEqual((done.returncode, done.stdout), (1, b""), command)
                self.assertEqual(done.stderr.decode(), f"visagectl: there is no {name} bus: No such file or directory\n")


class NotRunning(unittest.TestCase):
    def test_no_daemon(self):
        with Bus() as bus:
            for command in COMMANDS:
                done = ctl(*command, system=bus.address)
                self.assertEqual((done.returncode, done.stdout, done.stderr.decode()), (1, b"", NOT_RUNNING), command)

    def test_effects_are_listed_all_the_same(self):
        for system in (NOWHERE,):
            done = ctl("effect", "--json", system=system)
            self.assertEqual(done.returncode, 0)
            self.assertEqual([effect["name"] for effect in json.loads(done.stdout) if effect["current"]], [])

    def test_starting_it(self):
        program = f"/usr/bin/python3 {mock_daemon.__file__}"
        with Bus(activate=program) as bus:
            for command in ("status", "metrics", "stop", "pause"):
                done = ctl(command, system=bus.address)
                self.assertEqual((done.returncode, done.stderr.decode()), (1, NOT_RUNNING), command)
            done = ctl("start", system=bus.address)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(ctl("status", system=bus.address).returncode, 0)

    def test_it_does_not_start(self):
        with Bus(activate="/bin/false") as bus:
            for command in (["start"], ["monitor"], ["hold"]):
                done = ctl(*command, system=bus.address)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertRegex(done.stderr.decode(),
                                 r'^visagectl: visaged does not start \(.+\); try "journalctl -u visaged"\n$')

    def test_the_bus_says_no(self):
        with Bus(policy='<deny send_destination="org.visaged1" send_interface="org.visaged1.Manager"/>') as bus:
            with MockDaemon(bus.address) as daemon:
                done = ctl("pause", system=bus.address)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertRegex(done.stderr.decode(), r'^visagectl: not allowed \(.+\); try "sudo visagectl \.\.\."\n$')
                self.assertEqual(ctl("status", system=bus.address).returncode, 0)
                self.assertEqual(daemon.calls, [])

    def test_the_bus_ends(self):
        bus = Bus()
        self.addCleanup(bus.close)
        daemon = MockDaemon(bus.address)
        with subprocess.Popen([os.environ["VISAGECTL"], "status", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment(system=bus.address)) as child:
            self.assertIn(b"streaming", child.stdout.readline())
            bus.stop()
            err = child.communicate(timeout=60)[1]
            self.assertEqual((child.returncode, err), (1, b"visagectl: the bus is gone\n"))
        daemon.stop()

    def test_it_ends_in_the_middle_of_a_call(self):
        with Bus() as bus, MockDaemon(bus.address) as daemon:
            daemon.silent.add("SetModel")
            with subprocess.Popen([os.environ["VISAGECTL"], "set", "model", "x"], stderr=subprocess.PIPE,
                                  env=environment(system=bus.address)) as child:
                wait_for(lambda: daemon.calls)
                daemon.stop()
                err = child.communicate(timeout=60)[1].decode()
            self.assertEqual(child.returncode, 1)
            self.assertRegex(err, r'^visagectl: visaged does not answer \(.+\); try "journalctl -u visaged"\n$')


class Help(unittest.TestCase):
    def test_help(self):
        for command in {command[0] for command in COMMANDS} | {"effect", "models", "doctor"}:
            done = ctl(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, b""), command)
            text = done.stdout.decode()
            self.assertTrue(text.startswith(f"Usage: visagectl {command} "))
            for option in ("--user", "--system", "--help", "without either"):
                self.assertIn(option, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 120)


if __name__ == "__main__":
    unittest.main()
