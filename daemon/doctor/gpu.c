/* The GPU and the model.  The checks of the GPU run its driver, so each has a process of its own (`child`). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/client/client.h"
#include "daemon/common/cleanup.h"
#include "daemon/common/paths.h"
#include "daemon/doctor/world.h"
#include "model/parser.h"

/* The CPU is the only device that can be used; `bad` is another one, or NULL. */
static void say_software(const struct doctor_world *world, const struct gpu_info *gpu, const struct gpu_info *bad,
                         struct doctor_finding *ret)
{
        doctor_say(ret, world->unit.no_code ? DOCTOR_PROBLEM : DOCTOR_WARNING,
                   "only the CPU, in software: %s%s%s%s%s%s", gpu->name, bad ? "; unusable: " : "",
                   bad ? bad->name : "", bad ? ": " : "", bad ? bad->unusable : "",
                   world->unit.no_code ? "; the service's sandbox forbids such a driver" : "");
}

static void fix(const struct doctor_world *world, bool software, struct doctor_finding *ret)
{
        if (doctor_exists(world, "/sys/module/nvidia"))
                doctor_fix(ret, "install NVIDIA's Vulkan driver, of the same version as its kernel module (Debian: "
                                "nvidia-vulkan-icd)");
        else if (!software)
                doctor_fix_install(world, ret, "mesa-vulkan-drivers",
                                   "Mesa's Vulkan drivers, which can also compute on the CPU");
        else if (world->unit.no_code)
                doctor_fix(ret, "install -D -m 644 " VISAGED_DATADIR "/software-vulkan.conf "
                                "/etc/systemd/system/visaged.service.d/software-vulkan.conf; systemctl daemon-reload; "
                                "systemctl restart visaged");
        else if (doctor_exists(world, "/dev/dri/renderD128"))
                doctor_fix(ret, "see \"groups\"; older chips have no Vulkan");
        else
                doctor_fix(ret, "expected without a GPU; only a few frames per second are parsed");
}

void doctor_gpu(const struct doctor_world *world, struct doctor_finding *ret)
{
        _cleanup_(freep) struct gpu_info *list = NULL;
        const struct gpu_info *best = NULL, *bad = NULL;
        const char *used = client_text(world->daemon, "gpu");

        int n = gpu_list(&list, ret->seen, sizeof ret->seen);
        for (int i = 0; i < n; i++)
                if (list[i].unusable[0])
                        bad = &list[i];
                else if (!best || best->kind == GPU_KIND_CPU)
                        best = &list[i];
        if (best && best->kind != GPU_KIND_CPU) {
                doctor_say(ret, DOCTOR_OK, "%s, %s", best->name, best->driver);
                return;
        }
        if (used[0] && !(best && strcmp(best->name, used) == 0)) {
                doctor_say(ret, DOCTOR_OK, "%.200s, which visaged uses; this user may not", used);
                return;
        }
        if (best)
                say_software(world, best, bad, ret);
        else if (bad)
                doctor_say(ret, DOCTOR_PROBLEM, "%s cannot be used: %s", bad->name, bad->unusable);
        else
                doctor_say(ret, DOCTOR_PROBLEM, "no Vulkan driver finds one");
        fix(world, best, ret);
}

void doctor_self_test(const struct doctor_world *world, struct doctor_finding *ret)
{
        const struct config *config = world->config;
        char cache[PATH_MAX], why[400];
        struct gpu_options options = {.device = config->gpu, .cache_dir = paths_cache(cache, sizeof cache)};
        struct gpu *gpu;

        int r = gpu_open(&options, &gpu, why, sizeof why);
        if (r == 0) {
                r = parser_self_test(gpu, config->precision == PRECISION_FP16 ? GPU_F16 : GPU_F32, why, sizeof why);
                if (r == 0)
                        doctor_say(ret, DOCTOR_OK, "%s computes correctly", gpu_info(gpu)->name);
                gpu_close(gpu);
        }
        if (r == 0)
                return;
        if (r == -ENOENT && !config->gpu[0] && !client_text(world->daemon, "gpu")[0]) {
                doctor_say(ret, DOCTOR_SKIPPED, "there is no GPU to try");
                return;
        }
        if (r == -ENOENT && client_text(world->daemon, "gpu")[0]) {
                doctor_say(ret, DOCTOR_SKIPPED, "this user may not use visaged's GPU: sudo visagectl doctor");
                return;
        }
        doctor_say(ret, DOCTOR_PROBLEM, "%s", why);
        doctor_fix(ret, "update the Vulkan driver, or choose another GPU from \"visagectl gpus\" (key \"gpu\")");
}

/* Whether the unit's ProtectHome= and PrivateTmp= hide the path. */
static bool unseen_by_service(const struct doctor_world *world, const char *path)
{
        static const char *const folders[] = {"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"};
        char real[PATH_MAX];

        if (!world->unit.no_home || !realpath(path, real))
                return false;
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
                if (strncmp(real, folders[i], strlen(folders[i])) == 0)
                        return true;
        return false;
}

void doctor_model(const struct doctor_world *world, struct doctor_finding *ret)
{
        char path[PATH_MAX], why[500];
        struct model *model;

        int r = paths_model(world->config->model, path, sizeof path);
        if (r >= 0)
                r = model_open(path, &model, why, sizeof why);
        else
                snprintf(why, sizeof why, "the path is too long");
        if (r < 0) {
                doctor_say(ret, DOCTOR_PROBLEM, "%s", why);
                doctor_fix(ret, "install the models' package, or set \"model\" in the configuration to a valid file");
                return;
        }
        doctor_say(ret, DOCTOR_OK, "%.200s, \"%s\", %u classes", path, model_info(model)->name,
                   model_info(model)->classes);
        model_close(model);
        if (unseen_by_service(world, path)) {
                doctor_say(ret, DOCTOR_PROBLEM, "%.200s: the service cannot see /home, /root and /tmp", path);
                doctor_fix(ret, "put it in /usr/local/share/visaged");
        }
}
