#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/paths.h"
#include "daemon/common/stats.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/evaluation/npy.h"
#include "daemon/evaluation/outputs.h"
#include "daemon/evaluation/still.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/report.h"
#include "daemon/visagectl/command-engine.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl parse [OPTION]... FILE...\n"
        "\n"
        "Labels the faces in PNG and JPEG pictures.  For each picture, writes NAME.labels.png (one byte per pixel, the "
        "class,\n"
        "in the classes' colours) and NAME.overlay.png (the colours over the picture), and prints a line of JSON, or "
        "on a\n"
        "terminal a table.  A picture that cannot be parsed is reported and skipped; the exit status is then 1.\n"
        "\n"
        "  -o, --output=DIR   where to write the results, created if missing [the current directory]\n"
        "      --json         print JSON even on a terminal\n"
        "      --logits=FILE  also write the network's output as a NumPy array, float32, classes x height x width;\n"
        "                     only for a single picture\n"
        "      --backend=B    subgroup or tiled, to compare the two back-ends [the faster one]\n";

struct parse {
        struct engine_options engine_options;
        const char *directory, *logits;
        bool json;
        struct engine engine;
        struct still still;
        struct outputs outputs;
        uint8_t colors[MODEL_CLASSES_MAX * 3];
};

static void progress_show(const struct parse *p, int i)
{
        char name[200];

        text_printable(p->outputs.files[i], name, sizeof name);
        if (p->outputs.count > 1)
                command_progress("[%d/%d] %.60s", i + 1, p->outputs.count, name);
}

/* ---- one picture ---- */

static void print_json(const struct parse *p, const char *file, const struct output_names *names, double ms)
{
        const uint32_t width = p->still.image.width, height = p->still.image.height;
        json_t *root = json_pack("{s:o, s:o, s:o, s:s, s:i, s:i, s:f, s:o, s:o, s:o}", "file", text_json(file), "model",
                                 text_json(p->engine.model.name), "device", text_json(gpu_info(p->engine.gpu)->name),
                                 "backend", gpu_backend_name(gpu_backend(p->engine.gpu)), "width", (int)width, "height",
                                 (int)height, "ms", ms, "classes",
                                 report_classes(&p->engine.model, still_labels(&p->still), (size_t)width * height),
                                 "labels", text_json(names->labels), "overlay", text_json(names->overlay));

        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
        fflush(stdout);
        json_decref(root);
}

static void print_table(const struct parse *p, const char *file, const struct output_names *names, double ms)
{
        const struct model_info *model = &p->engine.model;
        const size_t size = (size_t)p->still.image.width * p->still.image.height;
        struct table table = {.columns = 3, .right = {false, true, true}};
        uint64_t counts[MODEL_CLASSES_MAX];
        char name[3][1024];

        text_printable(file, name[0], sizeof name[0]);
        text_printable(names->labels, name[1], sizeof name[1]);
        text_printable(names->overlay, name[2], sizeof name[2]);
        printf("%s  %ux%u  %.1f ms  %s -> %s, %s\n", name[0], p->still.image.width, p->still.image.height, ms,
               gpu_info(p->engine.gpu)->name, name[1], name[2]);
        palette_count(still_labels(&p->still), size, counts);
        for (uint32_t i = 0; i < model->classes; i++) {
                char share[32], pixels[32];
                snprintf(share, sizeof share, "%.2f %%", 100.0 * counts[i] / size);
                snprintf(pixels, sizeof pixels, "%ju", (uintmax_t)counts[i]);
                if (counts[i] > 0)
                        table_row(&table, (const char *[]){model->class[i].name, share, pixels});
        }
        table_print(&table, "    ", stdout);
        table_free(&table);
        fflush(stdout);
}

static int write_logits(struct parse *p, char *why, size_t why_size)
{
        _cleanup_(freep) float *logits = NULL;
        uint32_t classes, height, width;

        int r = parser_logits(p->engine.parser, &logits, &classes, &height, &width);
        if (r == 0)
                r = npy_write(p->logits, logits, classes, height, width);
        if (r < 0)
                snprintf(why, why_size, "%s: %s", p->logits, strerror(-r));
        return r;
}

static int write_results(struct parse *p, const struct output_names *names, char *why, size_t why_size)
{
        const uint32_t width = p->still.image.width, height = p->still.image.height;

        int r = picture_write_png_indexed(names->labels, width, height, still_labels(&p->still), p->colors,
                                          p->engine.model.classes);
        if (r < 0) {
                snprintf(why, why_size, "%s: %s", names->labels, strerror(-r));
                return r;
        }
        r = picture_write_png(names->overlay, width, height, still_overlay(&p->still));
        if (r < 0) {
                snprintf(why, why_size, "%s: %s", names->overlay, strerror(-r));
                return r;
        }
        return p->logits ? write_logits(p, why, why_size) : 0;
}

