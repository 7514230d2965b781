#include <stdio.h>
#include <string.h>

#include "tests/daemon/service/rig.h"
#include "tests/v4l2/fake-node.h"

struct supervisor sv;
struct options options;
unsigned stops;

static void update(struct supervisor *s)
{
        supervisor_outputs_update(s);
}

static void stop(struct supervisor *s, int status)
{
        stops++;
}

int reset_node(void **state)
{
        fake_reset();
        fake.loopback = true;
        fake.driver = "v4l2 loopback";
        fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
        fake.event_type = V4L2_EVENT_PRIVATE_START;
        return 0;
}

void open_outputs(const char *first, const char *second)
{
        sv = (struct supervisor){.update = update, .stop = stop, .options = &options};
        config_init(&sv.config);
        sv.config.width = W;
        sv.config.height = H;
        sv.config.rate = (struct frame_rate){200, 1};
        snprintf(sv.config.virtual_camera[0], PATH_MAX, "%s", first);
        snprintf(sv.config.virtual_camera[1], PATH_MAX, "%s", second);
        stops = 0;
        assert_true(sd_event_new(&sv.event) >= 0);
        assert_int_equal(supervisor_outputs_prepare(&sv), 0);
        assert_int_equal(supervisor_outputs_open(&sv), 0);
}

int close_outputs(void **state)
{
        supervisor_outputs_finish(&sv);
        sd_event_unref(sv.event);
        fake_reset();
        return 0;
}

void turn(void)
{
        assert_true(sd_event_run(sv.event, 10000) >= 0);
}

void compose(uint8_t value)
{
        uint8_t frame[SIZE];

        memset(frame, value, sizeof frame);
        supervisor_outputs_compose(&sv, frame, stats_now());
}

unsigned count(const char *path, uint8_t value)
{
        FILE *file = fopen(path, "re");
        uint8_t frame[HEAD + SIZE];
        unsigned n = 0;

        assert_non_null(file);
        while (fgetc(file) != '\n')
                ;
        while (fread(frame, sizeof frame, 1, file) == 1) {
                assert_memory_equal(frame, "FRAME\n", HEAD);
                n += frame[HEAD] == value && frame[HEAD + SIZE - 1] == value;
        }
        fclose(file);
        return n;
}

bool node_shows(uint8_t value)
{
        return fake.shown_n && fake.memory[fake.last.index % fake.used][0] == value &&
               fake.memory[fake.last.index % fake.used][SIZE - 1] == value;
}
