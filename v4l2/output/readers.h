/* Counts the programs that read a v4l2loopback node. */
#pragma once

struct readers;

/* `fd`: the node, open for output, checked, and not yet streaming; it must outlive *ret.  Negative errno: readers
 * cannot be counted.  Neither the node nor the module is changed. */
int readers_open(int fd, struct readers **ret);
void readers_close(struct readers *readers); /* NULL is fine */

/* Becomes readable when readers_count() may have changed; can be added to an epoll set. */
int readers_fd(const struct readers *readers);
unsigned readers_count(struct readers *readers); /* also reads what the descriptor has to deliver */
