/* Which algorithm a layer has: the one that was measured to be the fastest, or else the first that is expected to be.
 */
#include <stdio.h>
#include <string.h>

#include "shaders/ops/conv.h"

unsigned conv_candidates(const struct gpu_caps *caps, enum gpu_backend backend, const struct gpu_conv *conv,
                         const struct conv_algorithm *ret[CONV_CANDIDATES])
{
        unsigned count = 0;

        for (const struct conv_algorithm *const *i = conv_algorithms; *i; i++) {
                const struct conv_algorithm *a = *i;
                if ((backend == GPU_BACKEND_AUTO || a->backend == GPU_BACKEND_AUTO || a->backend == backend) &&
                    a->fits(caps, conv))
                        ret[count++] = a;
        }
        return count;
}

/* The first of them that pays. */
static const struct conv_algorithm *first(const struct gpu_caps *caps, enum gpu_backend backend,
                                          const struct gpu_conv *conv)
{
        const struct conv_algorithm *candidates[CONV_CANDIDATES];
        const unsigned count = conv_candidates(caps, backend, conv, candidates);

        for (unsigned i = 0; i < count; i++)
                if (!candidates[i]->pays || candidates[i]->pays(conv))
                        return candidates[i];
        return NULL;
}

const struct conv_algorithm *conv_guess(const struct gpu_caps *caps, enum gpu_backend backend,
                                        const struct gpu_conv *conv)
{
        const struct conv_algorithm *best = first(caps, backend, conv);

        return best ? best : first(caps, GPU_BACKEND_AUTO, conv);
}

/* ---- what was measured ---- */

enum { KEY_MAX = 400 };

/* All that a layer's time depends on, and the names of all candidates: if there is a new one, nothing has been
 * measured. */
static void key_of(const struct gpu *gpu, const struct gpu_conv *conv, const struct conv_algorithm *const candidates[],
                   unsigned count, char ret[KEY_MAX])
{
        int n = snprintf(ret, KEY_MAX, "%s:%ux%u:k%u:s%u:d%u:%ux%u:%s", gpu_backend_name(gpu->backend), conv->in,
                         conv->out, conv->kernel, conv->stride, conv->dilation, conv->height, conv->width,
                         conv->dtype == GPU_F16 ? "f16" : "f32");

        for (unsigned i = 0; i < count; i++)
                n += snprintf(ret + n, KEY_MAX - n, ":%s", candidates[i]->name);
}

const struct conv_algorithm *conv_measured(const struct gpu *gpu, const struct gpu_conv *conv)
{
        const struct conv_algorithm *candidates[CONV_CANDIDATES];
        const unsigned count = conv_candidates(&gpu->caps, gpu->backend, conv, candidates);
        char key[KEY_MAX];
        size_t size;

        key_of(gpu, conv, candidates, count, key);
        const char *word = choices_find(gpu, key, &size);
        for (unsigned i = 0; word && i < count; i++)
                if (strlen(candidates[i]->name) == size && memcmp(candidates[i]->name, word, size) == 0)
                        return candidates[i];
        return NULL;
}

int conv_remember(struct gpu *gpu, const struct gpu_conv *conv, const struct conv_algorithm *fastest)
{
        const struct conv_algorithm *candidates[CONV_CANDIDATES];
        const unsigned count = conv_candidates(&gpu->caps, gpu->backend, conv, candidates);
        char key[KEY_MAX];

        key_of(gpu, conv, candidates, count, key);
        return choices_add(gpu, key, fastest->name);
}

int gpu_conv_choose(const struct gpu *gpu, struct gpu_conv *conv)
{
        conv->algorithm = conv_measured(gpu, conv);
        if (!conv->algorithm)
                conv->algorithm = conv_guess(&gpu->caps, gpu->backend, conv);
        return conv->algorithm ? 0 : -ENOTSUP;
}

bool gpu_conv_is_guess(const struct gpu *gpu, const struct gpu_conv *conv)
{
        const struct conv_algorithm *candidates[CONV_CANDIDATES];

        return conv_candidates(&gpu->caps, gpu->backend, conv, candidates) > 1 && !conv_measured(gpu, conv);
}
