#!/usr/bin/python3
"""The software Vulkan drivers that every machine can run, as environments for a child process.

tests/run puts SwiftShader's ICD file into VISAGED_SWIFTSHADER; lavapipe is Mesa's, from the system, or that of the
ICD file in VISAGED_LAVAPIPE.
"""
import glob
import os
import sys

LAVAPIPE = "lavapipe"
SWIFTSHADER = "swiftshader"


class Missing(Exception):
    """The driver is not on this machine; the text says why."""


def icd(driver):
    """The path of the driver's ICD file."""
    if driver == SWIFTSHADER:
        path = os.environ.get("VISAGED_SWIFTSHADER", "")
        if not path:
            raise Missing("VISAGED_SWIFTSHADER does not name SwiftShader's ICD file (tests/run sets it)")
        if not os.path.exists(path):
            raise Missing(f"VISAGED_SWIFTSHADER: {path} does not exist")
        return path
    if "VISAGED_LAVAPIPE" in os.environ:
        return os.environ["VISAGED_LAVAPIPE"]
    found = sorted(glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json") + glob.glob("/etc/vulkan/icd.d/lvp_icd*.json"))
    if not found:
        raise Missing("lavapipe is not installed (mesa-vulkan-drivers)")
    return found[0]


def environment(driver, validate=False):
    """os.environ with this driver as the only one."""
    env = dict(os.environ)
    env["VK_ICD_FILENAMES"] = env["VK_DRIVER_FILES"] = icd(driver)
    for name in ("VISAGED_VALIDATE", "VK_INSTANCE_LAYERS", "VK_LAYER_ENABLES"):
        env.pop(name, None)
    if validate:
        env["VISAGED_VALIDATE"] = "1"
    if "VISAGED_KEEP_LOADED" in env:  # the leak checker's, see keep-loaded.c
        env["LD_PRELOAD"] = env["VISAGED_KEEP_LOADED"]
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return env


def main():
    """drivers.py DRIVER PROGRAM...: becomes the program, with this driver as the only one; status 77 when it is missing."""
    try:
        env = environment(sys.argv[1], bool(os.environ.get("VISAGED_VALIDATE")))
    except Missing as e:
        print(f"1..0 # SKIP {e}")
        return 77
    os.execvpe(sys.argv[2], sys.argv[2:], env)


if __name__ == "__main__":
    sys.exit(main())
