/* What a camera's driver can do wrong; for test-faults. */
#pragma once

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/v4l2/jpeg-file.h"

#define FAULT_WIDTH 64
#define FAULT_HEIGHT 48

struct fault {
        const char *name;
        unsigned long request; /* this ioctl fails ... */
        int error;             /* ... with this errno */
        unsigned times;        /* ... this many times; 0: while the fault lasts */
        unsigned lasts;        /* steps; 0: one */
        bool reopen;           /* the camera is closed and opened again while it lasts */
        void (*arm)(void);     /* what else the driver does */
        void (*bend_request)(struct v4l2_requestbuffers *request);
        void (*bend_format)(struct v4l2_pix_format *pix);
        void (*bend_buffer)(struct v4l2_buffer *buffer);
        uint32_t flags; /* of the frames while it lasts */
        int bytes;      /* of each of these frames; 0: all, -1: none */

        /* Makes the frames while it lasts, as Motion JPEG. */
        struct jpeg_file (*picture)(int number);
        int number;
        /* The frames must not be shown; may be shown; must be shown like any other. */
        enum { FAULT_REFUSED, FAULT_SHOWN, FAULT_HARMLESS } fate;
};

extern const struct fault faults[];
extern const size_t faults_n;

/* Added to the driver's frame numbers. */
extern uint32_t fault_sequence;

struct jpeg_file fault_picture(int number); /* a good one */
struct jpeg_file fault_broken(int number);  /* one of JPEG_FILE_BREAKS */
