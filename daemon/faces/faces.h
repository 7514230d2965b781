/* Faces as objects: found in the network's labels, followed from frame to frame, measured.
 *
 * Each run of the network sees the whole picture or a part of it (a view).  faces_see() takes what it saw, faces_next()
 * returns the view that is needed most, and faces_list() the faces.  This is arithmetic on labels: it knows nothing
 * about GPUs, the bus or pictures, keeps no picture, and allocates nothing after faces_new().  Nothing identifies a
 * person: an id only says that a face is the same as a moment ago.
 *
 * All calls come from one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        FACES_MAX = 8,          /* followed at a time */
        FACE_CLASSES_MAX = 256, /* of a model */
};

/* What a face does.  UNKNOWN: it is too small, turned away, covered, or the model has no such class. */
enum face_answer { FACE_UNKNOWN, FACE_NO, FACE_YES };

enum face_question {
        FACE_LEFT_EYE_OPEN, /* the person's own left */
        FACE_RIGHT_EYE_OPEN,
        FACE_MOUTH_OPEN,
        FACE_GLASSES,
        FACE_HAT,
        FACE_TURNED_LEFT, /* to the person's own left */
        FACE_TURNED_RIGHT,
        FACE_TURNED_UP,
        FACE_TURNED_DOWN,
        FACE_COVERED, /* something hides a part of it */
        FACE_CUT,     /* cut off by an edge of the picture */
        FACE_QUESTIONS
};

/* For JSON and the bus: "left_eye_open". */
extern const char *const face_question_names[FACE_QUESTIONS];

/* In [0,1] of the picture's width and height; never reaches beyond its edges. */
struct face_box {
        float left, top, width, height;
};

/* The box that is turned with the head, before it is turned about its centre: x and width are shares of the picture's
 * width, y and height of its height.  It may reach beyond the picture.  Of a small face that has no view of its own, up
 * to 20 degrees of its roll are taken for none. */
struct face_upright {
        float x, y, width, height; /* of the centre; of the box */
        float roll;                /* degrees, clockwise as the picture shows it; 0: upright */
};

struct face {
        uint32_t id;        /* from 1 on, never reused by this process */
        uint64_t since_ns;  /* the time of the frame in which it was first seen */
        uint64_t seen_ns;   /* and last */
        uint64_t viewed_ns; /* in which it last had a view of its own; 0: never */
        float confidence;   /* [0,1]: how certain it is that this is a face */
        struct face_box box;
        struct face_upright upright;
        uint64_t areas[FACE_CLASSES_MAX]; /* the picture's pixels of each class that belong to it; rounded */
        enum face_answer answers[FACE_QUESTIONS];
};

struct faces_options {
        const char *const *classes; /* the names of the model's classes, in order; not needed after faces_new() */
        uint32_t class_count;
        uint32_t width, height;           /* of the picture */
        uint32_t view_width, view_height; /* of the network's input, of a view of a face */
        uint32_t most;                    /* faces that get views of their own, at most FACES_MAX */
        uint64_t born_ns, gone_ns; /* how long a face must be seen before it is present, and unseen before it is gone */
};

struct faces;

int faces_new(const struct faces_options *options, struct faces **ret); /* -ENOMEM */
void faces_free(struct faces *faces);                                   /* NULL is fine */
/* For another camera or a cut: forgets everything.  Ids continue. */
void faces_reset(struct faces *faces);

enum face_look {
        LOOK_WHOLE,  /* at the whole picture */
        LOOK_FACE,   /* at one face */
        LOOK_SEARCH, /* at a part of the picture, for faces that are too small to be found in all of it */
        LOOKS
};

/* A run of the network. */
struct face_view {
        enum face_look look;
        uint32_t face;          /* the id of the face that it looks at; 0: at none */
        float to_picture[2][3]; /* from the labels' pixels to the picture's; (0.5, 0.5) is the centre of the first */
        const uint8_t *labels;  /* one byte per pixel, row after row */
        uint32_t width, height; /* view_width and view_height */
        uint64_t time_ns;       /* of the frame's capture; never goes back */
};
void faces_see(struct faces *faces, const struct face_view *view);

/* The view that is needed most for a frame of that time.  Fills `look`, `face` and `to_picture` (scaled for view_width
 * x view_height; undefined for the whole picture).  The whole picture is needed at first, after a reset, after a face
 * was lost, and every so often.  Now and then a part of it is searched.  Otherwise faces take turns, new and large ones
 * first: each as large as the network was trained to see it, upright, in a view that rests while the head does. */
void faces_next(const struct faces *faces, uint64_t time_ns, struct face_view *ret);

/* Where faces whose parts have been seen should be at a time, if they have kept moving since they were last measured,
 * for at most 0.3 s.  Slow ones are taken to rest: what seems to move them may be noise. */
struct face_place {
        uint32_t id;
        float x, y;           /* of the centre, in the picture's pixels */
        float size;           /* the root of the box's area */
        uint64_t measured_ns; /* the time of the frame in which it was last measured */
};
size_t faces_places(const struct faces *faces, uint64_t time_ns, struct face_place ret[FACES_MAX]);

/* Whether this face is present. */
bool faces_know(const struct faces *faces, uint32_t id);

/* The faces that are present, oldest first.  Returns their number. */
size_t faces_list(const struct faces *faces, struct face ret[FACES_MAX]);
