#include <errno.h>
#include <string.h>

#include "model/build.h"
#include "model/network.h"
#include "model/why.h"

/* Returns whether the layer is computed in another way from now on. */
static int tune_node(struct gpu *gpu, const struct graph_node *node, const struct gpu_tuning *tuning)
{
        struct gpu_conv before = weights_conv(node), after = before;

        int r = gpu_conv_choose(gpu, &before);
        if (r == 0)
                r = gpu_conv_tune(gpu, &before, tuning);
        if (r == 0)
                r = gpu_conv_choose(gpu, &after);
        return r < 0 ? r : after.algorithm != before.algorithm;
}

int parser_tune(struct gpu *gpu, const struct model_info *info, enum gpu_dtype precision,
                const struct gpu_tuning *tuning, char *why, size_t why_size)
{
        struct graph *graph = NULL;
        int changed = 0;

        int r = network_new(info, precision, &graph);
        for (uint32_t i = 0; r >= 0 && i < graph->node_count; i++)
                if (graph->nodes[i].weight) {
                        r = tune_node(gpu, &graph->nodes[i], tuning);
                        changed += r > 0;
                }
        graph_free(graph);
        return r < 0 ? why_set(why, why_size, r, "%s: cannot be tuned: %s", info->name, strerror(-r)) : changed;
}
