/* A fake V4L2 driver.  The linker's --wrap puts it in place of ioctl(), mmap(), poll() and epoll_ctl().  It gives
 * answers that no hardware gives on demand.  The node's path is any character device; /dev/null will do. */
#pragma once

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_BUFFERS_MAX 32
#define FAKE_MMAP 1 /* for fail_request: mmap() */

struct fake_format {
        uint32_t fourcc;
        struct {
                uint32_t width, height;
                uint32_t rates[4]; /* frames per second, ends with 0 */
        } sizes[4];                /* ends with 0; none: not enumerable */
};

struct fake_node {
        /* what the driver is */
        const char *driver, *card;
        uint32_t caps;
        const struct fake_format *formats;
        size_t formats_n;
        uint32_t buffers_max; /* 0: as many as requested */
        uint32_t length;      /* of a buffer; 0: that of a frame */
        bool loopback;        /* treats output buffers as v4l2loopback 0.12.7 does */
        bool producer;        /* an output that another program feeds */
        uint32_t event_type;  /* the only kind of event that it has, from input 1 or from no input; 0: none */

        /* what it does wrong */
        unsigned long fail_request;                                /* this ioctl fails ... */
        int fail_errno;                                            /* ... with this errno */
        unsigned fail_after;                                       /* ... after this many successes */
        unsigned fail_times;                                       /* ... this many times; 0: for good */
        bool exports;                                              /* dma-bufs, unlike many drivers */
        bool endless;                                              /* lists have no end */
        short trouble;                                             /* what poll() reports */
        void (*bend_request)(struct v4l2_requestbuffers *request); /* changes what REQBUFS grants */
        void (*bend_format)(struct v4l2_pix_format *pix);          /* changes what S_FMT makes of a wish */
        void (*bend_buffer)(struct v4l2_buffer *buffer);           /* changes what DQBUF reports */

        /* what has happened to it */
        struct v4l2_pix_format pix;
        struct v4l2_fract interval;
        bool streaming;
        uint32_t count, used;
        uint8_t *memory[FAKE_BUFFERS_MAX];
        unsigned maps[FAKE_BUFFERS_MAX]; /* of each, into the program */
        bool queued[FAKE_BUFFERS_MAX];
        bool taken[FAKE_BUFFERS_MAX]; /* by the program */
        bool kept[FAKE_BUFFERS_MAX];  /* by the driver, for good */
        unsigned strays;              /* how often a buffer was queued that was not taken */
        uint32_t ready[64], ready_n;  /* captured, oldest first */
        uint32_t ready_bytes[64], ready_flags[64], ready_sequence[64];
        uint32_t shown[64], shown_n; /* buffers queued on an output */
        struct v4l2_buffer last;     /* queued on an output */
        unsigned calls, mapped, failed, exported;
        bool subscribed, pending; /* an event */
        uint32_t event_value;
        int bell; /* stands for the node in an epoll set; 0: it is in none */
};

extern struct fake_node fake;

void fake_reset(void);

/* While it is locked, the driver answers no thread of the program but this one. */
void fake_lock(void);
void fake_unlock(void);

/* The driver captures a frame into a queued buffer.  Returns the buffer's memory, or NULL if none is queued. */
uint8_t *fake_capture(uint32_t bytes, uint32_t flags, uint32_t sequence);

/* How many buffers the driver has. */
unsigned fake_queued(void);

/* The driver forgets a queued buffer.  False: none is queued. */
bool fake_keep(void);

/* Whether the driver has every buffer in exactly one place: queued, captured or kept. */
bool fake_accounts(void);

/* The driver sends an event with this value. */
void fake_tell(uint32_t value);
