#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/safetensors.h"
#include "model/why.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are read as they lie in the file");

struct safetensors {
        int fd;
        json_t *root;     /* owns the names */
        json_t *metadata; /* inside root, or NULL */
        struct safetensors_tensor *tensors;
        size_t count;
        uint64_t data, data_size; /* where the tensors' bytes are */
};

/* Where errors are reported; each message begins with the file's name. */
struct complaint {
        const char *path;
        char *why;
        size_t why_size;
};

static const struct {
        const char *name;
        uint32_t size;
} dtypes[] = {
        [SAFETENSORS_F32] = {"F32", 4},
        [SAFETENSORS_F16] = {"F16", 2},
};

#define FAIL(complaint, error, format, ...)                                                                            \
        why_set((complaint)->why, (complaint)->why_size, error, "%s: " format, (complaint)->path, ##__VA_ARGS__)

static int read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
        char *to = buffer;

        while (size > 0) {
                ssize_t n = pread(fd, to, size, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EBADMSG;
                to += n;
                offset += (size_t)n;
                size -= (size_t)n;
        }
        return 0;
}

static int parse_shape(const struct complaint *complaint, const json_t *shape, struct safetensors_tensor *tensor)
{
        const json_t *item;
        size_t i;

        if (!json_is_array(shape) || json_array_size(shape) > SAFETENSORS_RANK_MAX)
                return FAIL(complaint, -EBADMSG, "tensor %s: shape must be an array of at most %d numbers",
                            tensor->name, SAFETENSORS_RANK_MAX);

        tensor->rank = (uint32_t)json_array_size(shape);
        tensor->count = 1;
        json_array_foreach(shape, i, item)
        {
                json_int_t n = json_integer_value(item);

                if (!json_is_integer(item) || n < 1 || n > INT32_MAX ||
                    __builtin_mul_overflow(tensor->count, (uint64_t)n, &tensor->count))
                        return FAIL(complaint, -EBADMSG, "tensor %s: shape has an impossible size at position %zu",
                                    tensor->name, i);
                tensor->shape[i] = (uint32_t)n;
        }
        return 0;
}

static int parse_offsets(const struct complaint *complaint, const json_t *offsets, uint64_t data_size,
                         struct safetensors_tensor *tensor)
{
        const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
        uint64_t size, element = dtypes[tensor->dtype].size;

        if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !json_is_integer(begin) ||
            !json_is_integer(end) || json_integer_value(begin) < 0 ||
            json_integer_value(end) < json_integer_value(begin))
                return FAIL(complaint, -EBADMSG, "tensor %s: data_offsets must be two numbers in order", tensor->name);

        tensor->begin = (uint64_t)json_integer_value(begin);
        tensor->end = (uint64_t)json_integer_value(end);
        if (tensor->end > data_size)
                return FAIL(complaint, -EBADMSG,
                            "tensor %s: ends at byte %llu of %llu: the file is truncated or damaged", tensor->name,
                            (unsigned long long)tensor->end, (unsigned long long)data_size);
        if (__builtin_mul_overflow(tensor->count, element, &size) || size != tensor->end - tensor->begin)
                return FAIL(complaint, -EBADMSG, "tensor %s: its shape does not fit its %llu bytes", tensor->name,
                            (unsigned long long)(tensor->end - tensor->begin));
        if (tensor->begin % element != 0)
                return FAIL(complaint, -EBADMSG, "tensor %s: not aligned to its element size", tensor->name);
        return 0;
}

static int parse_tensor(const struct complaint *complaint, const char *name, const json_t *entry, uint64_t data_size,
                        struct safetensors_tensor *ret)
{
        const char *dtype = json_string_value(json_object_get(entry, "dtype"));
        struct safetensors_tensor tensor = {.name = name};
        size_t i = 0;
        int r;

