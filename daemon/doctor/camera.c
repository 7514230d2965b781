#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/doctor/world.h"
#include "v4l2/camera.h"
#include "v4l2/names.h"

/* The file of a camera's name, or NULL if it names a node. */
static const char *file_of(const char *camera)
{
        const char *file;

        return name_of_camera(camera, &file) == NAME_NODE ? NULL : file;
}

static int ask(const struct doctor_world *world, const char *node, char *ret_card, size_t size)
{
        char path[PATH_MAX];

        return camera_ask(doctor_path(world, path, "%s", node), ret_card, size);
}

/* The first node that delivers pictures, or may.  v4l2loopback's are not queried: with 0.12, that could break a
 * producer. */
static void find_first(const struct doctor_world *world, char *ret, size_t size)
{
        struct doctor_nodes nodes;
        char card[40];

        doctor_nodes(world, &nodes);
        for (unsigned i = 0; i < nodes.count; i++) {
                snprintf(ret, size, "/dev/%s", nodes.name[i]);
                int r = doctor_is_loopback(world, nodes.name[i]) ? -ENODEV : ask(world, ret, card, sizeof card);
                if (r == 0 || r == -EACCES)
                        return;
        }
        *ret = '\0';
}

void doctor_find_nodes(struct doctor_world *world)
{
        const char *camera = world->config->camera;
        char path[PATH_MAX + sizeof BY_ID];
        unsigned n = 0;

        memset(world->nodes, 0, sizeof world->nodes);
        world->node = world->nodes[0];
        world->camera[0] = '\0';
        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
                const char *output = world->config->virtual_camera[i];
                if (output[0] && name_of_output(output, NULL) == NAME_NODE)
                        doctor_resolve(world, output, world->nodes[n++], sizeof world->nodes[0]);
        }
        if (file_of(camera))
                return;
        if (!camera[0]) {
                find_first(world, world->camera, sizeof world->camera);
                return;
        }
        name_node(camera, path, sizeof path);
        doctor_resolve(world, path, world->camera, sizeof world->camera);
}

static bool is_virtual(const struct doctor_world *world, const char *node)
{
        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++)
                if (strcmp(world->nodes[i], node) == 0)
                        return true;
        return false;
}

static void examine(const struct doctor_world *world, struct doctor_finding *ret)
{
        char card[40];
        int r = ask(world, world->camera, card, sizeof card);

        if (r == 0) {
                doctor_say(ret, DOCTOR_OK, "%s, \"%s\"", world->camera, card);
        } else if (r == -EACCES) {
                doctor_say(ret, DOCTOR_WARNING, "%s may not be opened by %s", world->camera, world->user);
                doctor_fix(ret, "see \"groups\" below");
        } else {
                doctor_say(ret, DOCTOR_PROBLEM, "%s cannot be used: %s", world->camera,
                           r == -ENODEV ? "it delivers no pictures" : strerror(-r));
                doctor_fix(ret, "plug it in again, or choose another one from \"visagectl cameras\" (key \"camera\")");
        }
}

void doctor_camera(const struct doctor_world *world, struct doctor_finding *ret)
{
        const char *camera = world->config->camera, *name = world->camera + strlen("/dev/");

        if (file_of(camera)) {
                doctor_say(ret, DOCTOR_SKIPPED, "a file: %s", file_of(camera));
        } else if (!world->camera[0]) {
                doctor_say(ret, DOCTOR_PROBLEM, "there is none");
                doctor_fix(ret, "plug one in; \"visagectl cameras\" lists those that the kernel knows");
        } else if (camera[0] && !strchr(camera, '/') && doctor_exists(world, "/dev/%s", camera)) {
                doctor_say(ret, DOCTOR_PROBLEM, "no camera has the id \"%s\"", camera);
                doctor_fix(ret, "camera = /dev/%s, or an id from \"visagectl cameras\"", camera);
        } else if (!doctor_exists(world, "%s", world->camera)) {
                doctor_say(ret, DOCTOR_PROBLEM, "%s is not plugged in", camera);
                doctor_fix(ret, "plug it in, or choose another one from \"visagectl cameras\" (key \"camera\")");
        } else if (is_virtual(world, world->camera)) {
                doctor_say(ret, DOCTOR_PROBLEM, "%s is also the virtual camera", world->camera);
                doctor_fix(ret, "choose another one from \"visagectl cameras\" (key \"camera\")");
        } else if (doctor_is_loopback(world, name)) {
                doctor_say(ret, DOCTOR_OK, "%s, another v4l2loopback node", world->camera);
        } else {
                examine(world, ret);
        }
}

void doctor_camera_users(const struct doctor_world *world, struct doctor_finding *ret)
{
        struct doctor_openers openers;

        if (file_of(world->config->camera) || !world->camera[0] || !doctor_exists(world, "%s", world->camera)) {
                doctor_say(ret, DOCTOR_SKIPPED, "no camera to check");
                return;
        }
        doctor_openers(world, world->camera, &openers);
        if (openers.count == 0) {
                doctor_say(ret, DOCTOR_OK, "%s%s", openers.visaged ? "visaged alone" : "nobody",
                           openers.hidden ? " that this user can see; root sees all" : "");
        } else if (doctor_is_loopback(world, world->camera + strlen("/dev/"))) {
                doctor_say(ret, DOCTOR_OK, "open in %s, one of which feeds it", openers.text);
        } else {
                doctor_say(ret, openers.visaged ? DOCTOR_OK : DOCTOR_WARNING, "open in %s", openers.text);
                if (!openers.visaged)
                        doctor_fix(ret,
                                   "only one program can stream from a camera: make that one use the virtual camera");
        }
}
