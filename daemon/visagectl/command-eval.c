#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/stats.h"
#include "daemon/evaluation/evaluation.h"
#include "daemon/evaluation/pairs.h"
#include "daemon/evaluation/still.h"
#include "daemon/visagectl/command-engine.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl eval [OPTION]... --images=DIR --labels=DIR\n"
        "\n"
        "Parses the PNG and JPEG pictures of a folder as \"visagectl parse\" does, and compares the labels with the "
        "truth,\n"
        "which for NAME.jpg is NAME.png: paletted or 8-bit grey, of the picture's size, each pixel the index of its "
        "class, or\n"
        "255 where the class is unknown.  Prints F1 and IoU of each class, and their means over the classes that "
        "occur; the\n"
        "mean F1 leaves out the background, class 0.  All figures come from one confusion matrix over all pixels.  A "
        "picture\n"
        "that cannot be compared is reported and skipped; the exit status is then 1.\n"
        "\n"
        "The known label sets are the 11 classes of Helen and LaPa, the 19 of CelebAMask-HQ, and the default model's "
        "20,\n"
        "which are these 19 and a body's bare skin.  Two different sets are compared in the smaller one, where classes "
        "that\n"
        "it lacks are background.  With the 11 classes, pixels of true eyeglasses are skipped, because that set labels "
        "what\n"
        "is behind them.  Helen's overall F1 treats brows, eyes, nose and mouth as one class.\n"
        "\n"
        "      --images=DIR   the pictures\n"
        "      --labels=DIR   the truth\n"
        "      --classes=N    11, 19 or 20: the label set of the truth [the model's own classes]\n"
        "      --confusion    also print the confusion matrix: per cent of each class's pixels, in JSON pixels\n"
        "      --json         print one JSON object, with F1 and IoU from 0 to 1\n";

struct eval {
        struct engine_options engine_options;
        const char *images, *labels;
        unsigned classes;
        bool json, matrix;
        struct engine engine;
        struct still still;
        struct pairs pairs;
        struct evaluation evaluation;
};

/* ---- one picture ---- */

static int check_labels(const struct eval *e, const struct picture_indexed *labels, const char *file, char *why,
                        size_t why_size)
{
        const unsigned classes = e->evaluation.truth.classes;
        const size_t size = (size_t)labels->width * labels->height;

        for (size_t i = 0; i < size; i++) {
                const unsigned class = labels->index[i], x = i % labels->width, y = i / labels->width;
                if (class < classes || class == CONFUSION_IGNORE)
                        continue;
                snprintf(why, why_size, "%s: class %u at %u,%u, but there are 0 to %u and 255; check --classes", file,
                         class, x, y, classes - 1);
                return -EBADMSG;
        }
        return 0;
}

static int compare(struct eval *e, const struct pair *pair, const struct picture *picture,
                   const struct picture_indexed *labels, char *why, size_t why_size)
{
        if (picture->width != labels->width || picture->height != labels->height) {
                snprintf(why, why_size, "%s: %ux%u, but the picture is %ux%u; give both the same size", pair->labels,
                         labels->width, labels->height, picture->width, picture->height);
                return -EBADMSG;
        }
        uint64_t since = stats_now();
        int r = still_parse(&e->still, picture, why, why_size);
        if (r < 0)
                return r;
        stats_time(&e->evaluation.parse, stats_now() - since);
        confusion_add(&e->evaluation.confusion, labels->index, still_labels(&e->still),
                      (size_t)picture->width * picture->height);
        return 0;
}

static int evaluate(struct eval *e, const struct pair *pair, char *why, size_t why_size)
{
        struct picture_indexed labels = {0};
        struct picture picture = {0};

        int r = picture_read_png_indexed(pair->labels, &labels, why, why_size);
        if (r == 0)
                r = check_labels(e, &labels, pair->labels, why, why_size);
        if (r == 0)
                r = picture_read(pair->picture, &picture, why, why_size);
        if (r == 0)
                r = compare(e, pair, &picture, &labels, why, why_size);
        picture_free(&picture);
        free(labels.index);
        return r;
}

/* Each label file must be used only once. */
static int evaluate_nth(struct eval *e, size_t i, char *why, size_t why_size)
{
        const struct pair *pair = &e->pairs.list[i];

        if (i > 0 && strcmp(pair[-1].labels, pair->labels) == 0) {
                snprintf(why, why_size, "has the same labels as %s; keep one of the two", pair[-1].picture);
                return -EEXIST;
        }
        return evaluate(e, pair, why, why_size);
}

