#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/faces-screen.h"

#define CLASSES_SHOWN 5

/* ---- the picture ---- */

struct share {
        const char *name;
        double pixels;
};

static int compare(const void *a, const void *b)
{
        const struct share *x = a, *y = b;

        return (x->pixels < y->pixels) - (x->pixels > y->pixels);
}

static void print_classes(const json_t *classes, double size)
{
        struct share shares[64];
        size_t n = 0;
        const char *name;
        json_t *value;

        json_object_foreach((json_t *)classes, name, value) if (n < sizeof shares / sizeof shares[0]) shares[n++] =
                (struct share){name, json_number_value(value)};
        qsort(shares, n, sizeof shares[0], compare);
        for (size_t i = 0; i < n && i < CLASSES_SHOWN; i++) {
                char printable[64];
                text_printable(shares[i].name, printable, sizeof printable);
                printf("%s%s %.1f %%", i > 0 ? ", " : "", printable, size > 0 ? 100 * shares[i].pixels / size : 0.0);
        }
        putchar('\n');
}

/* ---- the faces ---- */

static double item(const json_t *array, size_t i)
{
        return json_number_value(json_array_get(array, i));
}

/* The words for the answers that are worth showing. */
static const struct {
        const char *answer, *yes, *no;
} words[] = {
        {"left_eye_open", NULL, "left eye closed"},
        {"right_eye_open", NULL, "right eye closed"},
        {"mouth_open", "mouth open", NULL},
        {"glasses", "glasses", NULL},
        {"hat", "hat", NULL},
        {"turned_left", "turned left", NULL},
        {"turned_right", "turned right", NULL},
        {"turned_up", "turned up", NULL},
        {"turned_down", "turned down", NULL},
        {"covered", "covered", NULL},
        {"cut", "cut by the edge", NULL},
};

static void describe(const json_t *face, char *ret, size_t size)
{
        size_t n = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
                const json_t *answer = json_object_get(face, words[i].answer);
                const char *word = json_is_true(answer) ? words[i].yes : json_is_false(answer) ? words[i].no : NULL;
                if (word && n < size)
                        n += (size_t)snprintf(ret + n, size - n, "%s%s", n > 0 ? ", " : "", word);
        }
}

static void add_face(struct table *table, const json_t *face, double time_ns)
{
        const json_t *box = json_object_get(face, "box");
        char id[16], seconds[32], place[48], size[48], roll[32], confidence[32], words_text[256];

        snprintf(id, sizeof id, "%.0f", json_number_value(json_object_get(face, "id")));
        snprintf(seconds, sizeof seconds, "%.1f s",
                 (time_ns - json_number_value(json_object_get(face, "since_ns"))) / 1e9);
        snprintf(place, sizeof place, "%.0f %%, %.0f %%", 100 * item(box, 0), 100 * item(box, 1));
        snprintf(size, sizeof size, "%.0f x %.0f %%", 100 * item(box, 2), 100 * item(box, 3));
        snprintf(roll, sizeof roll, "%.0f", json_number_value(json_object_get(face, "roll")));
        snprintf(confidence, sizeof confidence, "%.0f %%",
                 100 * json_number_value(json_object_get(face, "confidence")));
        describe(face, words_text, sizeof words_text);
        table_row(table, (const char *[]){id, seconds, place, size, roll, confidence, words_text});
}

static void print_faces(const json_t *faces, double time_ns)
{
        struct table table = {.columns = 7, .right = {true, true, true, true, true, true}};
        const json_t *face;
        size_t i;

        table_row(&table, (const char *[]){"FACE", "FOR", "LEFT, TOP", "SIZE", "ROLL", "SURE", "SEEN"});
        json_array_foreach(faces, i, face) add_face(&table, face, time_ns);
        table_print(&table, "", stdout);
        table_free(&table);
}

int faces_screen_print(const json_t *result)
{
        long long sequence, time_ns, width, height, dropped;
        json_t *classes, *faces;
        double parse_ms;

        if (json_unpack((json_t *)result, "{s:I, s:I, s:I, s:I, s:F, s:I, s:o, s:o}", "sequence", &sequence, "time_ns",
                        &time_ns, "width", &width, "height", &height, "parse_ms", &parse_ms, "dropped", &dropped,
                        "classes", &classes, "faces", &faces) < 0)
                return -EBADMSG;
        printf("\033[H\033[J"); /* clear the screen */
        printf("Frame %lld, %lldx%lld, parsed in %.1f ms; %lld lost\n", sequence, width, height, parse_ms, dropped);
        print_classes(classes, (double)width * (double)height);
        putchar('\n');
        print_faces(faces, (double)time_ns);
        return 0;
}
