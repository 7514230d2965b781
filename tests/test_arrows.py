"""Which folder uses which is what the table of docs/ARCHITECTURE.md says, and no two files call each other in a circle.

A folder uses another if it includes one of its headers, or calls one of its functions (from nm).

Environment: SOURCE (the project's root), VISAGED_BUILD (the build folder).
"""
import glob
import graphlib
import os
import re
import subprocess
import unittest

SOURCE, BUILD = os.environ["SOURCE"], os.environ["VISAGED_BUILD"]
COMPONENTS = ("daemon", "model", "shaders", "v4l2")
# Folders whose functions are declared in the headers of the folder above: nobody outside that knows them.
HIDDEN = ("shaders/ops", "shaders/vk", "v4l2/capture", "v4l2/output")
# What only one component may contain.
CONFINED = {r"#include [<\"]vulkan/": "shaders/", r"\bx?ioctl\(": "v4l2/"}


def sources():
    """Path -> text"""
    found = {}
    for kind in ("c", "h", "comp", "glsl"):
        for component in COMPONENTS:
            for path in glob.glob(f"{SOURCE}/{component}/**/*.{kind}", recursive=True):
                with open(path, encoding="utf-8") as file:
                    found[os.path.relpath(path, SOURCE)] = file.read()
    return found


def calls():
    """File -> files that define what it uses"""
    paths = [path for component in COMPONENTS for path in glob.glob(f"{BUILD}/{component}/**/*.c.o", recursive=True)]
    lines = subprocess.run(["nm", "-gA", *paths], check=True, capture_output=True, text=True).stdout.splitlines()
    owner, users = {}, []
    for line in lines:
        path, _, rest = line.partition(":")
        *_, kind, symbol = rest.split()
        # daemon/bus/libbus.a.p/bus.c.o, daemon/visagectl.p/visagectl_command.c.o
        name = re.sub(r"[^/]+\.p/", "", os.path.relpath(path, BUILD)).replace("_", "/").removesuffix(".o")
        if kind in "TDBRC":
            owner[symbol] = name
        elif kind == "U":
            users.append((name, symbol))
    found = {name: set() for name in owner.values()}
    for name, symbol in users:
        if symbol in owner and owner[symbol] != name:
            found.setdefault(name, set()).add(owner[symbol])
    return found


def inclusions(texts):
    """File -> headers of other folders"""
    return {path: {header for header in re.findall(r'^#include "(.+)"', text, re.M) if "/" in header} for path, text in texts.items()}


def arrows(*graphs):
    """Folder -> folders that it uses, from graphs of files"""
    found = {}
    for path, others in (item for graph in graphs for item in graph.items()):
        user = os.path.dirname(path)
        for folder in map(os.path.dirname, others):
            if folder in HIDDEN and not user.startswith(folder.split("/")[0]):
                folder = os.path.dirname(folder)
            if folder != user:
                found.setdefault(user, set()).add(folder)
    return found


def allowed():
    """Folder -> folders that it may use: the last column of the table"""
    with open(f"{SOURCE}/docs/ARCHITECTURE.md", encoding="utf-8") as file:
        rows = re.findall(r"^\| `(\S+)/` \| .* \| (.*) \|$", file.read(), re.M)
    return {folder: set(re.findall(r"`(\S+)/`", uses)) for folder, uses in rows if "`" in uses}


def strays(texts):
    """Files that contain what is confined to another component"""
    return {path for path, text in texts.items() for pattern, component in CONFINED.items()
            if not path.startswith(component) and re.search(pattern, text)}


def links():
    """Folder -> folders of the libraries on its link line"""
    home, lines = {"kernels": "shaders/glsl"}, []
    for component in COMPONENTS:
        for path in glob.glob(f"{SOURCE}/{component}/**/meson.build", recursive=True):
            with open(path, encoding="utf-8") as file:
                for name, target, text in re.findall(r"^(\w+) = (\w+)\((.*(?:\n .*)*)", file.read(), re.M):
                    folder = os.path.relpath(os.path.dirname(path), SOURCE)
                    home[name] = folder
                    if target in ("static_library", "executable"):
                        first = re.search(r"'([^']+)/[^']+\.c'", text)
                        lines.append((folder + "/" + first[1] if first else folder, re.findall(r"\b(\w+_dep|kernels)\b", text)))
    found = {}
    for folder, names in lines:
        found.setdefault(folder, set()).update({home[name] for name in names} - {folder})
    return found


class Arrows(unittest.TestCase):
    maxDiff = None

    def test_folders_use_what_the_table_says(self):
        self.assertEqual(arrows(inclusions(sources()), calls()), allowed())

    def test_what_is_linked_is_in_the_table(self):
        for folder, linked in links().items():
            self.assertLessEqual(linked, allowed().get(folder, set()), folder)

    def test_what_is_in_the_table_is_linked(self):
        linked = links()
        for folder, uses in allowed().items():
            reached, ahead = set(), [folder]
            while ahead:
                reached.update(more := linked.get(ahead.pop(), set()) - reached)
                ahead += more
            # The headers of the folder above are no library.
            self.assertLessEqual({used for used in uses if not folder.startswith(used + "/")}, reached, folder)

    def test_vulkan_and_ioctls_stay_where_they_belong(self):
        self.assertEqual(strays(sources()), set())

    def test_c_includes_are_paths_from_the_root(self):
        for path, text in sources().items():
            if path.endswith(".c"):
                self.assertEqual(re.findall(r'^#include "[^/]+"', text, re.M), [], path)

    def test_no_circle(self):
        found = calls()
        self.assertGreater(len(found), 100)
        graphlib.TopologicalSorter(found).prepare()  # CycleError has the circle


class Planted(unittest.TestCase):
    """What the tests above are to find"""

    def test_an_arrow(self):
        self.assertEqual(arrows(inclusions({"v4l2/frame.c": '#include "shaders/gpu.h"\n'})), {"v4l2": {"shaders"}})
        self.assertEqual(arrows({"model/parser.c": {"shaders/vk/queue.c"}}), {"model": {"shaders"}})
        self.assertEqual(arrows({"shaders/vk/queue.c": {"shaders/ops/conv.c"}}), {"shaders/vk": {"shaders/ops"}})
        self.assertNotIn("shaders", allowed()["v4l2"])

    def test_a_stray(self):
        planted = {"model/parser.c": "#include <vulkan/vulkan.h>\n", "daemon/bus/bus.c": "if (ioctl(fd, 0))\n",
                   "shaders/vk/device.c": "return xioctl(fd, 0);", "v4l2/sink.c": "xioctl(fd, 0);", "shaders/vk/vk.h": "#include <vulkan/vulkan.h>"}
        self.assertEqual(strays(planted), {"model/parser.c", "daemon/bus/bus.c", "shaders/vk/device.c"})

    def test_a_circle(self):
        with self.assertRaises(graphlib.CycleError):
            graphlib.TopologicalSorter({"a.c": {"b.c"}, "b.c": {"a.c"}}).prepare()


if __name__ == "__main__":
    unittest.main()
