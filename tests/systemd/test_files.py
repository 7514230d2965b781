"""Checks what systemd/ and docs/ install, as far as that is possible without a service manager: units, bus, polkit,
configuration, man pages and completions, each with the program that reads it.

Environment: VISAGED, VISAGECTL (the programs), VISAGED_BUILD (the build folder).
"""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, f"{ROOT}/tests/daemon")
import message_bus  # noqa: E402
import mock_daemon  # noqa: E402

SYSTEMD = f"{ROOT}/systemd"
BUILD = os.environ["VISAGED_BUILD"]
EXAMPLE = f"{BUILD}/systemd/visaged.conf"
UNIT = f"{BUILD}/systemd/visaged.service"
USER_UNIT = f"{BUILD}/systemd/user/visaged.service"
POLKIT_DTD = "/usr/share/polkit-1/policyconfig-1.dtd"


def text(path):
    with open(path) as file:
        return file.read()


def run(*command, **keywords):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          **{"env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}, **keywords})


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="visaged-files-")
        self.addCleanup(shutil.rmtree, self.folder)

    def good(self, *command, **keywords):
        done = run(*command, **keywords)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def copy(self, unit, *drop_ins):
        """A copy of the unit, with the paths of the built programs, which exist."""
        path = f"{self.folder}/visaged.service"
        with open(path, "w") as file:
            programs = {"Start": os.environ["VISAGED"], "Reload": os.environ["VISAGECTL"]}
            file.write(re.sub(r"^Exec(Start|Reload)=\S+", lambda m: f"Exec{m[1]}={programs[m[1]]}", text(unit), flags=re.M))
            file.writelines(text(drop_in) for drop_in in drop_ins)
        return path


