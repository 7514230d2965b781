/* Which pipelines have run in this process.  Software drivers compile a pipeline when it first runs, whichever program
 * it is in. */
#include <errno.h>
#include <stdlib.h>

#include "shaders/vk/vk.h"

/* The pipeline's index in the table, to which it is added if necessary. */
static int find(struct gpu *gpu, VkPipeline pipeline, size_t *ret)
{
        size_t i = 0;

        while (i < gpu->run_count && gpu->runs[i].pipeline != pipeline)
                i++;
        *ret = i;
        if (i < gpu->run_count)
                return 0;
        struct first_run *grown = realloc(gpu->runs, (i + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        gpu->runs = grown;
        gpu->runs[gpu->run_count++] = (struct first_run){.pipeline = pipeline};
        return 0;
}

int first_run_note(struct gpu_program *program, VkPipeline pipeline)
{
        size_t at;

        int r = find(program->gpu, pipeline, &at);
        if (r < 0 || program->gpu->runs[at].done)
                return r;
        size_t *grown = realloc(program->first_runs, (program->first_run_count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        program->first_runs = grown;
        program->first_runs[program->first_run_count++] = at;
        return 0;
}

bool first_run_due(const struct gpu_program *program)
{
        for (size_t i = 0; i < program->first_run_count; i++)
                if (!program->gpu->runs[program->first_runs[i]].done)
                        return true;
        return false;
}

void first_run_done(struct gpu_program *program)
{
        for (size_t i = 0; i < program->first_run_count; i++)
                program->gpu->runs[program->first_runs[i]].done = true;
        program->first_run_count = 0;
}
