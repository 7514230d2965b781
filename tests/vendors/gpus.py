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
    """name: for people. driver: of DRIVERS. family: for the driver."""
    name: str
    driver: str
    family: str


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
    Gpu("Radeon RX 580", "amd", "polaris10"),
    Gpu("Radeon RX Vega 64", "amd", "vega10"),
    Gpu("Ryzen 4000", "amd", "renoir"),
    Gpu("Radeon RX 5700", "amd", "navi10"),
    Gpu("Radeon RX 6800", "amd", "navi21"),
    Gpu("Radeon RX 7900", "amd", "gfx1100"),
    Gpu("HD Graphics 530", "intel", "skl"),
    Gpu("Iris Xe", "intel", "tgl"),
    Gpu("Arc A770", "intel", "dg2"),
    Gpu("Lunar Lake", "intel 25", "lnl"),
    Gpu("Raspberry Pi 4", "broadcom", "42"),
    Gpu("Raspberry Pi 5", "broadcom", "71"),
    Gpu("Adreno 630", "qualcomm", "630"),
    Gpu("Adreno 740", "qualcomm", "740"),
    Gpu("Mali-G52", "arm", "0x7212"),
    Gpu("Mali-G610", "arm", "0xa867"),
)

INTEL = {"width": "subgroup", "instructions": "Instruction Count", "spills": "Spill Count", "cycles": "Cycle Count"}
DRIVERS = {
    "amd": Driver(f"{DEBIAN}/radeon_icd", "RADV_FORCE_FAMILY", {
        "width": "subgroup", "instructions": "Instructions", "registers": "VGPRs", "spills": "Spilled VGPRs",
        "waves": "Subgroups per SIMD", "cycles": "Inverse Throughput"}, ("waves", 4)),
    "intel": Driver(f"{DEBIAN}/intel_icd", "INTEL_STUB_GPU_PLATFORM", INTEL, ("width", 16), "libintel_noop_drm_shim.so"),
    # Debian 12's does not know all GPUs.
    "intel 25": Driver("intel_icd", "INTEL_STUB_GPU_PLATFORM", INTEL, ("width", 16), "libintel_noop_drm_shim.so"),
    # "Spill Size" is the memory of a QPU thread (16 invocations) in bytes: for registers and for arrays alike.
    "broadcom": Driver("broadcom_icd", "V3D_GPU_VERSION", {
        "instructions": "Instruction Count", "spills": "Spill Size", "waves": "Thread Count"}, ("waves", 2), "libv3d_noop_drm_shim.so"),
    # STP is a store to an invocation's own memory.
    "qualcomm": Driver("freedreno_icd", "FD_GPU_ID", {
        "width": "subgroup", "instructions": "Instruction Count", "registers": "Registers used", "spills": "STP Count",
        "waves": "Max Waves Per Core"}, ("waves", 4), "libfreedreno_noop_drm_shim.so"),
    # Through Vulkan it tells the code's size only; the rest are its notes for shader-db (see compiled()).
    "arm": Driver("panfrost_icd", "PAN_GPU_ID", {
        "instructions": "inst", "spills": "spills", "waves": "threads", "cycles": "cycles", "bytes": "Code Size"}, ("waves", 1),
        "libpanfrost_noop_drm_shim.so", {"PAN_I_WANT_A_BROKEN_VULKAN_DRIVER": "1", "BIFROST_MESA_DEBUG": "shaderdb"}),
}


class Missing(Exception):
    """The compiler of this GPU is not on this machine; the text says why."""


def environment(gpu):
    """os.environ with this GPU as the only one."""
    driver = DRIVERS[gpu.driver]
    folder = os.environ.get("VISAGED_DRM_SHIM", "")
    if driver.stub and not folder:
        raise Missing("VISAGED_DRM_SHIM does not name the folder of kernel drivers' stubs (tests/run --long builds it)")
    found = glob.glob(os.path.join(folder, driver.icd + ".*json"))  # Debian's name contains the architecture
    if not found:
        raise Missing(f"{driver.icd} is missing (mesa-vulkan-drivers, or tests/vendors/drm-shim)")
    env = {**os.environ, **driver.more, driver.variable: gpu.family, "VK_ICD_FILENAMES": found[0], "VK_DRIVER_FILES": found[0],
           "MESA_SHADER_CACHE_DISABLE": "1"}
    if driver.stub:
        env["LD_PRELOAD"] = os.path.join(folder, driver.stub)
    return env


def shader_db(line):
    """{"inst": 66.0, "spills": 0.0} of "SHADER-DB: ... 66 inst, ... 0:0 spills:fills"."""
    values = {name: float(value) for value, name in re.findall(r"([\d.]+) (\w+)", line)}
    values["spills"] = float(re.search(r"(\d+):\d+ spills", line)[1])
    return values


def compiled(program, gpu, lines):
    """(what the driver calls itself, for each line of compile-stats.c a dictionary of statistics). Of several executables, such
    as one for each SIMD width, the widest counts."""
    done = subprocess.run([program], input="\n".join(lines) + "\n", env=environment(gpu), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{gpu.name}: {done.stdout[-2000:]}")
    objects, noted = [], {}
    for line in done.stdout.splitlines():
        if line.startswith("SHADER-DB: "):
            noted = shader_db(line)
        elif line.startswith("{"):
            objects.append((json.loads(line), noted))
            noted = {}
    (device, _), *results = objects
    found = []
    for result, noted in results:
        widest = max(result["executables"], key=lambda executable: executable["subgroup"])
        values = {**widest, **noted}
        found.append({name: math.ceil(values[own]) for name, own in DRIVERS[gpu.driver].statistics.items()})
    return device["driver"], found
