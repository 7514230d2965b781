/* A fake Vulkan driver in place of libvulkan.  Its only device claims to be a CPU, computes nothing, and takes a fixed
 * time for it.  The driver counts the objects that are alive, and aborts with a message if it is misused: if an object
 * is freed twice or while the device uses it, or is used after it was freed, or if a fence or commands are submitted
 * while they are in flight.  Calls fail as faults.h says; what a failed call leaves in a handle is garbage, as the
 * specification allows.  After VK_ERROR_DEVICE_LOST, its device stays lost.  A submission is in flight until
 * somebody waits for its fence, or with fake_hold() until it is released. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Forgets everything, including what is alive. */
void fake_reset(void);

/* How many objects are alive; `text` lists them by kind: "2 x buffer, 1 x fence". */
unsigned fake_alive(char *text, size_t size);

unsigned fake_in_flight(void); /* submissions, of the device that had the last one */

/* Whether reading through texel buffers is faster on this device, which determines the back-end that is chosen. */
void fake_prefer_texels(bool prefer);

/* As the result of a fault in vkWaitForFences(): the call never returns. */
#define FAKE_HANGS 1000

/* While it is held, the device finishes nothing, and every wait blocks. */
void fake_hold(bool hold);
/* The device is lost, even for those who wait for it. */
void fake_lose(void);