        if (!json_is_object(entry) || json_object_size(entry) != 3 || !dtype)
                return FAIL(complaint, -EBADMSG, "tensor %s: must have dtype, shape and data_offsets, no more", name);
        while (i < sizeof dtypes / sizeof *dtypes && strcmp(dtypes[i].name, dtype) != 0)
                i++;
        if (i == sizeof dtypes / sizeof *dtypes)
                return FAIL(complaint, -EBADMSG, "tensor %s: type %s is not F32 or F16", name, dtype);
        tensor.dtype = (enum safetensors_dtype)i;

        r = parse_shape(complaint, json_object_get(entry, "shape"), &tensor);
        if (r == 0)
                r = parse_offsets(complaint, json_object_get(entry, "data_offsets"), data_size, &tensor);
        if (r == 0)
                *ret = tensor;
        return r;
}

static int compare_begin(const void *a, const void *b)
{
        const struct safetensors_tensor *x = a, *y = b;

        return (x->begin > y->begin) - (x->begin < y->begin);
}

static int compare_name(const void *a, const void *b)
{
        const struct safetensors_tensor *x = a, *y = b;

        return strcmp(x->name, y->name);
}

/* Every byte of the data belongs to exactly one tensor. */
static int check_cover(const struct complaint *complaint, const struct safetensors *file)
{
        uint64_t expected = 0;

        qsort(file->tensors, file->count, sizeof *file->tensors, compare_begin);
        for (size_t i = 0; i < file->count; i++) {
                const struct safetensors_tensor *tensor = &file->tensors[i];

                if (tensor->begin != expected)
                        return FAIL(complaint, -EBADMSG, "tensor %s: %s the tensor before it", tensor->name,
                                    tensor->begin < expected ? "overlaps" : "leaves a gap after");
                expected = tensor->end;
        }
        if (expected != file->data_size)
                return FAIL(complaint, -EBADMSG, "%llu bytes after the last tensor%s%s",
                            (unsigned long long)(file->data_size - expected), file->count ? ", " : "",
                            file->count ? file->tensors[file->count - 1].name : "");
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_name);
        return 0;
}

static int check_metadata(const struct complaint *complaint, json_t *metadata)
{
        const char *key;
        json_t *value;

        if (!json_is_object(metadata))
                return FAIL(complaint, -EBADMSG, "__metadata__ is not an object");
        json_object_foreach(metadata, key, value) if (!json_is_string(value)) return FAIL(
                complaint, -EBADMSG, "metadata %s: not a string", key);
        return 0;
}

static int parse_header(const struct complaint *complaint, struct safetensors *file)
{
        const char *name;
        json_t *entry;
        int r;

        file->tensors = calloc(json_object_size(file->root) + 1, sizeof *file->tensors);
        if (!file->tensors)
                return FAIL(complaint, -ENOMEM, "out of memory");

        json_object_foreach(file->root, name, entry)
        {
                if (strcmp(name, "__metadata__") == 0) {
                        file->metadata = entry;
                        r = check_metadata(complaint, entry);
                } else
                        r = parse_tensor(complaint, name, entry, file->data_size, &file->tensors[file->count++]);
                if (r < 0)
                        return r;
        }
        return check_cover(complaint, file);
}

static int load_json(const struct complaint *complaint, int fd, size_t size, json_t **ret)
{
        json_error_t error;
        char *text = malloc(size);
        json_t *root;
        int r;

        if (!text)
                return FAIL(complaint, -ENOMEM, "out of memory");
        r = read_at(fd, text, size, 8);
        if (r < 0) {
                free(text);
                return FAIL(complaint, r, "cannot read the header: %s", strerror(-r));
        }

        if (text[0] != '{') {
                free(text);
                return FAIL(complaint, -EBADMSG, "not a safetensors file: its header is not JSON");
        }
        /* The depth of nesting is limited by jansson itself. */
        root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        free(text);
        if (!root && !error.text[0]) /* all other errors have a text */
                return FAIL(complaint, -ENOMEM, "out of memory");
        if (!root)
                return FAIL(complaint, -EBADMSG, "header, byte %d: %s", error.position, error.text);
        *ret = root;
        return 0;
}

