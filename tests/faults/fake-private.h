/* Private to fake-*.c: the objects that handles point to. */
#pragma once

#include <pthread.h>
#include <vulkan/vulkan.h>

#include "tests/faults/fake-vulkan.h"
#include "tests/faults/faults.h"

#define FAKE_KINDS(X)                                                                                                  \
        X(INSTANCE, "instance")                                                                                        \
        X(DEVICE, "device")                                                                                            \
        X(BUFFER, "buffer")                                                                                            \
        X(MEMORY, "memory")                                                                                            \
        X(VIEW, "view")                                                                                                \
        X(SET_LAYOUT, "set layout")                                                                                    \
        X(LAYOUT, "pipeline layout")                                                                                   \
        X(MODULE, "shader module")                                                                                     \
        X(PIPELINE, "pipeline")                                                                                        \
        X(CACHE, "pipeline cache")                                                                                     \
        X(COMMAND_POOL, "command pool")                                                                                \
        X(COMMANDS, "command buffer")                                                                                  \
        X(POOL, "descriptor pool")                                                                                     \
        X(SET, "descriptor set")                                                                                       \
        X(FENCE, "fence")

#define FAKE_ENUM(name, text) FAKE_##name,
enum fake_kind { FAKE_KINDS(FAKE_ENUM) FAKE_ALL_KINDS };

struct fake_object {
        enum fake_kind kind;
        bool alive;
        struct fake_object *parent; /* the pool that an object comes from, a buffer's memory, otherwise the device */
        struct fake_object *children, *sibling; /* of pools: what came from it, alive or not */

        bool lost; /* devices */

        uint64_t size; /* of memory and buffers; how many sets a pool has left */
        void *data;
        bool mapped;
        int descriptor; /* of memory: the dma-buf that was imported, and is the driver's now; 0: none */

        bool recording, ended, in_flight; /* commands; fences in flight */
        bool signalled;
        uint64_t ns;               /* how long they take */
        struct fake_object **refs; /* what commands or a set use */
        size_t ref_count, ref_room;
};

extern pthread_mutex_t fake_lock; /* held while objects are used */

#define LOCKED(statement)                                                                                              \
        do {                                                                                                           \
                pthread_mutex_lock(&fake_lock);                                                                        \
                statement;                                                                                             \
                pthread_mutex_unlock(&fake_lock);                                                                      \
        } while (0)

__attribute__((noreturn, format(printf, 1, 2))) void fake_misuse(const char *format, ...);

/* Makes an object if `result` is VK_SUCCESS.  Otherwise returns NULL, and *ret is garbage. */
struct fake_object *fake_make(enum fake_kind kind, struct fake_object *parent, VkResult result, void *ret);
struct fake_object *fake_get(const void *handle, enum fake_kind kind, const char *by); /* misuse, unless it is alive */
void fake_destroy(const void *handle, enum fake_kind kind, const char *by);            /* NULL is fine */
void fake_refer(struct fake_object *from, struct fake_object *to);

void fake_destroy_children(struct fake_object *pool, const char *by);
const char *fake_kind_name(enum fake_kind kind);
bool fake_uses(const struct fake_object *object);  /* whether a submission in flight does */
void fake_lose_device(struct fake_object *device); /* afterwards nothing of it is in flight */
void fake_forget_flights(void);
