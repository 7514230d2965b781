/* What clients of the bus may see and do; the bus calls it through the table at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/pipeline/pixels.h"
#include "daemon/service/parts.h"
#include "daemon/service/results-json.h"
#include "v4l2/files/picture.h"

/* ---- the state ---- */

static void look(const struct supervisor *sv, struct control_view *ret)
{
        const struct gpu_part *g = &sv->gpu;
        const bool ready = g->state == GPU_READY;

        *ret = (struct control_view){
                .config = &sv->config,
                .configured_model = sv->configured_model,
                .paused = sv->paused,
                .stopped = sv->stopped,
                .camera_closed = sv->camera.state == CAMERA_CLOSED,
                .live = sv->output.live,
                .faces = sv->results.faces,
                .face_count = sv->results.face_count,
                .class_names = sv->results.names,
                .classes = sv->results.classes,
                .readers = supervisor_outputs_readers(sv),
                .missing = sv->output.format.width ? NULL : supervisor_outputs_trouble(sv),
                .gpu = ready ? gpu_info(g->now->engine.gpu)->name : NULL,
                .model = ready ? g->now->engine.model_path : NULL,
                .opening = supervisor_gpu_is_switching(sv),
                .switching = g->switching,
                .opened = g->result,
                .opened_why = g->why,
        };
        ret->state = supervisor_state(sv, ret->reason, sizeof ret->reason);
}

static void figures(const struct supervisor *sv, struct control_figures *ret)
{
        const struct stats *s = &sv->stats;
        const bool live = sv->output.live;
        struct camera_counters now = {0};

        if (sv->camera.state == CAMERA_STARTING || sv->camera.state == CAMERA_STREAMING)
                now = *camera_counters(sv->camera.camera);
        *ret = (struct control_figures){
                .frame_rate = live ? stats_recent_rate(&s->shown, stats_now()) : 0,
                .parse_rate = live ? stats_recent_rate(&s->parsed, stats_now()) : 0,
                .latency_ms = live ? stats_median_ms(&s->latency) : 0,
        };
        stats_counters(s, ret->counters);
        ret->counters[COUNTER_CAPTURED] += now.captured;
        ret->counters[COUNTER_STALE] += now.stale;
        ret->counters[COUNTER_CORRUPT] += now.corrupt;
        ret->counters[COUNTER_LOST] += now.lost;
}

static void update(struct supervisor *sv)
{
        sv->update(sv);
}

/* ---- start, stop, pause ---- */

static void stop(struct supervisor *sv, bool yes)
{
        sv->stopped = yes;
}

/* A file that exists during a pause, so that the pause outlives a crash.  systemd removes RuntimeDirectory= after a
 * stop. */
static bool pause_mark(char *ret, size_t size)
{
        const char *folder = getenv("RUNTIME_DIRECTORY");

        return folder && snprintf(ret, size, "%s/paused", folder) < (int)size;
}

bool supervisor_was_paused(void)
{
        char mark[PATH_MAX];

        return pause_mark(mark, sizeof mark) && access(mark, F_OK) == 0;
}

static void pause_all(struct supervisor *sv, bool yes)
{
        char mark[PATH_MAX];

        sv->paused = yes;
        log_info(yes ? "paused" : "resumed");
        if (!pause_mark(mark, sizeof mark))
                return;
        int fd = yes ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
        if (yes && fd < 0)
                log_warning("%s: %s; a crash would end the pause", mark, strerror(errno));
        if (fd >= 0)
                close(fd);
        if (!yes)
                unlink(mark);
}

/* ---- effect and mode ---- */

static int set_effect(struct supervisor *sv, const struct effect_settings *settings)
{
        int r = sv->gpu.state == GPU_READY ? pipeline_set_effect(sv->gpu.now->pipeline, settings) : 0;
        if (r == 0)
                sv->config.effect = *settings;
        return r;
}

static void set_mode(struct supervisor *sv, enum mode mode)
{
        sv->config.mode = mode;
        if (sv->gpu.state != GPU_READY)
                return;
        pipeline_set_mode(sv->gpu.now->pipeline, mode, sv->config.label_age_ms);
        supervisor_playout_follow(sv);
}

