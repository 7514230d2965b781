/* Faces that are followed on drawn label maps, as by a network that is run every STEP_MS. */
#pragma once

#include "tests/cm.h"
#include "tests/daemon/faces/drawing.h"

#define MS UINT64_C(1000000)

enum { WIDTH = 1280, HEIGHT = 720, VIEW_WIDTH = 320, VIEW_HEIGHT = 192, STEP_MS = 100, BORN_MS = 300, GONE_MS = 1200 };

extern struct rig {
        struct faces *faces;
        struct scene scene;
        uint64_t now;
        uint8_t labels[VIEW_WIDTH * VIEW_HEIGHT];
        struct face list[FACES_MAX];
        size_t count;
        enum face_look look; /* the last view */
        uint32_t viewed;     /* its face; 0: none */
        float to_picture[2][3];
        const uint8_t *translate; /* drawn classes to the model's; NULL: they are the same */
        bool noise;
        uint32_t random;
} rig;

void begin_with(uint32_t most, const char *const *classes, uint32_t class_count);
void begin(uint32_t most);
void end(void);

void add(struct drawn face);

/* Where the whole picture lies in the network's input. */
void whole(float ret[2][3]);

void see(const struct face_view *view);

/* One run of the network, of whatever is wanted next. */
void step(void);
void steps(unsigned count);

float iou(const struct face_box *a, const struct face_box *b);