class Units(Files):
    def score(self, path, threshold):
        done = self.good("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", path)
        self.note = done.stdout.strip().splitlines()[-1]

    def test_exposure_with_a_hardware_driver(self):
        self.score(self.copy(UNIT), 13)

    def test_exposure_with_a_software_driver(self):
        self.score(self.copy(UNIT, f"{SYSTEMD}/software-vulkan.conf"), 13)

    def settings(self, unit, key):
        return re.findall(rf"(?m)^{key}=(.*)$", text(unit))

    def test_its_needs_are_bounded(self):
        for unit in (UNIT, USER_UNIT):
            for key in ("LimitNOFILE", "MemoryMax", "TasksMax"):
                self.assertEqual(len(self.settings(unit, key)), 1, f"{key} in {unit}")

    def test_nothing_is_both_written_and_executed(self):
        self.assertEqual(self.settings(UNIT, "NoExecPaths"), ["/ -/tmp -/var/tmp -/var/cache/visaged -/run/visaged"])
        self.assertEqual(self.settings(UNIT, "PrivateIPC"), ["yes"])
        executed, = self.settings(UNIT, "ExecPaths")
        for path in executed.split():
            self.assertNotRegex(path, r"^-?/(dev|run|tmp|var|home|proc|sys)\b")
        self.assertIn("/dev/shm:", self.settings(UNIT, "TemporaryFileSystem")[0])
        self.assertIn("noexec", self.settings(UNIT, "TemporaryFileSystem")[0])

    def test_of_gpus_it_has_the_render_nodes(self):
        allowed = [line.split()[0] for line in self.settings(UNIT, "DeviceAllow")]
        self.assertNotIn("char-drm", allowed)
        minors = [int(path.rsplit(":", 1)[1]) for path in allowed if path.startswith("/dev/char/226:")]
        self.assertEqual(minors, list(range(128, 144)))  # 128 to 191 are render nodes: drm(7)

    @unittest.skipIf(os.geteuid() != 0, "another user needs root")
    def test_other_programs_of_its_user_cannot_look_into_it(self):
        """Root owns the files in /proc of a process that cannot be dumped."""
        os.chmod(self.folder, 0o755)
        program = shutil.copy(os.environ["VISAGED"], self.folder)
        os.mkfifo(f"{self.folder}/config", 0o644)  # it waits for somebody to write
        os.chmod(f"{self.folder}/config", 0o644)
        daemon = subprocess.Popen(["setpriv", "--reuid=65534", "--clear-groups", program, f"--config={self.folder}/config"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if os.path.exists(f"/proc/{daemon.pid}/comm") and text(f"/proc/{daemon.pid}/comm") == "visaged\n" and \
                        os.stat(f"/proc/{daemon.pid}/mem").st_uid == 0:
                    break
                time.sleep(0.05)
            self.assertEqual(text(f"/proc/{daemon.pid}/comm"), "visaged\n")
            self.assertRegex(text(f"/proc/{daemon.pid}/status"), r"(?m)^Uid:\s65534\s")
            self.assertEqual(os.stat(f"/proc/{daemon.pid}/mem").st_uid, 0)
        finally:
            daemon.kill()
            daemon.wait()

    def test_the_system_unit_is_right(self):
        done = self.good("systemd-analyze", "verify", "--man=no", self.copy(UNIT))
        self.assertEqual(done.stderr, "")

    def test_devices_have_their_place_before_it_starts(self):
        """systemd resolves the names in DeviceAllow= when it starts a unit (systemd.resource-control)."""
        for key in ("Wants", "After"):
            self.assertRegex(text(UNIT), rf"(?m)^{key}=.*modprobe@videodev\.service.*modprobe@drm\.service")

    def test_the_user_unit_is_right(self):
        environment = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": self.folder, "HOME": self.folder}
        done = self.good("systemd-analyze", "verify", "--user", "--man=no", self.copy(USER_UNIT), env=environment)
        self.assertEqual(done.stderr, "")

    def test_the_bus_starts_what_the_units_are_called_too(self):
        for unit in (UNIT, USER_UNIT):
            self.assertIn("\nAlias=dbus-org.visaged1.service\n", text(unit))
        for bus in ("system", "session"):
            self.assertIn("\nSystemdService=dbus-org.visaged1.service\n", text(f"{SYSTEMD}/org.visaged1.{bus}.service"))
        self.assertIn('"dbus-org.visaged1.service"', text(f"{SYSTEMD}/visaged.rules"))

    def test_the_user_can_be_made(self):
        os.mkdir(f"{self.folder}/etc")
        self.good("systemd-sysusers", f"--root={self.folder}", f"{SYSTEMD}/visaged.sysusers")
        self.assertRegex(text(f"{self.folder}/etc/passwd"), r"(?m)^visaged:.*:/usr/sbin/nologin$")
        for group in ("video", "render"):
            self.assertRegex(text(f"{self.folder}/etc/group"), rf"(?m)^{group}:.*:visaged$")


class Journal(Files):
    ids = set(re.findall(r'"([0-9a-f]{32})"', text(f"{ROOT}/daemon/common/log.c")))

    def test_the_catalogue_explains_each_message(self):
        where = f"{self.folder}/usr/lib/systemd/catalog"
        os.makedirs(where)
        os.makedirs(f"{self.folder}/var/lib/systemd/catalog")
        shutil.copy(f"{SYSTEMD}/visaged.catalog", where)
        done = self.good("journalctl", f"--root={self.folder}", "--update-catalog")
        self.assertEqual(done.stderr, "")
        listed = self.good("journalctl", f"--root={self.folder}", "--list-catalog").stdout.splitlines()
        self.assertEqual({line.split()[0] for line in listed}, self.ids)

    def test_the_page_has_each_message(self):
        page = text(f"{ROOT}/docs/man/visaged.8.scd")
        self.assertEqual(set(re.findall(r"_([0-9a-f]{32})_", page)), self.ids)


def members(interface):
    """Everything of an interface that a client relies on."""
    found = set()
    for thing in [*interface.iter("property"), *interface.iter("method"), *interface.iter("signal")]:
        notes = {a.get("value") for a in thing.iter("annotation") if a.get("name").endswith(".EmitsChangedSignal")}
        arguments = tuple((a.get("name"), a.get("type"), a.get("direction")) for a in thing.iter("arg"))
        if thing.tag == "property":  # the default: changes are announced
            notes = notes or {"true"}
        found.add((thing.tag, thing.get("name"), thing.get("type"), thing.get("access"), *notes, arguments))
    return found


class Bus(Files):
    interface = xml.parse(f"{SYSTEMD}/org.visaged1.xml").find("interface")
    contract = text(f"{SYSTEMD}/org.visaged1.xml")
    page = text(f"{ROOT}/docs/man/org.visaged1.5.scd")

    def test_the_files_are_xml(self):
        for name in ("org.visaged1.xml", "org.visaged1.conf"):
            self.good("xmllint", "--noout", f"{SYSTEMD}/{name}")

    @unittest.skipUnless(os.path.exists(POLKIT_DTD), "polkit is not installed")
    def test_the_polkit_policy_is_valid(self):
        self.good("xmllint", "--noout", "--nonet", "--dtdvalid", POLKIT_DTD, f"{SYSTEMD}/org.visaged1.policy")

    def test_the_daemon_may_ask_polkit_about_others(self):
        user, = re.findall(r"(?m)^User=(.*)$", text(UNIT))
        for action in xml.parse(f"{SYSTEMD}/org.visaged1.policy").iter("action"):
            owner = action.find("annotate[@key='org.freedesktop.policykit.owner']")
            self.assertEqual(owner.text, f"unix-user:{user}", action.get("id"))

    def test_a_bus_takes_the_policy(self):
        config = f"{self.folder}/bus.conf"
        with open(config, "w") as file:
            file.write(f"<busconfig><listen>unix:dir={self.folder}</listen><auth>EXTERNAL</auth>"
                       f"<include>{SYSTEMD}/org.visaged1.conf</include></busconfig>")
        bus = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        address = bus.stdout.readline()
        bus.terminate()
        self.assertTrue(address.startswith("unix:"), bus.communicate()[1])
        bus.stdout.close()

    def test_a_bus_hands_the_daemon_no_descriptors(self):
        policy = xml.parse(f"{SYSTEMD}/org.visaged1.conf").find("policy[@context='default']")
        rules = "".join(xml.tostring(rule, encoding="unicode") for rule in policy)
        with message_bus.Bus(policy=rules) as bus, mock_daemon.MockDaemon(bus.address) as daemon:
            connection = message_bus.connection(bus.address)

            def stop(*descriptors):
                fds = message_bus.Gio.UnixFDList.new_from_array([os.dup(fd) for fd in descriptors])
                connection.call_with_unix_fd_list_sync(message_bus.NAME, message_bus.OBJECT, message_bus.INTERFACE, "Stop", None,
                                                       None, 0, 20000, fds, None)
            stop()
            with self.assertRaisesRegex(message_bus.GLib.Error, "AccessDenied"):
                stop(0)
            self.assertEqual(daemon.calls, [("Stop", ())])

    def test_the_daemon_has_the_interface_on_the_bus(self):
        bus = subprocess.Popen(["dbus-daemon", "--session", f"--address=unix:dir={self.folder}", "--nofork", "--print-address"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(lambda: (bus.terminate(), bus.communicate()))
        address = bus.stdout.readline().strip()
        daemon = subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", "--virtual-camera=y4m:/dev/null"],
                                  env={**os.environ, "DBUS_STARTER_ADDRESS": address}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (daemon.kill(), daemon.wait()))
        end = time.monotonic() + 120
        while time.monotonic() < end:
            done = run("busctl", f"--address={address}", "--xml-interface", "introspect", "org.visaged1", "/org/visaged1")
            if done.returncode == 0 or daemon.poll() is not None:
                break
            time.sleep(0.1)
        self.assertEqual(done.returncode, 0, done.stderr)
        there = next(i for i in xml.fromstring(done.stdout).iter("interface") if i.get("name") == "org.visaged1.Manager")
        self.assertEqual(members(there), members(self.interface))

    def test_the_page_has_all_of_the_interface(self):
        for thing in [*self.interface.iter("property"), *self.interface.iter("method")]:
            mark = rf"\*{thing.get('name')}\* \({re.escape(thing.get('type'))}\)" if thing.tag == "property" else \
                rf"\*{thing.get('name')}\*\("
            self.assertRegex(self.page, mark)

    def test_arguments_on_the_page_are_those_of_the_interface(self):
        for method in self.interface.iter("method"):
            inputs = ", ".join(f"{a.get('type')} {a.get('name')}" for a in method.iter("arg") if a.get("direction") == "in")
            outputs = "".join(" → " + a.get("type") for a in method.iter("arg") if a.get("direction") == "out")
            self.assertIn(f"*{method.get('name')}*({inputs}){outputs}", self.page)

    def test_errors_and_actions_are_the_same_everywhere(self):
        errors = set(re.findall(r"org\.visaged1\.Error\.(\w+)", self.contract))
        self.assertGreater(len(errors), 5)
        for error in errors:
            self.assertIn(error, self.page)
        actions = {a.get("id") for a in xml.parse(f"{SYSTEMD}/org.visaged1.policy").iter("action")}
        self.assertEqual(actions, set(re.findall(r"org\.visaged1\.(?:control|watch|configure)", self.contract)))
        self.assertEqual(actions, set(re.findall(r"\*(org\.visaged1\.(?!Error|Manager)\w+)\*", self.page)))


class Configuration(Files):
    help = run(os.environ["VISAGED"], "--help").stdout

    def keys(self):
        return re.findall(r"^  --([a-z-]+)=", self.help.split("\nAnd:")[0], flags=re.M)

    def test_the_example_has_every_key_at_its_default(self):
        example = text(EXAMPLE)
        commented = dict(re.findall(r"^#([a-z-]+) =(.*)$", example, flags=re.M))
        self.assertEqual(sorted(commented), sorted(self.keys()))
        for key, value in commented.items():
            told = re.search(rf"^  --{key}=.*(?:\n {{20,}}.*)*", self.help, flags=re.M).group()
            told = re.search(r"\[([^]]*)\]$", told)
            self.assertEqual(value.strip(), told.group(1) if told else "", key)

    def test_the_example_is_right_with_and_without_the_marks(self):
        example = text(EXAMPLE)
        for name, content in (("as-it-is", example), ("all-set", re.sub(r"^#([a-z-]+ =)", r"\1", example, flags=re.M))):
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(content)
            self.good(os.environ["VISAGED"], f"--config={self.folder}/{name}", "--check")

    def test_the_page_has_every_key(self):
        page = text(f"{BUILD}/docs/visaged.conf.5.scd").split("# KEYS")[1].split("# EXAMPLE")[0]
        self.assertEqual(sorted(re.findall(r"^\*([a-z-]+)\*$", page, flags=re.M)), sorted(self.keys()))

    def test_the_daemons_page_has_its_own_options(self):
        page = text(f"{ROOT}/docs/man/visaged.8.scd")
        for option in re.findall(r"--[a-z-]+", self.help.split("\nAnd:")[1]):
            self.assertIn(f"*{option}*", page)


EFFECTS = json.loads(run(os.environ["VISAGECTL"], "effect", "--json").stdout)


class Effects(Files):
    """All descriptions of the effects match those that the programs print."""

    def test_the_page_has_them(self):
        page = text(f"{BUILD}/docs/visaged-effects.7.scd").split("# EFFECTS\n")[1].split("\n# ")[0]
        found = re.findall(r"^\*([a-z-]+)\*\n\t(.+?)\.", page, flags=re.M)
        self.assertEqual(found, [(effect["name"], effect["shows"][0].upper() + effect["shows"][1:]) for effect in EFFECTS])
        sections = re.split(r"^\*[a-z-]+\*\n", page, flags=re.M)[1:]
        for effect, section in zip(EFFECTS, sections):
            self.assertEqual(re.findall(r"Option \*([a-z-]+)\*", section), [option["name"] for option in effect["options"]])
            for option in effect["options"]:
                self.assertIn(f"{self.range(option)}; by default {option['default']:g}): {option['sets']}.", section)
        self.assertNotIn("@", page)

    def range(self, option):
        return f"from {option['low']:g} to {option['high']:g}" + (f" {option['unit']}" if option["unit"] else "")

    def test_the_daemons_help_has_them(self):
        help = run(os.environ["VISAGED"], "--help").stdout
        for effect in EFFECTS:
            self.assertIn(f"{effect['name']}: {effect['shows']}", help)
            for option in effect["options"]:
                self.assertRegex(help, rf"--{option['name']}=N +{effect['name']}: {option['sets']};\n +a number {self.range(option)} "
                                       rf"\[{option['default']:g}\]\n")

    def test_keys_and_example_have_them(self):
        page, example = text(f"{BUILD}/docs/visaged.conf.5.scd"), text(EXAMPLE)
        for effect in EFFECTS:
            self.assertIn(f"# {effect['name']}: {effect['shows']}\n", example)
            for option in effect["options"]:
                self.assertRegex(page, rf"\*{option['name']}\*\n\tFor _{effect['name']}_: {option['sets']}, {self.range(option)}; by "
                                       rf"default {option['default']:g}\.")
                self.assertIn(f"# {effect['name']}: {option['sets']}, {self.range(option)}\n#{option['name']} = {option['default']:g}\n",
                              example)

    def test_their_ranges_are_kept(self):
        for effect in EFFECTS:
            for option in effect["options"]:
                for value, good in ((option["low"], True), (option["high"], True), (option["low"] - 0.01, False),
                                    (option["high"] + 0.01, False), ("nan", False)):
                    done = run(os.environ["VISAGED"], "--config=/dev/null", "--check", f"--{option['name']}={value}")
                    self.assertEqual(done.returncode, 0 if good else 2, (option, value))
                    self.assertIn("" if good else f"must be a number {self.range(option)}", done.stderr)


def tool_help(*command):
    return run(os.environ["VISAGECTL"], *command, "--help").stdout


COMMANDS = re.findall(r"^  (\w+)", tool_help().split("Commands:")[1], flags=re.M)


def options(command):
    """The long options in the command's help."""
    found = set()
    for line in tool_help(command).splitlines():
        if re.match(r"\s+-", line):
            found |= set(re.findall(r"--[a-z0-9]+", re.split(r"\s{2,}(?=[^-\s])|  \[", line.strip())[0]))
    return found | {"--help"}


class Tool(Files):
    def test_the_page_has_every_command_and_option(self):
        page = text(f"{ROOT}/docs/man/visagectl.1.scd")
        self.assertGreater(len(COMMANDS), 3)
        for command in COMMANDS:
            self.assertRegex(page, rf"(?m)^(\*{command}\*|## {command} |\*.*, \*{command}\*|\*{command} )")
            for option in options(command):
                self.assertIn(option + "*", page, command)

    def complete(self, shell, line):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        if shell == "bash":
            words = line.split(" ")
            script = ('. /usr/share/bash-completion/bash_completion; . "$1"; shift; COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; '
                      'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; '
                      '_visagectl; printf "%s\\n" "${COMPREPLY[@]}"')
            out = self.good("bash", "-c", script, "bash", f"{BUILD}/docs/visagectl", *words).stdout
        else:
            out = self.good("fish", "--no-config", "-c", f'source {BUILD}/docs/visagectl.fish; complete -C "{line}"',
                            env={"PATH": "/usr/bin:/bin", "HOME": self.folder}).stdout
        return {word.split("\t")[0].rstrip("=") for word in out.splitlines() if word}

    def check(self, shell):
        self.assertLessEqual(set(COMMANDS), self.complete(shell, "visagectl "))
        for command in COMMANDS:
            offered = self.complete(shell, f"visagectl {command} --")
            self.assertEqual(offered, options(command), command)
        names = {effect["name"] for effect in EFFECTS}
        self.assertEqual(self.complete(shell, "visagectl effect "), names)
        self.assertEqual(self.complete(shell, "visagectl effect --user "), names)
        self.assertEqual(self.complete(shell, "visagectl effect blur+"), {f"blur+{name}" for name in names})
        self.assertEqual(self.complete(shell, "visagectl effect blur+ov"), {"blur+overlay"})
        for effect in EFFECTS:
            self.assertEqual(self.complete(shell, f"visagectl effect {effect['name']} "), {o["name"] for o in effect["options"]})
        self.assertEqual(self.complete(shell, "visagectl effect --user overlay+blur opacity=1 "), {"opacity", "strength"})
        self.assertEqual(self.complete(shell, "visagectl set mode "), {"smooth", "exact"})
        self.assertEqual(self.complete(shell, "visagectl set "), {"camera", "model", "gpu", "mode"})
        self.assertEqual(self.complete(shell, "visagectl hold visagectl set --system mode "), {"smooth", "exact"})

    def test_bash_completes_what_there_is(self):
        if not os.path.exists("/usr/share/bash-completion/bash_completion"):
            self.skipTest("bash-completion is not installed")
        self.check("bash")

    def test_fish_completes_what_there_is(self):
        self.check("fish")

    def test_zsh_completes_what_there_is(self):
        path = f"{BUILD}/docs/_visagectl"
        if shutil.which("zsh"):
            self.good("zsh", "-n", path)
        script = text(path)
        self.assertEqual(script.split("\neffects=(")[1].split(")")[0].split(), [effect["name"] for effect in EFFECTS])
        self.assertEqual(re.findall(r"\w+(?==)", script.split("\nsettings=(")[1].split("\n)")[0]),
                         [option["name"] for effect in EFFECTS for option in effect["options"]])
        engine = set(re.findall(r"--[a-z0-9]+", script.split("engine=(")[1].split("\n)")[0]))
        for command in COMMANDS:
            self.assertRegex(script, rf"(?m)^ +'{command}:")
            case = re.search(rf"(?m)^ +(?:[a-z|]*\|)?{command}(?:\|[a-z|]*)?\)((?:.*\n)*?.*);;", script).group(1)
            offered = set(re.findall(r"--[a-z0-9]+", case)) | {"--help"}
            offered |= {"--json"} if "$json" in case else set()
            offered |= engine if "$engine" in case else set()
            offered |= {"--user", "--system"} if "$bus" in case else set()
            self.assertEqual(offered, options(command), command)


@unittest.skipUnless(os.path.exists(f"{BUILD}/docs/visaged.8"), "scdoc is not installed")
class Pages(Files):
    def test_they_format_without_a_warning(self):
        for page in ("visagectl.1", "visaged.conf.5", "org.visaged1.5", "visaged-effects.7", "visaged.8"):
            done = self.good("man", "--warnings", "-l", f"{BUILD}/docs/{page}",
                             env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
            self.assertEqual(done.stderr, "", page)
            self.assertIn("SEE ALSO", done.stdout)


class Examples(Files):
    def blocks(self, language):
        found = re.findall(rf"^```{language}\n(.*?)^```", text(f"{ROOT}/docs/KIOSKS.md"), flags=re.M | re.S)
        self.assertTrue(found, language)
        for number, block in enumerate(found):
            path = f"{self.folder}/example{number}.{language}"
            with open(path, "w") as file:
                file.write(block)
            yield path, block

    def uses(self, block, call):
        for method in re.findall(call, block):
            self.assertIn(method, [m.get("name") for m in Bus.interface.iter("method")])

    def test_c(self):
        for path, block in self.blocks("c"):
            self.good("gcc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", path)
            self.uses(block, r'"org.visaged1.Manager", "(\w+)"')

    def lines(self, *faces):
        """The lines of a subscription: the first one, and one for each list of faces."""
        first = {"version": 2, "fields": ["sequence", "face", "faces", "dropped"], "face_fields": ["id"], "dropped": 0}
        return [first] + [{"sequence": n, "face": bool(there), "faces": there, "dropped": 0} for n, there in enumerate(faces)]

    def test_the_c_tells_who_speaks(self):
        """It reports each face once, and none whose mouth is unknown."""
        path, _ = next(self.blocks("c"))
        libraries = self.good("pkg-config", "--cflags", "--libs", "libsystemd", "jansson").stdout.split()
        self.good("gcc", path, "-o", f"{self.folder}/watch", *libraries)
        with message_bus.Bus() as bus, mock_daemon.MockDaemon(bus.address) as daemon, \
                subprocess.Popen([f"{self.folder}/watch"], env={"DBUS_SYSTEM_BUS_ADDRESS": bus.address},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as kiosk:
            try:
                self.wait_for_call(daemon)
                for line in self.lines([], [{"id": 3, "mouth_open": True}], [{"id": 3, "mouth_open": True}],
                                       [{"id": 3, "mouth_open": None}], [{"id": 3, "mouth_open": False}],
                                       [{"id": 3, "mouth_open": False}, {"id": 7, "mouth_open": True}]):
                    os.write(daemon.pipes[0], json.dumps(line).encode() + b"\n")
                self.assertEqual([self.line(kiosk.stdout) for _ in range(2)], [b"face 3 speaks\n", b"face 7 speaks\n"])
            finally:
                kiosk.kill()

    def test_python(self):
        for path, block in self.blocks("python"):
            self.good("/usr/bin/python3", "-c", "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')", path)
            self.uses(block, r"manager\.(\w+)\(")

    def wait_for_call(self, daemon):
        for _ in range(600):
            if daemon.calls:
                break
            time.sleep(0.1)
        self.assertIn(("Subscribe", ()), daemon.calls)

    def line(self, said):
        ready, _, _ = select.select([said], [], [], 60)
        return said.readline() if ready else None

    def says(self, said, *lines):
        self.assertEqual([self.line(said) for _ in lines], [f"{line}\n".encode() for line in lines])

    def tell(self, daemon, faces):
        """The daemon announces faces."""
        self.wait_for_call(daemon)
        variant = mock_daemon.GLib.Variant("aa{sv}", [mock_daemon.variant(face) for face in faces])
        daemon.connection.emit_signal(None, mock_daemon.OBJECT, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                      mock_daemon.GLib.Variant("(sa{sv}as)", (mock_daemon.INTERFACE, {"Faces": variant}, [])))
        daemon.connection.flush_sync()

    @unittest.skipIf(subprocess.run(["/usr/bin/python3", "-c", "import dbus"], stderr=subprocess.DEVNULL).returncode, "no python3-dbus")
    def test_the_python_outlives_the_daemon(self):
        path, _ = next(self.blocks("python"))
        with message_bus.Bus() as bus, mock_daemon.MockDaemon(bus.address) as first, \
                subprocess.Popen(["/usr/bin/python3", path], env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as kiosk:
            try:
                self.says(kiosk.stdout, "good day, number 3", "good day, number 7")
                self.tell(first, [{"id": 7}])
                self.says(kiosk.stdout, "good bye, number 3")
                self.tell(first, [{"id": 7}, {"id": 8, "glasses": True}])
                self.says(kiosk.stdout, "good day, number 8, with the glasses")
                first.stop()
                self.says(kiosk.stdout, "good bye, number 7", "good bye, number 8")
                with mock_daemon.MockDaemon(bus.address) as second:
                    self.says(kiosk.stdout, "good day, number 3", "good day, number 7")
                    self.tell(second, [])
                    self.says(kiosk.stdout, "good bye, number 3", "good bye, number 7")
            finally:
                kiosk.kill()

    def test_shell(self):
        for path, block in self.blocks("sh"):
            self.good("bash", "-n", path)
            self.uses(block, r"busctl call \S+ \S+ \S+ (\w+)")

    @unittest.skipUnless(shutil.which("jq"), "no jq")
    def test_the_shell_tells_of_faces_when_they_come(self):
        there = [[], [{"id": 3, "glasses": True}], [{"id": 3, "glasses": True}, {"id": 7, "glasses": None}], [], [{"id": 8, "glasses": True}]]
        with open(f"{self.folder}/visagectl", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write(f"#!/bin/sh\ncat {self.folder}/lines; exec sleep 600\n")
        with open(f"{self.folder}/lines", "w") as file:
            for line in self.lines(*there):
                print(json.dumps(line), file=file)
        blocks = self.blocks("sh")
        for said in (["3", "8"], ["good bye", "good day", "good bye", "good day"]):
            _, block = next(blocks)
            with subprocess.Popen(["bash", "-c", block], env={"PATH": f"{self.folder}:/usr/bin:/bin"}, stdout=subprocess.PIPE,
                                  bufsize=0, stdin=subprocess.DEVNULL, start_new_session=True) as child:
                try:
                    self.says(child.stdout, *said)
                finally:
                    os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
