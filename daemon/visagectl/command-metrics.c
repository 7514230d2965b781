/* OpenMetrics 1.0 text: https://github.com/OpenObservability/OpenMetrics */
#include <stdio.h>
#include <string.h>

#include "daemon/common/interface.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl metrics [OPTION]...\n"
        "\n"
        "Prints counters, rates and states as OpenMetrics text, for Prometheus and similar programs.\n"
        "\n";

static const struct {
        const char *name, *unit, *help;
} counters[COUNTERS] = {
        [COUNTER_CAPTURED] = {"visaged_captured_frames", "frames", "Frames captured from the camera."},
        [COUNTER_PARSED] = {"visaged_parsed_frames", "frames", "Frames that were labelled."},
        [COUNTER_SHOWN] = {"visaged_shown_frames", "frames", "Frames of the camera shown on the virtual camera."},
        [COUNTER_REPEATED] = {"visaged_repeated_frames", "frames", "Frames shown again because there was no new one."},
        [COUNTER_PLACEHOLDER] = {"visaged_placeholder_frames", "frames", "Placeholders shown on the virtual camera."},
        [COUNTER_STALE] = {"visaged_stale_frames", "frames", "Frames not used because there was a newer one."},
        [COUNTER_CORRUPT] = {"visaged_corrupt_frames", "frames", "Frames not used because they were damaged."},
        [COUNTER_LOST] = {"visaged_lost_frames", "frames", "Frames missing in the camera's sequence numbers."},
        [COUNTER_REFUSED] = {"visaged_refused_frames", "frames", "Frames that the virtual camera did not accept."},
        [COUNTER_REOPENED] = {"visaged_camera_reopened", NULL, "Times that a lost camera was available again."},
};

static const struct {
        const char *property, *name, *unit, *help;
        double scale;
} gauges[] = {
        {"frame_rate", "visaged_frame_rate_hertz", "hertz", "Frames of the camera shown per second.", 1},
        {"parse_rate", "visaged_parse_rate_hertz", "hertz", "Frames parsed per second.", 1},
        {"latency_ms", "visaged_latency_seconds", "seconds",
         "From capture to display, the median of the most recent frames.", 1e-3},
        {"readers", "visaged_readers", NULL, "Programs that stream from the virtual camera.", 1},
        {"faces_present", "visaged_face_present", NULL, "Whether there is a face in the picture.", 1},
        {"face_count", "visaged_faces", NULL, "Faces in the picture.", 1},
};

static const char *const labels[] = {"version", "camera", "virtual_camera", "gpu", "model", "effect", "mode"};

#define LENGTH(array) (sizeof array / sizeof(array)[0])

static void describe(const char *name, const char *type, const char *unit, const char *text)
{
        printf("# TYPE %s %s\n", name, type);
        if (unit)
                printf("# UNIT %s %s\n", name, unit);
        printf("# HELP %s %s\n", name, text);
}

static void print_label(const char *name, const char *value)
{
        printf("%s=\"", name);
        for (; *value; value++)
                if (*value == '\n')
                        fputs("\\n", stdout);
                else
                        printf("%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
        putchar('"');
}

static void print_info(const json_t *properties)
{
        describe("visaged", "info", NULL, "What visaged uses.");
        printf("visaged_info{");
        for (size_t i = 0; i < LENGTH(labels); i++) {
                if (i > 0)
                        putchar(',');
                print_label(labels[i], client_text(properties, labels[i]));
        }
        printf("} 1\n");
}

static void print_state(const json_t *properties)
{
        describe("visaged_state", "stateset", NULL, "The state of visaged.");
        for (size_t i = 0; i < STATES; i++)
                printf("visaged_state{visaged_state=\"%s\"} %d\n", state_names[i],
                       strcmp(client_text(properties, "state"), state_names[i]) == 0);
}

static void print_metrics(const json_t *properties)
{
        const json_t *counted = json_object_get(properties, "counters");

        print_info(properties);
        print_state(properties);
        for (size_t i = 0; i < LENGTH(gauges); i++) {
                const json_t *value = json_object_get(properties, gauges[i].property);
                if (json_is_null(value))
                        continue; /* this user may not see it */
                describe(gauges[i].name, "gauge", gauges[i].unit, gauges[i].help);
                printf("%s %.12g\n", gauges[i].name,
                       json_is_true(value) ? 1.0 : json_number_value(value) * gauges[i].scale);
        }
        for (size_t i = 0; i < COUNTERS; i++) {
                const json_t *value = json_object_get(counted, counter_names[i]);
                if (!value)
                        continue; /* a daemon of another version */
                describe(counters[i].name, "counter", counters[i].unit, counters[i].help);
                printf("%s_total %lld\n", counters[i].name, (long long)json_integer_value(value));
        }
        printf("# EOF\n");
}

int command_metrics(int argc, char **argv)
{
        struct client client;
        enum client_bus bus;
        json_t *properties;
        char why[1024];

        int status = command_bus_options(argc, argv, help, &bus, NULL);
        if (status >= 0)
                return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        if (command_bus_open(bus, false, &client) < 0)
                return 1;
        int r = client_properties(&client, &properties, why, sizeof why);
        client_close(&client);
        if (r < 0) {
                command_error("%s", why);
                return 1;
        }
        print_metrics(properties);
        json_decref(properties);
        return 0;
}
