/* A model file, byte for byte: all that model_open() reads of it. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/graph.h"
#include "model/network.h"
#include "model/safetensors.h"
#include "tests/fuzz/fuzz.h"

static void read_tensors(const struct model *model)
{
        struct graph *graph;

        MUST(network_new(model_info(model), GPU_F32, &graph) == 0);
        for (uint32_t i = 0; i < graph->tensor_count; i++) {
                const struct graph_tensor *tensor = &graph->tensors[i];
                float *values;

                MUST(model_tensor(model, tensor->name, tensor->count, &values) == 0);
                for (size_t k = 0; k < tensor->count; k++)
                        MUST(isfinite(values[k]));
                free(values);
        }
        graph_free(graph);
}

/* Names are in order, each one is found, and its first and last elements can be read. */
static void walk(const struct safetensors *file)
{
        for (size_t i = 0; i < safetensors_count(file); i++) {
                const struct safetensors_tensor *tensor = safetensors_at(file, i);
                float value;

                MUST(safetensors_find(file, tensor->name) == tensor);
                MUST(i == 0 || strcmp(safetensors_at(file, i - 1)->name, tensor->name) < 0);
                MUST(tensor->count >= 1 && tensor->rank <= SAFETENSORS_RANK_MAX);
                MUST(safetensors_read(file, tensor, 0, 1, &value) == 0);
                MUST(safetensors_read(file, tensor, tensor->count - 1, 1, &value) == 0);
        }
        MUST(!safetensors_find(file, "no such tensor"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *path = memory_file(data, size, size);
        struct safetensors *file;
        struct model *model;
        char why[256] = "";
        int container = safetensors_open(path, &file, why, sizeof why), r;

        if (container == 0) {
                walk(file);
                safetensors_close(file);
        } else
                line_check(why);
        *why = '\0';
        r = model_open(path, &model, why, sizeof why);
        MUST(r == 0 || r == -EBADMSG);
        MUST(r < 0 || container == 0);
        if (r < 0) {
                line_check(why);
                return 0;
        }
        network_check(model_info(model));
        read_tensors(model);
        model_close(model);
        return 0;
}
