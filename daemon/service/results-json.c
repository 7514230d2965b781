#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "daemon/service/results-json.h"

#define VERSION 2
#define BUS_ADDS 48 /* the number of dropped lines, a brace and a line break */

/* How much of a result a line contains. */
enum detail { WITHOUT_CLASSES, WITHOUT_AREAS, ALL };

struct line {
        char *text;
        size_t length;
        enum detail detail;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
        const size_t room = CONTROL_LINE_MAX - BUS_ADDS;
        va_list arguments;

        if (line->length >= room)
                return;
        va_start(arguments, format);
        line->length += (size_t)vsnprintf(line->text + line->length, room - line->length, format, arguments);
        va_end(arguments);
}

static size_t end(const struct line *line)
{
        return line->length < CONTROL_LINE_MAX - BUS_ADDS ? line->length : 0;
}

void results_json_name(const char *name, char ret[CONTROL_NAME_MAX])
{
        size_t n = 0;

        for (; *name && n + 1 < CONTROL_NAME_MAX; name++)
                if ((unsigned char)*name >= ' ' && (unsigned char)*name < 127 && *name != '"' && *name != '\\')
                        ret[n++] = *name;
        ret[n] = '\0';
}

/* The classes that occur, except the background. */
static void put_counts(struct line *line, const struct result *result, const uint64_t *counts)
{
        const char *comma = "";

        put(line, "{");
        for (uint32_t i = 1; i < result->classes; i++)
                if (counts[i]) {
                        put(line, "%s\"%s\":%" PRIu64, comma, result->names[i], counts[i]);
                        comma = ",";
                }
        put(line, "}");
}

/* ---- the fields of a face ---- */

#define FACE(name) static void name(struct line *line, const struct result *result, const struct face *face)

FACE(put_id)
{
        put(line, "%" PRIu32, face->id);
}

FACE(put_since)
{
        put(line, "%" PRIu64, face->since_ns);
}

FACE(put_seen)
{
        put(line, "%" PRIu64, face->seen_ns);
}

FACE(put_viewed)
{
        put(line, "%" PRIu64, face->viewed_ns);
}

FACE(put_box)
{
        const struct face_box *b = &face->box;

        put(line, "[%.4f,%.4f,%.4f,%.4f]", b->left, b->top, b->width, b->height);
}

FACE(put_upright)
{
        const struct face_upright *u = &face->upright;

        put(line, "[%.4f,%.4f,%.4f,%.4f]", u->x, u->y, u->width, u->height);
}

FACE(put_roll)
{
        put(line, "%.1f", face->upright.roll);
}

FACE(put_confidence)
{
        put(line, "%.2f", face->confidence);
}

FACE(put_areas)
{
        static const uint64_t none[FACE_CLASSES_MAX];

        put_counts(line, result, line->detail == ALL ? face->areas : none);
}

static const struct {
        const char *name;
        void (*put)(struct line *line, const struct result *result, const struct face *face);
} face_fields[] = {
        {"id", put_id},       {"since_ns", put_since},  {"seen_ns", put_seen}, {"viewed_ns", put_viewed},
        {"box", put_box},     {"upright", put_upright}, {"roll", put_roll},    {"confidence", put_confidence},
        {"areas", put_areas},
};
#define FACE_FIELDS (sizeof face_fields / sizeof face_fields[0])

static void put_face(struct line *line, const struct result *result, const struct face *face)
{
        static const char *const answers[] = {[FACE_UNKNOWN] = "null", [FACE_NO] = "false", [FACE_YES] = "true"};

        for (size_t i = 0; i < FACE_FIELDS; i++) {
                put(line, "%s\"%s\":", i > 0 ? "," : "{", face_fields[i].name);
                face_fields[i].put(line, result, face);
        }
        for (size_t i = 0; i < FACE_QUESTIONS; i++)
                put(line, ",\"%s\":%s", face_question_names[i], answers[face->answers[i]]);
        put(line, "}");
}

/* ---- the fields of a line ---- */

#define FIELD(name) static void name(struct line *line, const struct result *result)

FIELD(put_sequence)
{
        put(line, "%" PRIu64, result->sequence);
}

FIELD(put_time)
{
        put(line, "%" PRIu64, result->time_ns);
}

FIELD(put_width)
{
        put(line, "%" PRIu32, result->width);
}

FIELD(put_height)
{
        put(line, "%" PRIu32, result->height);
}

FIELD(put_present)
{
        put(line, "%s", result->face_count > 0 ? "true" : "false");
}

FIELD(put_classes)
{
        static const uint64_t none[FACE_CLASSES_MAX];

        put_counts(line, result, line->detail > WITHOUT_CLASSES ? result->counts : none);
}

FIELD(put_faces)
{
        put(line, "[");
        for (size_t i = 0; i < result->face_count; i++) {
                put(line, "%s", i > 0 ? "," : "");
                put_face(line, result, &result->faces[i]);
        }
        put(line, "]");
}

FIELD(put_parse)
{
        put(line, "%.2f", result->parse_ms);
}

static const struct {
        const char *name;
        void (*put)(struct line *line, const struct result *result);
} fields[] = {
        {"sequence", put_sequence}, {"time_ns", put_time},    {"width", put_width}, {"height", put_height},
        {"face", put_present},      {"classes", put_classes}, {"faces", put_faces}, {"parse_ms", put_parse},
};
#define FIELDS (sizeof fields / sizeof fields[0])

size_t results_json_line(const struct result *result, char ret[CONTROL_LINE_MAX])
{
        size_t length = 0;

        for (int detail = ALL; detail >= WITHOUT_CLASSES && length == 0; detail--) {
                struct line line = {.text = ret, .detail = (enum detail)detail};
                for (size_t i = 0; i < FIELDS; i++) {
                        put(&line, "%s\"%s\":", i > 0 ? "," : "{", fields[i].name);
                        fields[i].put(&line, result);
                }
                length = end(&line);
        }
        return length;
}

/* ---- the first line ---- */

size_t results_json_first(char ret[CONTROL_LINE_MAX])
{
        struct line line = {.text = ret};

        put(&line, "{\"version\":%d,\"fields\":[", VERSION);
        for (size_t i = 0; i < FIELDS; i++)
                put(&line, "\"%s\",", fields[i].name);
        put(&line, "\"dropped\"],\"face_fields\":[");
        for (size_t i = 0; i < FACE_FIELDS; i++)
                put(&line, "\"%s\",", face_fields[i].name);
        for (size_t i = 0; i < FACE_QUESTIONS; i++)
                put(&line, "%s\"%s\"", i > 0 ? "," : "", face_question_names[i]);
        put(&line, "]");
        return end(&line);
}
