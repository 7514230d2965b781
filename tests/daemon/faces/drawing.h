/* Label maps with drawn faces, whose truth is known exactly. */
#pragma once

#include "daemon/faces/faces.h"

enum { DRAWN_MAX = 10 };

/* The model's classes, as in the default model. */
extern const char *const drawn_classes[];
extern const uint32_t drawn_class_count;

struct drawn {
        float x, y, height; /* of the face's centre, in the picture's pixels; its width is 3/4 of the height */
        float roll;         /* degrees, clockwise */
        float turn;         /* how far the parts move to the person's left, in heights */
        float eyes[2];      /* how far each is open, 1: wide; the person's left one first */
        float mouth;        /* the same */
        float nod;          /* how much lower the nose lies, in heights */
        bool glasses, hat;
        bool masked;   /* something hides the mouth */
        bool faceless; /* no parts: a ball with hair */
};

struct scene {
        struct drawn faces[DRAWN_MAX]; /* the last one is in front */
        unsigned count;
        float parts_least; /* faces smaller than this, in pixels of the view, have no parts: the network cannot tell
                              them */
        float seen_least;  /* the same of all that is drawn of a face */
};

struct drawn drawn_face(float x, float y, float height);

/* What a network would answer for view->to_picture. */
void scene_draw(const struct scene *scene, const struct face_view *view, uint8_t *labels);

/* The face's box, without its hair, in [0,1]. */
struct face_box drawn_box(const struct drawn *face, float width, float height);
