/* Runs single operators for test_ops.py.
 *
 *   gpu-op [--device NAME] [--backend subgroup|tiled] CASES RESULTS
 *
 * Both files are sequences of records: a line of JSON, then the bytes of the arrays whose lengths its "data" lists.  A
 * case names an operator, its numbers, and its maps, whose plain channel-row-column arrays are put in the layout of
 * ops.h here and taken out of it again; gpu-op does not know what the numbers mean.  Everything that a
 * case does not set is filled with 0xff bytes, which are NaN in either float format: an operator that reads what it
 * should not gives itself away.  What an operator may not write is compared afterwards ("intact").
 *
 * Exit status: 0 all cases were answered (each with its own status), 77 the device cannot run the back-end, 1 no
 * device, 2 usage. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/shaders/gpu-op.h"

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int record(struct run *run, const char *name)
{
        static const struct operator* const tables[] = {network_operators, picture_operators};

        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
                for (const struct operator* o = tables[i]; o->name; o++)
                        if (name && !strcmp(o->name, name))
                                return o->run(run);
        return -EINVAL;
}

static int run_case(struct run *run, double *ret_ms)
{
        const char *name = json_string_value(json_object_get(run->json, "op"));
        int r = gpu_program_new(run->gpu, name, &run->program);

        if (r < 0)
                return r;
        r = record(run, name);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];

                if (!slot->out)
                        continue;
                r = gpu_buffer_new(run->gpu, slot->size, GPU_MEMORY_READBACK, "readback", &slot->readback);
                if (r >= 0)
                        r = op_copy(run->program, slot->device, slot->readback, slot->size);
                if (r < 0)
                        return r;
        }
        r = gpu_program_end(run->program);
        for (uint32_t i = 0, n = number(run->json, "repeat"); r >= 0 && i < n; i++) {
                double start = now_ms();

                r = gpu_run(run->program);
                *ret_ms = now_ms() - start;
        }
        return r;
}

static void answer(struct run *run, int status, double ms)
{
        json_t *data = json_array();
        json_t *json;
        uint8_t *plain[SLOTS_MAX] = {NULL};
        bool intact = true;

        for (unsigned i = 0; status >= 0 && i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];
                uint8_t *after;

                if (!slot->out)
                        continue;
                after = gpu_buffer_map(slot->readback);
                plain[i] = xcalloc(slot->bytes);
                if (slot->is_map) {
                        map_move(slot, after, plain[i], false);
                        intact = intact && map_intact(slot, slot->initial, after);
                } else
                        memcpy(plain[i], after, slot->bytes);
                json_array_append_new(data, json_integer((json_int_t)slot->bytes));
        }
        json = json_pack("{s:i, s:b, s:I, s:I, s:s?, s:f, s:o}", "status", status, "intact", intact, "validation",
                         (json_int_t)gpu_validation_messages(run->gpu), "workspace", (json_int_t)run->workspace,
                         "algorithm", run->algorithm, "ms", ms, "data", data);
        json_dumpf(json, run->results, JSON_COMPACT);
        fputc('\n', run->results);
        for (unsigned i = 0; i < run->n_slots; i++)
                if (plain[i]) {
                        fwrite(plain[i], 1, run->slots[i].bytes, run->results);
                        free(plain[i]);
                }
        if (fflush(run->results))
                die("writing the results: %m");
        json_decref(json);
}

static void case_end(struct run *run)
{
        const json_t *data = json_object_get(run->json, "data");

        while (run->next < json_array_size(data))
                free(array(run, 0));
        gpu_program_free(run->program);
        run->program = NULL;
        for (unsigned i = 0; i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];

                gpu_buffer_free(slot->readback);
                if (slot->shared)
                        continue;
                gpu_buffer_free(slot->device);
                free(slot->initial);
        }
        for (unsigned i = 0; i < run->n_extra; i++)
                gpu_buffer_free(run->extra[i]);
        json_decref(run->json);
        run->n_slots = run->n_extra = 0;
        run->next = 0;
        run->workspace = 0;
        run->algorithm = NULL;
}

int main(int argc, char **argv)
{
        static const struct option long_options[] = {{"device", required_argument, NULL, 'd'},
                                                     {"backend", required_argument, NULL, 'b'},
                                                     {NULL, 0, NULL, 0}};
        struct gpu_options options = {.backend = GPU_BACKEND_SUBGROUP};
        struct run run = {.n_slots = 0};
        char why[512] = "";
        char *line = NULL;
        size_t line_size = 0;
        json_error_t error;
        int r;

        while ((r = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                if (r == 'd')
                        options.device = optarg;
                else if (r == 'b')
                        options.backend = !strcmp(optarg, "tiled") ? GPU_BACKEND_TILED : GPU_BACKEND_SUBGROUP;
                else
                        return 2;
        if (argc - optind != 2)
                die("usage: gpu-op [--device NAME] [--backend subgroup|tiled] CASES RESULTS");
        run.cases = fopen(argv[optind], "rb");
        run.results = fopen(argv[optind + 1], "wb");
        if (!run.cases || !run.results)
                die("%s, %s: %m", argv[optind], argv[optind + 1]);
        r = gpu_open(&options, &run.gpu, why, sizeof why);
        if (r < 0) {
                fprintf(stderr, "%s\n", why);
                return r == -ENOTSUP ? 77 : 1;
        }
        fprintf(stderr, "%s, %s, %s\n", gpu_info(run.gpu)->name, gpu_info(run.gpu)->driver,
                gpu_backend_name(gpu_backend(run.gpu)));
        while (getline(&line, &line_size, run.cases) >= 0) {
                double ms = 0;

                run.json = json_loads(line, 0, &error);
                if (!run.json)
                        die("case: %s", error.text);
                r = run_case(&run, &ms);
                answer(&run, r, ms);
                case_end(&run);
        }
        gpu_close(run.gpu);
        free(line);
        fclose(run.cases);
        return fclose(run.results) ? 2 : 0;
}
