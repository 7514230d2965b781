#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/fake-private.h"

/* No handle is reused before fake_reset(), so that one whose object is gone is recognised. */
enum { OBJECTS = 1 << 17 };

#define GARBAGE ((void *)(uintptr_t)0xdeadbeefdeadbee0)

#define FAKE_TEXT(name, text) text,
static const char *const kinds[] = {FAKE_KINDS(FAKE_TEXT)};

pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_object objects[OBJECTS];
static size_t count;
static unsigned alive[FAKE_ALL_KINDS];

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);

const char *fake_kind_name(enum fake_kind kind)
{
        return kinds[kind];
}

void fake_misuse(const char *format, ...)
{
        va_list ap;

        fflush(stdout);
        fprintf(stderr, "misuse of Vulkan: ");
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fprintf(stderr, "\n");
        abort();
}

struct fake_object *fake_make(enum fake_kind kind, struct fake_object *parent, VkResult result, void *ret)
{
        void *handle = GARBAGE;
        struct fake_object *object = NULL;

        if (result == VK_SUCCESS) {
                if (count == OBJECTS)
                        fake_misuse("more than %d objects", OBJECTS);
                handle = object = &objects[count++];
                *object = (struct fake_object){.kind = kind, .alive = true, .parent = parent};
                if (parent) {
                        object->sibling = parent->children;
                        parent->children = object;
                }
                alive[kind]++;
        }
        memcpy(ret, &handle, sizeof handle);
        return object;
}

struct fake_object *fake_get(const void *handle, enum fake_kind kind, const char *by)
{
        const struct fake_object *object = handle;

        if (handle == GARBAGE)
                fake_misuse("%s is given a %s that a failed call has left", by, kinds[kind]);
        if (object < objects || object >= objects + count)
                fake_misuse("%s is given %p, which is no %s", by, handle, kinds[kind]);
        if (object->kind != kind)
                fake_misuse("%s is given a %s for a %s", by, kinds[object->kind], kinds[kind]);
        if (!object->alive)
                fake_misuse("%s is given a %s that is gone", by, kinds[kind]);
        return &objects[object - objects];
}

void fake_destroy(const void *handle, enum fake_kind kind, const char *by)
{
        if (!handle)
                return;
        struct fake_object *object = fake_get(handle, kind, by);
        if (fake_uses(object))
                fake_misuse("%s frees a %s that the device is using", by, kinds[kind]);
        object->alive = false;
        alive[kind]--;
        if (object->descriptor)
                close(object->descriptor);
        __real_free(object->data);
        __real_free(object->refs);
        object->data = object->refs = NULL;
        object->ref_count = object->ref_room = 0;
}

void fake_destroy_children(struct fake_object *pool, const char *by)
{
        for (struct fake_object *child = pool->children; child; child = child->sibling)
                if (child->alive)
                        fake_destroy(child, child->kind, by);
}

void fake_refer(struct fake_object *from, struct fake_object *to)
{
        if (from->ref_count == from->ref_room) {
                from->ref_room = from->ref_room ? 2 * from->ref_room : 16;
                from->refs = __real_realloc(from->refs, from->ref_room * sizeof *from->refs);
                if (!from->refs)
                        abort();
        }
        from->refs[from->ref_count++] = to;
}

void fake_reset(void)
{
        pthread_mutex_lock(&fake_lock);
        fake_forget_flights();
        for (size_t i = 0; i < count; i++) {
                if (objects[i].alive && objects[i].descriptor)
                        close(objects[i].descriptor);
                __real_free(objects[i].data);
                __real_free(objects[i].refs);
        }
        count = 0;
        memset(alive, 0, sizeof alive);
        pthread_mutex_unlock(&fake_lock);
}

unsigned fake_alive(char *text, size_t size)
{
        unsigned sum = 0;
        size_t n = 0;

        pthread_mutex_lock(&fake_lock);
        *text = 0;
        for (int i = 0; i < FAKE_ALL_KINDS; i++) {
                if (alive[i] && n < size)
                        n += snprintf(text + n, size - n, "%s%u x %s", n ? ", " : "", alive[i], kinds[i]);
                sum += alive[i];
        }
        pthread_mutex_unlock(&fake_lock);
        return sum;
}