static int parse_file(struct parse *p, int i, char *why, size_t why_size)
{
        const char *file = p->outputs.files[i];
        struct output_names names;
        struct picture picture;

        int r = outputs_names(&p->outputs, i, &names, why, why_size);
        if (r < 0 || (r = picture_read(file, &picture, why, why_size)) < 0)
                return r;
        uint64_t since = stats_now();
        r = still_parse(&p->still, &picture, why, why_size);
        double ms = (stats_now() - since) / 1e6;
        picture_free(&picture);
        if (r < 0 || (r = write_results(p, &names, why, why_size)) < 0)
                return r;
        command_progress_clear();
        if (p->json)
                print_json(p, file, &names, ms);
        else
                print_table(p, file, &names, ms);
        return 0;
}

/* ---- all of them ---- */

static int parse_files(struct parse *p)
{
        char why[PATH_MAX + 200];
        int status = 0;

        for (int i = 0; i < p->outputs.count; i++) {
                progress_show(p, i);
                int r = parse_file(p, i, why, sizeof why);
                if (r == 0)
                        continue;
                command_progress_clear();
                command_error_of(p->outputs.files[i], why);
                status = command_engine_status(r);
                if (r == -ENODEV)
                        break;
        }
        command_progress_clear();
        return status;
}

/* Opening a GPU takes seconds, so this first checks that at least one file is a picture.  If none is, it reports all of
 * them. */
static bool any_picture(const struct parse *p)
{
        char why[PATH_MAX + 200];

        for (int i = 0; i < p->outputs.count; i++)
                if (picture_look(p->outputs.files[i], why, sizeof why) == 0)
                        return true;
        for (int i = 0; i < p->outputs.count; i++)
                if (picture_look(p->outputs.files[i], why, sizeof why) < 0)
                        command_error_of(p->outputs.files[i], why);
        return false;
}

static int open_and_parse(struct parse *p)
{
        int r = command_engine_open(&p->engine, &p->engine_options);
        if (r < 0)
                return command_engine_status(r);
        p->still.engine = &p->engine;
        for (uint32_t i = 0; i < p->engine.model.classes; i++)
                memcpy(p->colors + i * 3, p->engine.model.class[i].color, 3);
        int status = parse_files(p);
        still_finish(&p->still);
        engine_close(&p->engine);
        return status;
}

/* Checks where the results go before anything is computed. */
static bool check_results(const struct parse *p)
{
        const char *directory = p->directory ? p->directory : ".", *what = directory;

        int r = paths_make(directory);
        if (r == 0 && access(directory, W_OK | X_OK) < 0)
                r = -errno;
        if (r == 0 && p->logits)
                r = paths_can_write(what = p->logits);
        if (r < 0)
                command_error("%s: %s", what, strerror(-r));
        return r == 0;
}

static int run(struct parse *p, char **files, int count)
{
        if (!check_results(p))
                return 1;
        if (outputs_init(&p->outputs, p->directory, (const char *const *)files, count) < 0)
                return 1;
        if (p->logits && outputs_is_input(&p->outputs, p->logits) >= 0) {
                outputs_finish(&p->outputs);
                return command_usage("parse", "--logits=%s would overwrite the picture", p->logits);
        }
        int status = any_picture(p) ? open_and_parse(p) : 1;
        outputs_finish(&p->outputs);
        return status;
}

enum { OPTION_JSON = COMMAND_OWN_OPTION, OPTION_LOGITS, OPTION_BACKEND };

static const struct option table[] = {
        {"output", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, OPTION_JSON},
        {"logits", required_argument, NULL, OPTION_LOGITS},
        {"backend", required_argument, NULL, OPTION_BACKEND},
        COMMAND_ENGINE_OPTIONS,
        {0},
};

/* Returns an exit status, or -1 to continue. */
static int take(struct parse *p, int option)
{
        if (command_engine_option(option, &p->engine_options))
                return -1;
        switch (option) {
        case 'o':
                p->directory = optarg;
                return *optarg ? -1 : command_usage("parse", "--output needs a directory");
        case OPTION_JSON:
                p->json = true;
                return -1;
        case OPTION_LOGITS:
                p->logits = optarg;
                return -1;
        case OPTION_BACKEND:
                return command_engine_backend("parse", &p->engine_options);
        case 'h':
                printf("%s%s", help, command_engine_help);
                return 0;
        default:
                return command_usage("parse", NULL);
        }
}

int command_parse(int argc, char **argv)
{
        struct parse p = {.json = !isatty(STDOUT_FILENO)};
        int option, status;

        while ((option = command_getopt(argc, argv, "o:h", table)) != -1)
                if ((status = take(&p, option)) >= 0)
                        return status;
        if (optind == argc)
                return command_usage("parse", "no picture given");
        if (p.logits && argc - optind != 1)
                return command_usage("parse", "--logits needs a single picture");
        return run(&p, argv + optind, argc - optind);
}
