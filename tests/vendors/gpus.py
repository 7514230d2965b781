"""GPUs that need not be present: their drivers can compile for them anyway.

AMD's driver can do so by itself. Intel's needs a stub of its kernel driver, which drm-shim builds; VISAGED_DRM_SHIM
names it.
"""
import json
import os
import subprocess
from typing import NamedTuple

ICDS = "/usr/share/vulkan/icd.d"


class Gpu(NamedTuple):
    """name: for people. family: for the driver."""
    name: str
    vendor: str
    family: str


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
)

# The driver's ICD, the variable that sets the family, and its statistics: our name -> the driver's name.
VENDORS = {
    "amd": ("radeon_icd", "RADV_FORCE_FAMILY", {
        "instructions": "Instructions", "registers": "VGPRs", "spills": "Spilled VGPRs", "waves": "Subgroups per SIMD",
        "cycles": "Inverse Throughput"}),
    "intel": ("intel_icd", "INTEL_STUB_GPU_PLATFORM", {
        "instructions": "Instruction Count", "spills": "Spill Count", "cycles": "Cycle Count"}),
}


class Missing(Exception):
    """The compiler of this GPU is not on this machine; the text says why."""


def environment(gpu):
    """os.environ with this GPU as the only one."""
    icd, variable, _ = VENDORS[gpu.vendor]
    found = [name for name in os.listdir(ICDS) if name.startswith(icd + ".")] if os.path.isdir(ICDS) else []
    if not found:
        raise Missing(f"{icd} is not installed (mesa-vulkan-drivers)")
    env = {**os.environ, variable: gpu.family, "VK_ICD_FILENAMES": f"{ICDS}/{found[0]}", "VK_DRIVER_FILES": f"{ICDS}/{found[0]}",
           "MESA_SHADER_CACHE_DISABLE": "1"}
    if gpu.vendor == "intel":
        if not os.environ.get("VISAGED_DRM_SHIM"):
            raise Missing("VISAGED_DRM_SHIM does not name the stub of the kernel driver (tests/run --long builds it)")
        env["LD_PRELOAD"] = os.environ["VISAGED_DRM_SHIM"]
    return env


def compiled(program, gpu, lines):
    """(what the driver calls itself, for each line of compile-stats.c a dictionary of statistics). Of several executables, such
    as one for each SIMD width, the widest counts."""
    done = subprocess.run([program], input="\n".join(lines) + "\n", env=environment(gpu), capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{gpu.name}: {done.stderr}")
    device, *results = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    names = VENDORS[gpu.vendor][2]
    found = []
    for result in results:
        widest = max(result["executables"], key=lambda executable: executable["subgroup"])
        found.append({"width": widest["subgroup"], **{name: int(widest[own]) for name, own in names.items()}})
    return device["driver"], found
