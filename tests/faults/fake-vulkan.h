/* A Vulkan driver in place of libvulkan: one device that looks like a processor's, computes nothing, and takes a fixed
 * time for it.  It keeps count of what is alive, and aborts with a message when it is misused: something freed twice or
 * while the device uses it, something used after it was freed, a fence or commands handed over that are still in
 * flight. Calls fail as faults.h says; what a failed call leaves in a handle is garbage, as the specification allows.
 *
 * After VK_ERROR_DEVICE_LOST its device says so for ever.  A submission is under way until somebody waits for its
 * fence; with fake_hold() until it is released. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Forgets everything, also what is alive. */
void fake_reset(void);

/* Objects that are alive; `text` gets them by kind: "2 buffers, 1 fence". */
unsigned fake_alive(char *text, size_t size);

unsigned fake_in_flight(void); /* submissions, of the device that had the last one */

/* Which way of reading is the faster one on this device, and so the back-end that is chosen. */
void fake_prefer_texels(bool prefer);

/* A result of vkWaitForFences: that call never returns. */
#define FAKE_HANGS 1000

/* While it is held the device finishes nothing, and who waits blocks. */
void fake_hold(bool hold);
/* Loses that device, whoever waits for it. */
void fake_lose(void);