/* ---- the GPU and the model ---- */

/* While stopped, the settings are only kept for the next start. */
static int set_engine(struct supervisor *sv, const struct config *wish)
{
        if (sv->gpu.state == GPU_CLOSED && sv->stopped) {
                sv->config = *wish;
                return 0;
        }
        if (sv->gpu.state == GPU_CLOSED && !sv->output.format.width)
                return CONTROL_NO_OUTPUT;
        int r = supervisor_gpu_switch(sv, wish);
        return r < 0 ? r : CONTROL_LATER;
}

/* ---- the configuration ---- */

static int read_config(const struct supervisor *sv, struct config *ret, config_complaint complain, void *userdata)
{
        return options_config(sv->options, ret, complain, userdata);
}

/* Everything except model, GPU and precision, which take time to open.  Logs what only changes after a restart. */
static void take_rest(struct supervisor *sv, const struct config *new)
{
        const struct config before = sv->config;

        sv->config.label_age_ms = new->label_age_ms;
        sv->config.always_on = new->always_on;
        set_mode(sv, new->mode);
        int r = set_effect(sv, &new->effect);
        if (r < 0)
                log_warning("the effect cannot be set: %s", strerror(-r));
        if (strcmp(new->camera, before.camera) != 0)
                supervisor_camera_choose(sv, new->camera);
        if (memcmp(new->virtual_camera, before.virtual_camera, sizeof new->virtual_camera) != 0 ||
            new->width != before.width || new->height != before.height ||
            new->rate.numerator != before.rate.numerator || new->rate.denominator != before.rate.denominator ||
            new->faces != before.faces || new->face_born_ms != before.face_born_ms ||
            new->face_gone_ms != before.face_gone_ms)
                log_notice("virtual-camera, size, rate, faces, face-born and face-gone only change when visaged is "
                           "restarted");
        sv->update(sv);
}

static int take_config(struct supervisor *sv, const struct config *new)
{
        const bool opening = supervisor_gpu_is_switching(sv);
        const struct config *now = opening ? &sv->gpu.wish : &sv->config;
        struct config wish = sv->config;
        int r = opening ? CONTROL_LATER : 0; /* perhaps of this very engine: the view will have the result */

        if (!config_same_engine(new, now)) {
                config_choose_engine(&wish, new);
                if (sv->gpu.state == GPU_CLOSED && !sv->output.format.width)
                        sv->config = wish; /* opened once there is a virtual camera */
                else
                        r = set_engine(sv, &wish);
        }
        if (r < 0)
                return r;
        memcpy(sv->configured_model, new->model, sizeof sv->configured_model);
        take_rest(sv, new);
        return r;
}

/* ---- the newest frame ---- */

struct taken {
        struct frame_format format;
        uint8_t bytes[];
};

static int take_frame(const struct supervisor *sv, void **ret)
{
        const struct output_part *o = &sv->output;

        if (!o->live)
                return -EAGAIN;
        struct taken *taken = malloc(sizeof *taken + o->format.size);
        if (!taken)
                return -ENOMEM;
        taken->format = o->format;
        memcpy(taken->bytes, o->frame, o->format.size);
        *ret = taken;
        return 0;
}

static int write_frame(const void *frame, int fd)
{
        const struct taken *taken = frame;
        const struct frame_format *format = &taken->format;
        _cleanup_(freep) uint8_t *rgba = malloc((size_t)format->width * format->height * 4);
        struct gpu_pixels pixels;

        if (!rgba)
                return -ENOMEM;
        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        pixels_unpack(&pixels, taken->bytes, rgba);
        return picture_write_png_fd(fd, format->width, format->height, rgba);
}

const struct control supervisor_control = {
        .look = look,
        .figures = figures,
        .first_line = results_json_first,
        .update = update,
        .stop = stop,
        .pause = pause_all,
        .set_effect = set_effect,
        .set_mode = set_mode,
        .set_camera = supervisor_camera_choose,
        .set_engine = set_engine,
        .read_config = read_config,
        .take_config = take_config,
        .take_frame = take_frame,
        .write_frame = write_frame,
};
