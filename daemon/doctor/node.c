/* The virtual camera: its node, its producer, and whether programs can read it. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/doctor/world.h"
#include "v4l2/sink.h"

/* ---- the node ---- */

static const char *node_name(const struct doctor_world *world)
{
        return strncmp(world->node, "/dev/", 5) == 0 ? world->node + 5 : world->node;
}

static bool skip(const struct doctor_world *world, struct doctor_finding *ret)
{
        if (!world->node[0])
                doctor_say(ret, DOCTOR_SKIPPED, "the virtual camera is a file: %s", world->config->virtual_camera[0]);
        else if (!doctor_is_loopback(world, node_name(world)))
                doctor_say(ret, DOCTOR_SKIPPED, "%s is not a v4l2loopback node", world->node);
        return ret->seen[0];
}

/* "/dev/video2, /dev/video3": the nodes that could be the virtual camera. */
static void list_loopbacks(const struct doctor_world *world, char *ret, size_t size)
{
        struct doctor_nodes nodes;
        size_t n = 0;

        *ret = '\0';
        doctor_nodes(world, &nodes);
        for (unsigned i = 0; i < nodes.count && n < size; i++)
                if (doctor_is_loopback(world, nodes.name[i]))
                        n += (size_t)snprintf(ret + n, size - n, "%s/dev/%s", n > 0 ? ", " : "", nodes.name[i]);
}

void doctor_node(const struct doctor_world *world, struct doctor_finding *ret)
{
        const char *name = node_name(world);
        char label[64], others[300];

        if (!world->node[0]) {
                skip(world, ret);
                return;
        }
        doctor_read(world, label, sizeof label, "/sys/class/video4linux/%s/name", name);
        if (doctor_is_loopback(world, name)) {
                doctor_say(ret, DOCTOR_OK, "%s, \"%s\"", world->node, label);
                return;
        }
        if (label[0])
                doctor_say(ret, DOCTOR_PROBLEM, "%s is \"%s\", not a v4l2loopback node", world->node, label);
        else
                doctor_say(ret, DOCTOR_PROBLEM, "there is no %s", world->node);
        list_loopbacks(world, others, sizeof others);
        if (others[0])
                doctor_fix(ret, "set virtual-camera in the configuration to a loopback node: %s", others);
        else
                doctor_fix(ret, "load v4l2loopback with video_nr=%s, or set virtual-camera in the configuration",
                           strncmp(name, "video", 5) == 0 ? name + 5 : "10");
}

/* ---- its producer ---- */

/* The driver reports a format while somebody feeds the node. */
static bool has_producer(const struct doctor_world *world)
{
        char format[64];

        return doctor_read(world, format, sizeof format, "/sys/class/video4linux/%s/format", node_name(world)) &&
               format[0];
}

void doctor_producer(const struct doctor_world *world, struct doctor_finding *ret)
{
        struct doctor_openers openers;

        if (skip(world, ret))
                return;
        doctor_openers(world, world->node, &openers);
        if (!has_producer(world))
                doctor_say(ret, DOCTOR_OK, "no program writes to it");
        else if (openers.visaged || (world->daemon && (openers.hidden || !openers.count)))
                doctor_say(ret, DOCTOR_OK, "visaged%s%s", openers.count ? "; also open in " : "", openers.text);
        else if (openers.count) {
                doctor_say(ret, DOCTOR_PROBLEM, "another program writes to it, one of %s", openers.text);
                doctor_fix(ret, "end that program, or give visaged a node of its own");
        } else {
                doctor_say(ret, DOCTOR_PROBLEM, "another program writes to it%s",
                           openers.hidden ? ", which only root can see" : "");
                doctor_fix(ret, "find it with \"fuser -v %s\" as root and end it, or give visaged a node of its own",
                           world->node);
        }
}

/* ---- what readers make of it ---- */

void doctor_size(const struct doctor_world *world, struct doctor_finding *ret)
{
        const struct config *config = world->config;

        if (sink_size_accepted(config->width, config->height)) {
                doctor_say(ret, DOCTOR_OK, "%ux%u", config->width, config->height);
                return;
        }
        doctor_say(ret, DOCTOR_WARNING, "%ux%u, which Firefox does not offer", config->width, config->height);
        doctor_fix(ret, "set size in the configuration to 640x480, 1280x720 or 1920x1080");
}

/* Only queries a node that visaged writes to: with v4l2loopback 0.12, that could break another producer. */
void doctor_colour(const struct doctor_world *world, struct doctor_finding *ret)
{
        struct frame_format frame;
        char path[PATH_MAX];

        if (skip(world, ret))
                return;
        if (!world->daemon || !has_producer(world)) {
                doctor_say(ret, DOCTOR_SKIPPED, "visaged is not writing to it now");
                return;
        }
        int r = sink_ask(doctor_path(world, path, "%s", world->node), &frame);
        if (r < 0) {
                doctor_say(ret, DOCTOR_SKIPPED, "%s cannot be queried: %s", world->node, strerror(-r));
                return;
        }
        bool right = frame.matrix == FRAME_BT601 && !frame.full_range;
        doctor_say(ret, right ? DOCTOR_OK : DOCTOR_WARNING, "%s %ux%u, BT.%s, %s range",
                   frame_fourcc_name(frame.fourcc), frame.width, frame.height,
                   frame.matrix == FRAME_BT601 ? "601" : "709", frame.full_range ? "full" : "limited");
        if (!right)
                doctor_fix(ret,
                           "readers interpret it as BT.601 with limited range; stop all programs that use %s, "
                           "including visaged, reload "
                           "v4l2loopback and start visaged first",
                           world->node);
}

/* ---- PipeWire ---- */

/* The output of pw-dump; NULL: PipeWire is not available. */
static json_t *ask_pipewire(struct doctor_finding *ret)
{
        FILE *pipe = popen("timeout 10 pw-dump 2>/dev/null", "r");
        json_t *objects = pipe ? json_loadf(pipe, 0, NULL) : NULL;
        int status = pipe ? pclose(pipe) : -1;

        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                doctor_say(ret, DOCTOR_SKIPPED, "pw-dump is not installed (package pipewire-bin)");
        else if (!json_is_array(objects))
                doctor_say(ret, DOCTOR_SKIPPED, "does not run for this user");
        else
                return objects;
        json_decref(objects);
        return NULL;
}

static const char *object_property(const json_t *object, const char *name)
{
        const char *text =
                json_string_value(json_object_get(json_object_get(json_object_get(object, "info"), "props"), name));

        return text ? text : "";
}

void doctor_pipewire(const struct doctor_world *world, struct doctor_finding *ret)
{
        bool found = false;
        json_t *objects, *object;
        size_t i;

        if (skip(world, ret) || !(objects = ask_pipewire(ret)))
                return;
        json_array_foreach(objects, i, object) found |=
                strcmp(object_property(object, "media.class"), "Video/Source") == 0 &&
                strcmp(object_property(object, "api.v4l2.path"), world->node) == 0;
        json_decref(objects);
        if (found) {
                doctor_say(ret, DOCTOR_OK, "has %s as a source", world->node);
                return;
        }
        doctor_say(ret, DOCTOR_WARNING, "runs, but does not offer %s", world->node);
        doctor_fix(ret,
                   "while visaged runs: systemctl --user restart wireplumber (it looks at a node only once, when it "
                   "appears)");
}