/* ---- all of them ---- */

/* The remaining time is estimated from parsed pictures only, because skipping one takes no time. */
static void progress(const struct eval *e, size_t done, uint64_t since)
{
        const double rate = e->evaluation.parse.count / ((stats_now() - since) / 1e9);
        const unsigned left = rate > 0 ? (unsigned)((e->pairs.count - done) / rate + 0.5) : 0;

        if (rate > 0)
                command_progress("[%zu/%zu] %.1f/s, %u:%02u left", done, e->pairs.count, rate, left / 60, left % 60);
        else
                command_progress("[%zu/%zu]", done, e->pairs.count);
}

static int evaluate_all(struct eval *e)
{
        const uint64_t since = stats_now();
        char why[2 * PATH_MAX + 200];
        int status = 0;

        for (size_t i = 0; i < e->pairs.count; i++) {
                progress(e, i, since);
                int r = evaluate_nth(e, i, why, sizeof why);
                if (r == 0)
                        continue;
                command_progress_clear();
                command_error_of(e->pairs.list[i].picture, why);
                status = command_engine_status(r);
                if (r == -ENODEV)
                        break;
        }
        command_progress_clear();
        return status;
}

static int evaluate_and_print(struct eval *e)
{
        e->still.engine = &e->engine;
        int status = evaluate_all(e);
        still_finish(&e->still);
        if (e->evaluation.parse.count == 0)
                command_error("no picture could be evaluated");
        else if (e->json)
                evaluation_print_json(&e->evaluation, &e->engine, e->matrix);
        else
                evaluation_print_table(&e->evaluation, &e->engine, e->matrix);
        return status;
}

static int accept(void *userdata, const struct model_info *model, char *why, size_t why_size)
{
        struct eval *e = userdata;

        return evaluation_init(&e->evaluation, model, e->classes, why, why_size);
}

static int run(struct eval *e)
{
        char why[4 * PATH_MAX + 200];
        int status;

        if (pairs_find(&e->pairs, e->images, e->labels, why, sizeof why) < 0) {
                command_error("%s", why);
                return 1;
        }
        e->engine_options.accept = accept;
        e->engine_options.userdata = e;
        int r = command_engine_open(&e->engine, &e->engine_options);
        if (r < 0) {
                status = command_engine_status(r);
        } else {
                status = evaluate_and_print(e);
                engine_close(&e->engine);
        }
        pairs_free(&e->pairs);
        return status;
}

enum { OPTION_IMAGES = COMMAND_OWN_OPTION, OPTION_LABELS, OPTION_CLASSES, OPTION_CONFUSION, OPTION_JSON };

static const struct option table[] = {
        {"images", required_argument, NULL, OPTION_IMAGES},
        {"labels", required_argument, NULL, OPTION_LABELS},
        {"classes", required_argument, NULL, OPTION_CLASSES},
        {"confusion", no_argument, NULL, OPTION_CONFUSION},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMAND_ENGINE_OPTIONS,
        {0},
};

static int set_classes(struct eval *e, const char *number)
{
        static const char *const numbers[] = {"11", "19", "20"};

        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
                if (strcmp(number, numbers[i]) == 0) {
                        e->classes = (unsigned)atoi(number);
                        return -1;
                }
        return command_usage("eval", "--classes cannot be \"%s\": must be 11, 19 or 20", number);
}

/* Returns an exit status, or -1 to continue. */
static int take(struct eval *e, int option)
{
        if (command_engine_option(option, &e->engine_options))
                return -1;
        switch (option) {
        case OPTION_IMAGES:
                e->images = optarg;
                return -1;
        case OPTION_LABELS:
                e->labels = optarg;
                return -1;
        case OPTION_CLASSES:
                return set_classes(e, optarg);
        case OPTION_CONFUSION:
                e->matrix = true;
                return -1;
        case OPTION_JSON:
                e->json = true;
                return -1;
        case 'h':
                printf("%s%s", help, command_engine_help);
                return 0;
        default:
                return command_usage("eval", NULL);
        }
}

int command_eval(int argc, char **argv)
{
        struct eval e = {0};
        int option, status;

        while ((option = command_getopt(argc, argv, "h", table)) != -1)
                if ((status = take(&e, option)) >= 0)
                        return status;
        if (optind < argc)
                return command_usage("eval", "unexpected argument \"%s\"", argv[optind]);
        if (!e.images || !e.labels)
                return command_usage("eval", "%s is missing", e.images ? "--labels" : "--images");
        return run(&e);
}
