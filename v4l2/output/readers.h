/* Counts the programs that read a v4l2loopback node. */
#pragma once

struct readers;

/* `fd`: the node, open for output and checked; it must outlive *ret.  If it is streaming already, programs that have
 * another node open may be counted as its readers.  Negative errno: readers cannot be counted.  Neither the node nor
 * the module is changed. */
int readers_open(int fd, struct readers **ret);
void readers_close(struct readers *readers); /* NULL is fine */

/* Becomes readable when readers_dispatch() has something to do; can be added to an epoll set. */
int readers_fd(const struct readers *readers);
void readers_dispatch(struct readers *readers);
unsigned readers_count(const struct readers *readers); /* as of the last readers_dispatch() */
