#!/usr/bin/python3
"""The parameters of every compiled kernel lie where C puts them.

Reads the SPIR-V that was built, finds the structs of glsl/*-params.h in it, and has a C compiler assert that each member has
the same offset there.  Arguments: the headers NAME.kernel.h, beside which the SPIR-V lies.  Environment: SOURCE (the project's root), CC.
"""
import collections
import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.environ["SOURCE"]
FOLDER = os.path.join(ROOT, "shaders", "glsl")
HEADERS = sorted(name for name in os.listdir(FOLDER) if name.endswith("params.h"))
FILES = [path for a in sys.argv[1:] for path in glob.glob(a.removesuffix("kernel.h") + "*.spv")]
sys.argv[1:] = []


def structs(text):
    """{name: {member: offset}} of the structs in disassembled SPIR-V that have a layout."""
    names = dict(re.findall(r'OpName (%\w+) "(\w+)"', text))
    members, offsets = collections.defaultdict(dict), collections.defaultdict(dict)
    for struct, index, name in re.findall(r'OpMemberName (%\w+) (\d+) "(\w+)"', text):
        members[struct][index] = name
    for struct, index, offset in re.findall(r"OpMemberDecorate (%\w+) (\d+) Offset (\d+)", text):
        offsets[struct][members[struct][index]] = int(offset)
    return {names[s]: o for s, o in offsets.items() if names.get(s, "").endswith("_params")}


def declared():
    """The structs that the headers declare, and those among them that are push constants."""
    text = "".join(open(os.path.join(FOLDER, name)).read() for name in HEADERS)
    return set(re.findall(r"^struct (\w+_params) \{", text, re.M)), set(re.findall(r"^CHECK_PUSH_CONSTANTS\((\w+)\)", text, re.M))


def compile_c(asserts):
    """The compiler's messages; empty if all assertions hold."""
    source = "#include <stddef.h>\n" + "".join(f'#include "shaders/glsl/{name}"\n' for name in HEADERS) + "\n".join(asserts)
    done = subprocess.run([*os.environ.get("CC", "cc").split(), "-std=gnu11", "-fsyntax-only", "-I", ROOT, "-x", "c", "-"], input=source,
                          capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def offset_assert(struct, member, offset):
    return f'_Static_assert(offsetof(struct {struct}, {member}) == {offset}, "{struct}.{member} is at {offset} in the kernel");'


class Params(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernels = {}
        assert FILES
        for path in FILES:
            text = subprocess.run(["spirv-dis", "--no-color", path], check=True, capture_output=True, text=True).stdout
            cls.kernels[os.path.basename(path)] = text

    def test_members_lie_where_c_puts_them(self):
        seen = set()
        for name, text in self.kernels.items():
            found = structs(text)
            seen |= set(found)
            with self.subTest(name):
                self.assertEqual(compile_c(offset_assert(s, m, o) for s, members in found.items() for m, o in members.items()), "")
        self.assertEqual(declared()[0] - seen, set(), "declared, and in no kernel")

    def test_kernels_take_declared_push_constants(self):
        for name, text in self.kernels.items():
            with self.subTest(name):
                block = re.search(r"OpVariable %_ptr_PushConstant_(\w+) PushConstant", text)
                if not block or block[1] != "Push":
                    continue
                inner = re.search(r"%Push = OpTypeStruct (%\w+)$", text, re.M)
                self.assertIsNotNone(inner)
                struct = dict(re.findall(r'OpName (%\w+) "(\w+)"', text))[inner[1]]
                self.assertIn(struct, declared()[1])

    def test_a_mismatch_fails(self):
        self.assertEqual(compile_c([offset_assert("map_params", "stride", 4)]), "")
        self.assertIn("map_params.stride is at 8", compile_c([offset_assert("map_params", "stride", 8)]))
        self.assertIn("map_params", compile_c([offset_assert("map_params", "gone", 0)]))


if __name__ == "__main__":
    unittest.main()
