#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph.h"
#include "model/info.h"
#include "model/model.h"
#include "model/network.h"
#include "model/safetensors.h"
#include "model/why.h"

#define CHUNK 16384 /* elements checked at once */

struct model {
        char *path;
        struct safetensors *file;
        struct model_info info;
};

static void print_shape(char *ret, size_t size, const uint32_t *shape, uint32_t rank)
{
        size_t n = 0;

        *ret = '\0';
        for (uint32_t i = 0; i < rank && n < size; i++)
                n += (size_t)snprintf(ret + n, size - n, "%s%u", i ? "x" : "", shape[i]);
}

static int check_shape(const char *path, const struct graph_tensor *expected, const struct safetensors_tensor *tensor,
                       char *why, size_t why_size)
{
        char want[64], have[64];

        if (tensor->rank == expected->rank &&
            memcmp(tensor->shape, expected->shape, tensor->rank * sizeof *tensor->shape) == 0)
                return 0;
        print_shape(want, sizeof want, expected->shape, expected->rank);
        print_shape(have, sizeof have, tensor->shape, tensor->rank);
        return why_set(why, why_size, -EBADMSG, "%s: tensor %s: shape is %s, must be %s", path, tensor->name, have,
                       want);
}

static int check_finite(const struct model *model, const struct safetensors_tensor *tensor, float *chunk, char *why,
                        size_t why_size)
{
        for (uint64_t first = 0; first < tensor->count; first += CHUNK) {
                size_t n = tensor->count - first < CHUNK ? (size_t)(tensor->count - first) : CHUNK;
                int r = safetensors_read(model->file, tensor, first, n, chunk);

                if (r < 0)
                        return why_set(why, why_size, r, "%s: tensor %s: %s", model->path, tensor->name, strerror(-r));
                for (size_t i = 0; i < n; i++)
                        if (!isfinite(chunk[i]))
                                return why_set(why, why_size, -EBADMSG,
                                               "%s: tensor %s: element %llu is not a finite number", model->path,
                                               tensor->name, (unsigned long long)first + i);
        }
        return 0;
}

/* The file must have every tensor that the graph needs, and no others.  If each is found and the counts are equal,
 * there are no extra ones. */
static int check_tensors(const struct model *model, const struct graph *graph, float *chunk, char *why, size_t why_size)
{
        for (uint32_t i = 0; i < graph->tensor_count; i++) {
                const struct graph_tensor *expected = &graph->tensors[i];
                const struct safetensors_tensor *tensor = safetensors_find(model->file, expected->name);
                int r;

                if (!tensor)
                        return why_set(why, why_size, -EBADMSG, "%s: tensor %s is missing", model->path,
                                       expected->name);
                r = check_shape(model->path, expected, tensor, why, why_size);
                if (r == 0)
                        r = check_finite(model, tensor, chunk, why, why_size);
                if (r < 0)
                        return r;
        }
        if (safetensors_count(model->file) == graph->tensor_count)
                return 0;
        for (size_t i = 0; i < safetensors_count(model->file); i++) {
                const char *name = safetensors_at(model->file, i)->name;
                uint32_t j = 0;

                while (j < graph->tensor_count && strcmp(graph->tensors[j].name, name) != 0)
                        j++;
                if (j == graph->tensor_count)
                        return why_set(why, why_size, -EBADMSG, "%s: tensor %s is not part of the network", model->path,
                                       name);
        }
        return 0;
}

static int check(const struct model *model, char *why, size_t why_size)
{
        float *chunk = malloc(CHUNK * sizeof *chunk);
        struct graph *graph = NULL;
        int r = chunk ? network_new(&model->info, GPU_F32, &graph) : -ENOMEM;

        if (r < 0)
                why_set(why, why_size, r, "%s: %s", model->path, strerror(-r));
        else
                r = check_tensors(model, graph, chunk, why, why_size);
        graph_free(graph);
        free(chunk);
        return r;
}

int model_open(const char *path, struct model **ret, char *why, size_t why_size)
{
        struct model *model = calloc(1, sizeof *model);
        int r;

        if (model)
                model->path = strdup(path);
        if (!model || !model->path) {
                model_close(model);
                return why_set(why, why_size, -ENOMEM, "%s: out of memory", path);
        }
        r = safetensors_open(path, &model->file, why, why_size);
        if (r == 0)
                r = info_parse(model->file, path, &model->info, why, why_size);
        if (r == 0)
                r = check(model, why, why_size);
        if (r < 0) {
                model_close(model);
                return r;
        }
        *ret = model;
        return 0;
}

void model_close(struct model *model)
{
        if (!model)
                return;
        safetensors_close(model->file);
        free(model->path);
        free(model);
}

const struct model_info *model_info(const struct model *model)
{
        return &model->info;
}

const char *model_path(const struct model *model)
{
        return model->path;
}

int model_tensor(const struct model *model, const char *name, size_t count, float **ret)
{
        const struct safetensors_tensor *tensor = safetensors_find(model->file, name);
        float *values;
        int r;

        if (!tensor || tensor->count != count)
                return -ENOENT;
        values = malloc(count * sizeof *values);
        if (!values)
                return -ENOMEM;
        r = safetensors_read(model->file, tensor, 0, count, values);
        if (r < 0) {
                free(values);
                return r;
        }
        *ret = values;
        return 0;
}
