/* Counts the programs that have a v4l2loopback node open, for drivers that do not report readers (0.12). */
#pragma once

struct openers;

/* Like the functions of readers.h.  A program counts once it has had the node open for 0.2 s, because browsers and
 * PipeWire keep probing every camera.  Programs that are there from the start count at once. */
int openers_open(int fd, struct openers **ret);
void openers_close(struct openers *openers); /* NULL is fine */
int openers_fd(const struct openers *openers);
void openers_dispatch(struct openers *openers);
unsigned openers_count(const struct openers *openers);
