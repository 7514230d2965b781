/* Reader of the safetensors format: 8 bytes with the length of the header, a JSON header, then the tensors' bytes, one
 * after the other.
 *
 * The file is not trusted.  It is read with pread() rather than mapped, so that a file that is truncated meanwhile, or
 * a failing disk, causes an error and not a SIGBUS. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SAFETENSORS_RANK_MAX 4
/* The format allows 100 MB, but parsed JSON can take forty times the size of its text.  The longest header of any
 * network that model.h allows is a third of a megabyte long. */
#define SAFETENSORS_HEADER_MAX (4U << 20)

struct safetensors;

enum safetensors_dtype { SAFETENSORS_F32, SAFETENSORS_F16 };

struct safetensors_tensor {
        const char *name;
        enum safetensors_dtype dtype;
        uint32_t rank;
        uint32_t shape[SAFETENSORS_RANK_MAX]; /* each at least 1 */
        uint64_t count;                       /* of elements */
        uint64_t begin, end;                  /* in bytes from the end of the header */
};

/* -ENOENT, -EACCES, ...: it cannot be read; -EBADMSG: it violates the format.  `why` gets one line with the file and
 * the tensor. */
int safetensors_open(const char *path, struct safetensors **ret, char *why, size_t why_size);
void safetensors_close(struct safetensors *file); /* NULL is fine */

/* NULL: no such key in the header's __metadata__. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/* Tensors are in the order of their names. */
size_t safetensors_count(const struct safetensors *file);
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name); /* or NULL */

/* Reads `count` elements, starting at `first`, as floats.  -EBADMSG: the file is shorter than it was; -EIO. */
int safetensors_read(const struct safetensors *file, const struct safetensors_tensor *tensor, uint64_t first,
                     size_t count, float *ret);

float safetensors_half(uint16_t half); /* IEEE binary16 to binary32, exactly */
