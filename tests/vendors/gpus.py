"""GPUs that need not be present: their drivers can compile for them anyway.

AMD's driver can do so by itself. The others need stubs of their kernel drivers, which drm-shim builds, with the Vulkan drivers
that Debian 12 lacks; VISAGED_DRM_SHIM names their folder.
"""
import glob
import json
import math
import os
import re
import subprocess
from typing import NamedTuple

DEBIAN = "/usr/share/vulkan/icd.d"


class Gpu(NamedTuple):
    """name: for people. driver: of DRIVERS. family: for the driver. renamed: what Debian 13's calls the family."""
    name: str
    driver: str
    family: str
    renamed: str = ""


class Driver(NamedTuple):
    """icd: its manifest, Debian's or in drm-shim's folder. variable: sets the family. statistics: our name -> the driver's.
    least: of one statistic. stub: of the kernel driver. more: variables."""
    icd: str
    variable: str
    statistics: dict
    least: tuple
    stub: str = ""
    more: dict = {}


GPUS = (
    Gpu("Radeon RX 580", "AMD", "polaris10"),
    Gpu("Radeon RX Vega 64", "AMD", "vega10"),
    Gpu("Ryzen 4000", "AMD", "renoir"),
    Gpu("Radeon RX 5700", "AMD", "navi10"),
    Gpu("Radeon RX 6800", "AMD", "navi21"),
    Gpu("Radeon RX 7900", "AMD", "gfx1100", "navi31"),
    Gpu("HD Graphics 530", "Intel", "skl"),
    Gpu("Iris Xe", "Intel", "tgl"),
    Gpu("Arc A770", "Intel", "dg2"),
    Gpu("Lunar Lake", "Intel 25", "lnl"),
    Gpu("Raspberry Pi 4", "Broadcom", "42"),
    Gpu("Raspberry Pi 5", "Broadcom", "71"),
    Gpu("Adreno 630", "Qualcomm", "630"),
    Gpu("Adreno 740", "Qualcomm", "740"),
    Gpu("Mali-G52", "Arm", "0x7212"),
    Gpu("Mali-G610", "Arm", "0xa867"),
)

INTEL = {"width": "subgroup", "instructions": "Instruction Count", "spills": "Spill Count", "scratch": "Scratch Memory Size",
         "cycles": "Cycle Count"}
DRIVERS = {
    "AMD": Driver(f"{DEBIAN}/radeon_icd", "RADV_FORCE_FAMILY", {
        "width": "subgroup", "instructions": "Instructions", "registers": "VGPRs", "spills": "Spilled VGPRs",
        "scratch": "Scratch size", "waves": "Subgroups per SIMD", "cycles": "Inverse Throughput"}, ("waves", 4)),
    "Intel": Driver(f"{DEBIAN}/intel_icd", "INTEL_STUB_GPU_PLATFORM", INTEL, ("width", 16), "libintel_noop_drm_shim.so"),
    # Debian 12's does not know all GPUs.
    "Intel 25": Driver("intel_icd", "INTEL_STUB_GPU_PLATFORM", INTEL, ("width", 16), "libintel_noop_drm_shim.so"),
    # Some drivers tell Vulkan little, and Mesa's shader-db more (see noted()). "Spill Size" is also the memory of arrays.
    "Broadcom": Driver("broadcom_icd", "V3D_GPU_VERSION", {
        "instructions": "Instruction Count", "registers": "max-temps", "spills": "spills", "scratch": "Spill Size",
        "waves": "Thread Count"}, ("waves", 2), "libv3d_noop_drm_shim.so", {"V3D_DEBUG": "shaderdb"}),
    # STP is a store to an invocation's own memory: of a register or of an array.
    "Qualcomm": Driver("freedreno_icd", "FD_GPU_ID", {
        "width": "subgroup", "instructions": "Instruction Count", "registers": "Registers used", "spills": "STP Count",
        "waves": "Max Waves Per Core"}, ("waves", 4), "libfreedreno_noop_drm_shim.so"),
    "Arm": Driver("panfrost_icd", "PAN_GPU_ID", {
        "instructions": "inst", "spills": "spills", "scratch": "scratch", "waves": "threads", "cycles": "cycles", "bytes": "Code Size"},
        ("waves", 1), "libpanfrost_noop_drm_shim.so",
        {"PAN_I_WANT_A_BROKEN_VULKAN_DRIVER": "1", "BIFROST_MESA_DEBUG": "shaderdb,shaders"}),
}


class Missing(Exception):
    """The compiler of this GPU is not on this machine; the text says why."""


def environment(gpu):
    """os.environ with this GPU as the only one."""
    driver = DRIVERS[gpu.driver]
    folder = os.environ.get("VISAGED_DRM_SHIM", "")
    if driver.stub and not os.path.exists(os.path.join(folder, driver.stub)):
        raise Missing("VISAGED_DRM_SHIM does not name the folder of kernel drivers' stubs (tests/run --long builds it)")
    found = glob.glob(os.path.join(folder, driver.icd + ".*json"))  # Debian's name contains the architecture
    if not found:
        raise Missing(f"{driver.icd} is missing (mesa-vulkan-drivers, or tests/vendors/drm-shim)")
    env = {**os.environ, **driver.more, driver.variable: gpu.family, "VK_ICD_FILENAMES": found[0], "VK_DRIVER_FILES": found[0],
           "MESA_SHADER_CACHE_DISABLE": "1"}
    if driver.stub:
        env["LD_PRELOAD"] = os.path.join(folder, driver.stub)
    return env


def noted(lines):
    """{"inst": 66.0, "spills": 0.0, "scratch": 0.0}, of what a driver prints about a kernel: at last "SHADER-DB... 66 inst, ... 0:0
    spills:fills"; "scratch: 48" before, if it has any."""
    values = {"scratch": 0.0}
    for line in lines:
        if line.startswith("scratch: "):
            values["scratch"] = float(line.split()[1])
        elif line.startswith("SHADER-DB"):
            values.update((name, float(value)) for value, name in re.findall(r"([\d.]+) ([\w-]+)", line))
            values["spills"] = float(re.search(r"(\d+):\d+ spills", line)[1])
    return values


def compiled(program, gpu, lines):
    """(what the driver calls itself, for each line of compile-stats.c a dictionary of statistics, or None where the
    device cannot run the kernel). Of several executables, such
    as one for each SIMD width, the widest counts."""
    for family in filter(None, (gpu.family, gpu.renamed)):
        done = subprocess.run([program], input="\n".join(lines) + "\n", env=environment(gpu._replace(family=family)),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if "Unknown family" not in done.stdout:
            break
    if done.returncode:
        raise RuntimeError(f"{gpu.name}: {done.stdout[-2000:]}")
    objects, before = [], []
    for line in done.stdout.splitlines():
        if line.startswith('{"'):
            objects.append((json.loads(line), noted(before)))
            before = []
        else:
            before.append(line)
    (device, _), *results = objects
    found = []
    for result, notes in results:
        if not result["executables"]:
            found.append(None)
            continue
        widest = max(result["executables"], key=lambda executable: executable["subgroup"])
        values = {**notes, **widest}
        found.append({name: math.ceil(values[own]) for name, own in DRIVERS[gpu.driver].statistics.items()})
    return device["driver"], found
