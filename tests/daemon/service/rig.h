/* The outputs of a supervisor that has nothing else.  Nodes are fake-node.c's, which the linker puts in the place of
 * ioctl() and others; files are real. */
#pragma once

#include "daemon/service/parts.h"
#include "tests/cm.h"

enum { W = 32, H = 32, SIZE = W * H * 3 / 2, HEAD = sizeof "FRAME\n" - 1 };

extern struct supervisor sv;
extern struct options options;
extern unsigned stops;

int reset_node(void **state);    /* before each test */
int close_outputs(void **state); /* after it */
void open_outputs(const char *first, const char *second);

/* One turn of the event loop. */
void turn(void);

#define PATIENCE_NS UINT64_C(20000000000)

#define UNTIL(condition)                                                                                               \
        do {                                                                                                           \
                const uint64_t end = stats_now() + PATIENCE_NS;                                                        \
                while (!(condition)) {                                                                                 \
                        assert_true(stats_now() < end);                                                                \
                        turn();                                                                                        \
                }                                                                                                      \
        } while (0)

/* A frame of one value is there, and shown at once. */
void compose(uint8_t value);
/* How many frames of that value a file has; all must be complete. */
unsigned count(const char *path, uint8_t value);
bool node_shows(uint8_t value);
