#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/faces/attention.h"
#include "daemon/faces/track.h"

struct faces {
        struct finder *finder;
        struct tracks tracks;
        struct attention attention;
        struct found found[FACES_MAX];
};

int faces_new(const struct faces_options *options, struct faces **ret)
{
        struct faces *faces = calloc(1, sizeof *faces);
        enum role roles[FACE_CLASSES_MAX] = {ROLE_NONE};

        if (!faces)
                return -ENOMEM;
        for (uint32_t i = 0; i < options->class_count; i++)
                roles[i] = role_of(options->classes[i]);
        int r = finder_new(roles, options->view_width, options->view_height, &faces->finder);
        if (r < 0) {
                faces_free(faces);
                return r;
        }
        tracks_init(&faces->tracks, options);
        attention_init(&faces->attention, options);
        *ret = faces;
        return 0;
}

void faces_free(struct faces *faces)
{
        if (faces)
                finder_free(faces->finder);
        free(faces);
}

void faces_reset(struct faces *faces)
{
        tracks_reset(&faces->tracks);
        attention_reset(&faces->attention);
}

void faces_see(struct faces *faces, const struct face_view *view)
{
        const size_t count = finder_run(faces->finder, view, faces->found);
        const bool lost = tracks_update(&faces->tracks, view, faces->found, count);

        attention_saw(&faces->attention, &faces->tracks, view, lost);
}

void faces_next(const struct faces *faces, uint64_t time_ns, struct face_view *ret)
{
        attention_next(&faces->attention, &faces->tracks, time_ns, ret);
}

size_t faces_places(const struct faces *faces, uint64_t time_ns, struct face_place ret[FACES_MAX])
{
        return tracks_places(&faces->tracks, time_ns, ret);
}

bool faces_know(const struct faces *faces, uint32_t id)
{
        return tracks_know(&faces->tracks, id);
}

size_t faces_list(const struct faces *faces, struct face ret[FACES_MAX])
{
        return tracks_list(&faces->tracks, ret);
}
