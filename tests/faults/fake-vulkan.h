/* A Vulkan driver in place of libvulkan: one device that looks like a processor's, computes nothing, and takes a
 * fixed time for it.  It counts the objects that are alive, and aborts with a message if it is misused: if something
 * is freed twice, or while the device uses it, or is used after that, or if a fence or commands are submitted that
 * are still in flight.  Calls fail as faults.h says; what a failed call leaves in a handle is garbage, as the
 * specification allows.  After VK_ERROR_DEVICE_LOST, its device stays lost.  A submission is in flight until
 * somebody waits for its fence, or with fake_hold() until it is released. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Forgets everything, including what is alive. */
void fake_reset(void);

/* How many objects are alive; `text` lists them by kind: "2 buffers, 1 fence". */
unsigned fake_alive(char *text, size_t size);

unsigned fake_in_flight(void); /* submissions, of the device that had the last one */

/* Which way of reading is faster on this device.  That determines which back-end is chosen. */
void fake_prefer_texels(bool prefer);

/* A result of vkWaitForFences: that call never returns. */
#define FAKE_HANGS 1000

/* While it is held, the device finishes nothing, and every wait blocks. */
void fake_hold(bool hold);
/* The device is lost, even for those who wait for it. */
void fake_lose(void);
