#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bench/bench.h"
#include "daemon/common/table.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command-engine.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl bench [OPTION]...\n"
        "\n"
        "Measures how fast this machine labels faces: each operator of the network, the whole network, a frame from "
        "the\n"
        "camera's bytes to the virtual camera's, and the start, without touching the user's cache.  Nothing else "
        "should run\n"
        "meanwhile.\n"
        "\n"
        "      --size=WxH      of the frame [640x480]\n"
        "      --effect=CHAIN  of the frame, such as blur+mirror [blur]\n"
        "      --iterations=N  how often each is measured, from 1 to 1000 [10]\n"
        "      --backend=B     subgroup or tiled, to compare the two back-ends [the faster one]\n"
        "      --quick         leave out the start, which takes the longest\n"
        "      --json          print JSON\n";

struct bench_command {
        struct engine_options engine_options;
        struct config config; /* size, effect and mode */
        struct bench bench;
        unsigned iterations;
        bool json, quick;
};

/* ---- the table ---- */

static double number(const json_t *object, const char *key)
{
        return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static const char *or_dash(const char *word)
{
        return *word ? word : "-";
}

/* "64x128x128" */
static void shape_text(const json_t *shape, char *ret, size_t size)
{
        const json_int_t channels = json_integer_value(json_array_get(shape, 0));

        if (channels == 0)
                snprintf(ret, size, "picture");
        else
                snprintf(ret, size, "%lldx%lldx%lld", (long long)channels,
                         (long long)json_integer_value(json_array_get(shape, 1)),
                         (long long)json_integer_value(json_array_get(shape, 2)));
}

/* A convolution's "3x3/2 *4": stride 2, dilation 4. */
static void kernel_text(const json_t *row, char *ret, size_t size)
{
        const int kernel = number(row, "kernel"), stride = number(row, "stride"), dilation = number(row, "dilation");
        int n = kernel > 0 ? snprintf(ret, size, "%dx%d", kernel, kernel) : snprintf(ret, size, "-");

        if (stride > 1)
                n += snprintf(ret + n, size - n, "/%d", stride);
        if (dilation > 1)
                snprintf(ret + n, size - n, "*%d", dilation);
}

static void print_operator(struct table *table, const json_t *row)
{
        enum { COLUMNS = 11, SIZE = 80 };
        char cell[COLUMNS][SIZE];

        snprintf(cell[0], SIZE, "%s", text(row, "kind"));
        kernel_text(row, cell[1], SIZE);
        shape_text(json_object_get(row, "in"), cell[2], SIZE);
        shape_text(json_object_get(row, "out"), cell[3], SIZE);
        snprintf(cell[4], SIZE, "%.3f", number(row, "median_ms"));
        snprintf(cell[5], SIZE, "%.3f", number(row, "max_ms") - number(row, "min_ms"));
        snprintf(cell[6], SIZE, "%.1f %%", 100 * number(row, "share"));
        snprintf(cell[7], SIZE, "%.1f", number(row, "gflops"));
        snprintf(cell[8], SIZE, "%.1f", number(row, "gbytes_s"));
        snprintf(cell[9], SIZE, "%s", or_dash(text(row, "algorithm")));
        snprintf(cell[10], SIZE, "%s", or_dash(text(row, "layer")));
        table_row(table, (const char *[]){cell[0], cell[1], cell[2], cell[3], cell[4], cell[5], cell[6], cell[7],
                                          cell[8], cell[9], cell[10]});
}

static void print_operators(const json_t *rows)
{
        struct table table = {.columns = 11, .right = {[4] = true, [5] = true, [6] = true, [7] = true, [8] = true}};
        const json_t *row;
        size_t i;

        table_row(&table, (const char *[]){"OPERATOR", "KERNEL", "IN", "OUT", "MS", "SPREAD", "SHARE", "GFLOP/S",
                                           "GB/S", "ALGORITHM", "LAYER"});
        json_array_foreach(rows, i, row) print_operator(&table, row);
        table_print(&table, "", stdout);
        table_free(&table);
}

static void add_times(struct table *table, const char *name, const json_t *times)
{
        char cell[3][32];
        static const char *const keys[] = {"median_ms", "min_ms", "max_ms"};

        for (int i = 0; i < 3; i++)
                snprintf(cell[i], sizeof cell[i], "%.2f", number(times, keys[i]));
        table_row(table, (const char *[]){name, cell[0], cell[1], cell[2]});
}

/* The network, the frame, and the steps of the frame. */
static void print_times(const json_t *root)
{
        struct table table = {.columns = 4, .right = {false, true, true, true}};
        json_t *steps = json_object_get(json_object_get(root, "frame"), "steps"), *step;
        const char *name;

        table_row(&table, (const char *[]){"MS", "MEDIAN", "LEAST", "MOST"});
        add_times(&table, "network", json_object_get(root, "network"));
        add_times(&table, "frame", json_object_get(root, "frame"));
        json_object_foreach(steps, name, step)
        {
                char indented[40];
                snprintf(indented, sizeof indented, "  %s", name);
                add_times(&table, indented, step);
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

static void print_table(const json_t *root)
{
        const json_t *network = json_object_get(root, "network"), *start = json_object_get(root, "start");
        const json_t *memory = json_object_get(root, "memory"), *ceiling = json_object_get(root, "ceiling");

        printf("%s, %s, %s back-end\n%s, input %s, %s; frames of %s, %s\n\n", text(root, "device"),
               text(root, "driver"), text(root, "backend"), text(root, "model"), text(root, "input"),
               text(root, "precision"), text(root, "size"), text(json_object_get(root, "frame"), "effect"));
        print_operators(json_object_get(root, "operators"));
        printf("Operators timed by the %s.\n\n", text(network, "operators_timed_by"));
        print_times(root);
        printf("\nnetwork  %.2f GMAC, %.1f GFLOP/s, %.2f ms of processor time\n", number(network, "gmac"),
               number(network, "gflops"), number(network, "cpu_ms"));
        printf("ceiling  %.1f GFLOP/s, %.1f GB/s\n", number(ceiling, "gflops"), number(ceiling, "gbytes_s"));
        printf("memory   %.1f MB of weights, %.1f MB of feature maps, %.1f MB in all on the GPU\n",
               number(memory, "weights") / 1e6, number(memory, "arena") / 1e6, number(memory, "total") / 1e6);
        if (json_is_object(start))
                printf("start    %.2f s cold, %.2f s warm, %.1f MB resident at most\n", number(start, "cold_s"),
                       number(start, "warm_s"), number(memory, "peak_resident") / 1e6);
}

/* ---- measuring ---- */

static void show_progress(void *userdata, const char *what, unsigned done, unsigned of)
{
        command_progress("%s: %u of %u", what, done + 1, of);
}

static bool show_tuning(void *userdata, const struct gpu_conv *conv, double seconds)
{
        command_progress("tuning: %u to %u channels, %ux%u, %s", conv->in, conv->out, conv->width, conv->height,
                         gpu_conv_algorithm(conv));
        return true;
}

/* Tunes first, as the daemon does after a while.  An error is ignored: then the usual algorithms are measured. */
static void tune(const struct bench_command *b)
{
        const struct gpu_tuning tuning = {show_tuning, NULL};
        char why[600];

        engine_tune(&b->engine_options, &tuning, why, sizeof why);
        command_progress_clear();
}

static int measure_start(struct bench_command *b)
{
        char why[800];

        if (b->quick)
                return 0;
        command_progress("start: cold and warm");
        int r = bench_start(&b->engine_options, &b->config, &b->bench.start, why, sizeof why);
        command_progress_clear();
        if (r < 0)
                command_error("%s", why);
        return r;
}

static int measure_engine(struct bench_command *b)
{
        const struct bench_progress progress = {show_progress, NULL};
        struct engine *engine = &b->bench.engine;

        command_progress("ceilings");
        int r = gpu_measure_ceiling(engine->gpu, &b->bench.ceiling);
        if (r == 0)
                r = bench_network(engine, b->config.width, b->config.height, b->iterations, &progress,
                                  &b->bench.network);
        if (r == 0)
                r = bench_frame(engine, &b->config, b->iterations, &progress, &b->bench.frame);
        command_progress_clear();
        if (r < 0)
                command_error("the GPU could not be measured: %s", strerror(-r));
        return r;
}

static void print(const struct bench_command *b)
{
        json_t *root = bench_json(&b->bench, &b->config);

        if (b->json) {
                command_print_json(root);
                return;
        }
        print_table(root);
        json_decref(root);
}

static int run(struct bench_command *b)
{
        b->engine_options.width = b->config.width;
        b->engine_options.height = b->config.height;
        int r = measure_start(b);

        if (r < 0)
                return command_engine_status(r);
        tune(b);
        if ((r = command_engine_open(&b->bench.engine, &b->engine_options)) < 0)
                return command_engine_status(r);
        r = measure_engine(b);
        if (r == 0)
                print(b);
        bench_network_free(&b->bench.network);
        engine_close(&b->bench.engine);
        return r < 0 ? command_engine_status(r) : 0;
}

/* ---- the command line ---- */

enum { OPTION_SIZE = COMMAND_OWN_OPTION, OPTION_EFFECT, OPTION_ITERATIONS, OPTION_BACKEND, OPTION_QUICK, OPTION_JSON };

static const struct option table[] = {
        {"size", required_argument, NULL, OPTION_SIZE},
        {"effect", required_argument, NULL, OPTION_EFFECT},
        {"iterations", required_argument, NULL, OPTION_ITERATIONS},
        {"backend", required_argument, NULL, OPTION_BACKEND},
        {"quick", no_argument, NULL, OPTION_QUICK},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMAND_ENGINE_OPTIONS,
        {0},
};

/* Sets a key of the configuration; config_set() says which values it accepts. */
static int set_key(struct bench_command *b, const char *key)
{
        char why[2 * EFFECT_TEXT_MAX];

        return config_set(&b->config, key, optarg, why, sizeof why) < 0 ? command_usage("bench", "--%s", why) : -1;
}

static int set_iterations(struct bench_command *b)
{
        char *end;
        const unsigned long n = strtoul(optarg, &end, 10);

        if (*optarg < '0' || *optarg > '9' || *end || n < 1 || n > BENCH_ITERATIONS_MAX)
                return command_usage("bench", "--iterations cannot be \"%s\": must be a number from 1 to %d", optarg,
                                     BENCH_ITERATIONS_MAX);
        b->iterations = n;
        return -1;
}

/* Returns an exit status, or -1 to continue. */
static int take(struct bench_command *b, int option)
{
        if (command_engine_option(option, &b->engine_options))
                return -1;
        switch (option) {
        case OPTION_SIZE:
                return set_key(b, "size");
        case OPTION_EFFECT:
                return set_key(b, "effect");
        case OPTION_ITERATIONS:
                return set_iterations(b);
        case OPTION_BACKEND:
                return command_engine_backend("bench", &b->engine_options);
        case OPTION_QUICK:
                b->quick = true;
                return -1;
        case OPTION_JSON:
                b->json = true;
                return -1;
        case 'h':
                printf("%s%s", help, command_engine_help);
                return 0;
        default:
                return command_usage("bench", NULL);
        }
}

int command_bench(int argc, char **argv)
{
        struct bench_command b = {.iterations = 10};
        int option, status;

        config_init(&b.config);
        while ((option = command_getopt(argc, argv, "h", table)) != -1)
                if ((status = take(&b, option)) >= 0)
                        return status;
        if (optind < argc)
                return command_usage("bench", "unexpected argument \"%s\"", argv[optind]);
        return run(&b);
}