static int load(const struct complaint *complaint, struct safetensors *file)
{
        uint8_t prefix[8];
        uint64_t length = 0, size;
        struct stat st;
        int r;

        if (fstat(file->fd, &st) < 0) {
                r = -errno;
                return FAIL(complaint, r, "%s", strerror(-r));
        }
        if (!S_ISREG(st.st_mode))
                return FAIL(complaint, -EBADMSG, "not a regular file");
        size = (uint64_t)st.st_size;
        if (size < sizeof prefix)
                return FAIL(complaint, -EBADMSG, "too short for a safetensors file");
        r = read_at(file->fd, prefix, sizeof prefix, 0);
        if (r < 0)
                return FAIL(complaint, r, "%s", strerror(-r));
        for (int i = 7; i >= 0; i--)
                length = length << 8 | prefix[i];
        if (length < 2 || length > size - sizeof prefix)
                return FAIL(complaint, -EBADMSG, "not a safetensors file, or truncated: header of %llu bytes in %llu",
                            (unsigned long long)length, (unsigned long long)size);
        if (length > SAFETENSORS_HEADER_MAX)
                return FAIL(complaint, -EBADMSG, "a header of %llu bytes is more than the limit of %u",
                            (unsigned long long)length, SAFETENSORS_HEADER_MAX);
        file->data = sizeof prefix + length;
        file->data_size = size - file->data;

        r = load_json(complaint, file->fd, (size_t)length, &file->root);
        return r < 0 ? r : parse_header(complaint, file);
}

int safetensors_open(const char *path, struct safetensors **ret, char *why, size_t why_size)
{
        struct complaint complaint = {path, why, why_size};
        struct safetensors *file = calloc(1, sizeof *file);
        int r;

        if (!file)
                return FAIL(&complaint, -ENOMEM, "out of memory");
        /* O_NONBLOCK: opening a FIFO must not block before it is refused. */
        file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        r = file->fd < 0 ? -errno : 0;
        if (r < 0)
                FAIL(&complaint, r, "%s", strerror(-r));
        else
                r = load(&complaint, file);
        if (r < 0) {
                safetensors_close(file);
                return r;
        }
        *ret = file;
        return 0;
}

void safetensors_close(struct safetensors *file)
{
        if (!file)
                return;
        if (file->fd >= 0)
                close(file->fd);
        json_decref(file->root);
        free(file->tensors);
        free(file);
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
        return json_string_value(json_object_get(file->metadata, key));
}

size_t safetensors_count(const struct safetensors *file)
{
        return file->count;
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index)
{
        return &file->tensors[index];
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
        struct safetensors_tensor key = {.name = name};

        return bsearch(&key, file->tensors, file->count, sizeof key, compare_name);
}

float safetensors_half(uint16_t half)
{
        uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023, bits;
        float f;

        if (exponent == 0) {
                /* Zero and subnormals: units of 2^-24, which a float holds exactly. */
                f = (float)mantissa * 0x1p-24f;
                memcpy(&bits, &f, sizeof bits);
        } else if (exponent == 31)
                bits = 0x7f800000 | mantissa << 13;
        else
                bits = (exponent + 112) << 23 | mantissa << 13;
        bits |= sign;
        memcpy(&f, &bits, sizeof f);
        return f;
}

int safetensors_read(const struct safetensors *file, const struct safetensors_tensor *tensor, uint64_t first,
                     size_t count, float *ret)
{
        uint64_t offset = file->data + tensor->begin + first * dtypes[tensor->dtype].size;
        uint16_t halves[4096];
        int r;

        if (tensor->dtype == SAFETENSORS_F32)
                return read_at(file->fd, ret, count * sizeof *ret, offset);

        while (count > 0) {
                size_t n = count < 4096 ? count : 4096;

                r = read_at(file->fd, halves, n * sizeof *halves, offset);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n; i++)
                        *ret++ = safetensors_half(halves[i]); /* NOLINT: read_at() has filled them */
                offset += n * sizeof *halves;
                count -= n;
        }
        return 0;
}
