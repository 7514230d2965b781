#define LOG_COMPONENT "virtual-camera"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/common/log.h"
#include "daemon/pipeline/pixels.h"
#include "daemon/service/placeholder-task.h"

static void draw(void *userdata)
{
        struct placeholder_task *t = userdata;

        t->result = t->placeholder ? 0 : placeholder_new(&t->format, &t->placeholder);
        if (t->result == 0)
                placeholder_say(t->placeholder, t->drawing);
}

static void take(struct placeholder_task *t)
{
        t->done = sd_event_source_disable_unref(t->done);
        task_finish(&t->task);
        if (t->result < 0) {
                log_warning("the placeholder cannot be drawn: %s", strerror(-t->result));
                return;
        }
        if (!t->drawn && !placeholder_can_write(t->placeholder))
                log_warning("there is no font, so the placeholder has no text; install fonts-dejavu-core");
        memcpy(t->bytes, placeholder_bytes(t->placeholder), t->format.size);
        t->drawn = true;
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Without a thread or an event source, waits until it is drawn. */
static void begin(struct placeholder_task *t)
{
        snprintf(t->drawing, sizeof t->drawing, "%s", t->wanted);
        if (task_begin(&t->task, draw, t) < 0) {
                draw(t);
                take(t);
        } else if (sd_event_add_io(t->event, &t->done, t->task.fd, EPOLLIN, on_done, t) < 0) {
                take(t);
        }
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct placeholder_task *t = userdata;

        take(t);
        if (strcmp(t->wanted, t->drawing) != 0)
                begin(t);
        return 0;
}

int placeholder_task_init(struct placeholder_task *t, sd_event *event, const struct frame_format *format)
{
        struct gpu_pixels pixels;

        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        *t = (struct placeholder_task){
                .event = event, .format = *format, .task = TASK_NONE, .bytes = malloc(format->size)};
        return t->bytes ? 0 : -ENOMEM;
}

void placeholder_task_finish(struct placeholder_task *t)
{
        t->done = sd_event_source_disable_unref(t->done);
        if (t->task.running)
                task_finish(&t->task);
        placeholder_free(t->placeholder);
        free(t->bytes);
        *t = (struct placeholder_task){0};
}

void placeholder_task_say(struct placeholder_task *t, const char *caption)
{
        if (!t->bytes || ((t->drawn || t->task.running) && strcmp(caption, t->wanted) == 0))
                return;
        snprintf(t->wanted, sizeof t->wanted, "%s", caption);
        if (!t->task.running)
                begin(t);
}

void placeholder_task_wait(struct placeholder_task *t)
{
        while (t->task.running)
                on_done(NULL, -1, 0, t);
}

const uint8_t *placeholder_task_bytes(const struct placeholder_task *t)
{
        return t->drawn ? t->bytes : NULL;
}
