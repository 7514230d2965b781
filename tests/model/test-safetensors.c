/* The reader, with files that violate the format in every way that we could think of. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/safetensors.h"
#include "tests/cm.h"
#include "tests/model/forge.h"

#define T(name, type, shape, begin, end)                                                                               \
        "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define A T("a", "F32", "[2]", 0, 8)

static const char good[] = "{\"__metadata__\":{\"k\":\"v\"}," T("b", "F16", "[1,2,2,1]", 8, 16) "," A "}   ";

/* All have 16 bytes of data, unless `data` says otherwise (-1: no data). */
static const struct damage {
        const char *header, *says;
        int data;
} damages[] = {
        /* not JSON, or not an object */
        {"  {" A "}", "not JSON"},
        {"[]", "not JSON"},
        {"{", "header"},
        {"{}}", "header"},
        {"{\"a\"}", "header"},
        {"{\"\\u0000\":1}", "header"},
        {"{\"\xff\":1}", "header"},
        {"{\"a\":nan}", "header"},
        {"{\"a\":1e999}", "header"},
        {"{\"a\":99999999999999999999}", "header"},
        {"{\"a\":0x10}", "header"},
        {"{\"a\":'b'}", "header"},
        {"{\"a\":{},}", "header"},
        {"null", "not JSON"},
        {"{} {}", "header"},
        /* metadata */
        {"{\"__metadata__\":1}", "__metadata__"},
        {"{\"__metadata__\":[]}", "__metadata__"},
        {"{\"__metadata__\":null}", "__metadata__"},
        {"{\"__metadata__\":{\"colour\":1}}", "colour"},
        {"{\"__metadata__\":{\"colour\":{}}}", "colour"},
        {"{\"__metadata__\":{\"colour\":null}}", "colour"},
        /* duplicates */
        {"{" A "," A "}", "duplicate"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "duplicate"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", "duplicate"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,16]}}", "duplicate"},
        /* the keys of a tensor */
        {"{\"a\":1}", "tensor a"},
        {"{\"a\":[]}", "tensor a"},
        {"{\"a\":null}", "tensor a"},
        {"{\"a\":{}}", "tensor a"},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "tensor a"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "tensor a"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}", "tensor a"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"more\":1}}", "tensor a"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"offsets\":[0,16]}}", "tensor a"},
        /* type */
        {"{" T("a", "F64", "[2]", 0, 16) "}", "tensor a: type F64"},
        {"{" T("a", "BF16", "[8]", 0, 16) "}", "tensor a: type BF16"},
        {"{" T("a", "f32", "[4]", 0, 16) "}", "tensor a: type f32"},
        /* characters that control a terminal: ESC, DEL, and CSI as one character */
        {"{" T("a", "\\u001b[31m", "[4]", 0, 16) "}", "tensor a: type ?[31m"},
        {"{" T("a", "\\u007f", "[4]", 0, 16) "}", "tensor a: type ?"},
        {"{" T("a\\u009b31m", "F64", "[2]", 0, 16) "}", "tensor a\xc2?31m: type F64"},
        {"{" T("a\\u00a0b", "F64", "[2]", 0, 16) "}", "tensor a\xc2\xa0"
                                                      "b: type F64"},
        {"{" T("a", "", "[4]", 0, 16) "}", "tensor a: type"},
        {"{\"a\":{\"dtype\":32,\"shape\":[4],\"data_offsets\":[0,16]}}", "tensor a"},
        /* shape */
        {"{" T("a", "F32", "4", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "{}", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "null", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[1,1,1,1,4]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[4.0]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[\"4\"]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[-4]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[-2,-2]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[4,0]", 0, 0) "}", "tensor a: shape", -1},
        {"{" T("a", "F32", "[2147483648]", 0, 16) "}", "tensor a: shape"},
        {"{" T("a", "F32", "[9223372036854775807]", 0, 16) "}", "tensor a: shape"},
        /* 2^64 elements: the product wraps to 0, or to 4 */
        {"{" T("a", "F32", "[65536,65536,65536,65536]", 0, 16) "}", "tensor a: shape"},
        /* 2^62 elements of 4 bytes: the bytes wrap */
        {"{" T("a", "F32", "[32768,32768,65536,65536]", 0, 16) "}", "tensor a: its shape"},
        {"{" T("a", "F32", "[32768,32768,65536,65536]", 0, 0) "}", "tensor a: its shape", -1},
        {"{" T("a", "F32", "[1073741825,1073741824,4]", 0, 16) "}", "tensor a: its shape"},
        {"{" T("a", "F32", "[3]", 0, 16) "}", "tensor a: its shape"},
        {"{" T("a", "F16", "[4]", 0, 16) "}", "tensor a: its shape"},
        {"{" T("a", "F32", "[]", 0, 16) "}", "tensor a: its shape"},
        {"{" T("a", "F32", "[4]", 0, 15) "}", "tensor a: its shape"},
        /* offsets */
        {"{" T("a", "F32", "[4]", -16, 0) "}", "tensor a: data_offsets"},
        {"{" T("a", "F32", "[4]", 16, 0) "}", "tensor a: data_offsets"},
        {"{" T("a", "F32", "[4]", 0.0, 16.0) "}", "tensor a: data_offsets"},
        {"{" T("a", "F32", "[4]", "0", "16") "}", "tensor a: data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":16}}", "tensor a: data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16]}}", "tensor a: data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,8,16]}}", "tensor a: data_offsets"},
        {"{" T("a", "F32", "[4]", 4, 20) "}", "tensor a: ends"},
        {"{" T("a", "F32", "[4]", 9223372036854775791, 9223372036854775807) "}", "tensor a: ends"},
        {"{" A "," T("b", "F32", "[3]", 8, 20) "}", "tensor b: ends"},
        {"{" T("a", "F16", "[1]", 0, 2) "," T("b", "F32", "[3]", 2, 14) "}", "tensor b: not aligned"},
        {"{" T("a", "F16", "[7]", 1, 15) "}", "tensor a: not aligned"},
        /* gaps, overlaps, and bytes after the last tensor */
        {"{" A "," T("b", "F32", "[2]", 4, 12) "}", "tensor b: overlaps"},
        {"{" A "," T("b", "F32", "[4]", 0, 16) "}", "overlaps"},
        {"{" T("b", "F32", "[2]", 8, 16) "," T("a", "F32", "[3]", 0, 12) "}", "tensor b: overlaps"},
        {"{" A "," T("b", "F32", "[1]", 12, 16) "}", "tensor b: leaves a gap"},
        {"{" T("a", "F32", "[3]", 4, 16) "}", "tensor a: leaves a gap"},
        {"{" A "}", "8 bytes after the last tensor, a"},
        {"{}", "16 bytes after the last tensor"},
        {"{" A "," T("b", "F32", "[2]", 8, 16) "}", "1 bytes after the last tensor, b", 17},
};

static int open_forged(struct safetensors **ret, char why[256])
{
        memset(why, 'x', 256);
        why[0] = '\0';
        return safetensors_open(forge_path(), ret, why, 256);
}

static void refuse(const char *says)
{
        struct safetensors *file = NULL;
        char why[256];

        assert_int_equal(open_forged(&file, why), -EBADMSG);
        assert_null(file);
        if (strncmp(why, forge_path(), strlen(forge_path())) != 0 || !strstr(why, says) || strchr(why, '\n'))
                fail_msg("\"%s\" does not name the file and \"%s\"", why, says);
}

static void test_damaged(void **state)
{
        static const char data[32];

        for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
                const struct damage *d = &damages[i];
                size_t size = d->data < 0 ? 0 : d->data ? (size_t)d->data : 16;

                forge_write(strlen(d->header), d->header, strlen(d->header), data, size);
                refuse(d->says);
        }
}

static void test_good(void **state)
{
        static const union {
                struct {
                        float a[2];
                        uint16_t b[4];
                };
                char bytes[16];
        } data = {.a = {1.5f, -0.25f}, .b = {0x3c00, 0xc000, 0x0001, 0x7bff}};
        static const float b[] = {1, -2, 0x1p-24f, 65504};
        const struct safetensors_tensor *tensor;
        struct safetensors *file;
        float values[4];
        char why[256];

        forge_write(strlen(good), good, strlen(good), data.bytes, sizeof data);
        assert_int_equal(open_forged(&file, why), 0);
        assert_string_equal(safetensors_metadata(file, "k"), "v");
        assert_null(safetensors_metadata(file, "a"));
        assert_int_equal(safetensors_count(file), 2);
        assert_string_equal(safetensors_at(file, 0)->name, "a");
        assert_null(safetensors_find(file, "c"));
        assert_null(safetensors_find(file, "__metadata__"));

        tensor = safetensors_find(file, "a");
        assert_int_equal(tensor->count, 2);
        assert_int_equal(safetensors_read(file, tensor, 0, 2, values), 0);
        assert_memory_equal(values, data.a, sizeof data.a);
        tensor = safetensors_find(file, "b");
        assert_int_equal(tensor->rank, 4);
        assert_int_equal(tensor->shape[1], 2);
        assert_int_equal(safetensors_read(file, tensor, 0, 4, values), 0);
        assert_memory_equal(values, b, sizeof b);
        assert_int_equal(safetensors_read(file, tensor, 2, 1, values), 0);
        assert_true(values[0] == b[2]);

        /* The file shrinks while it is open: that is an error, not a signal. */
        assert_int_equal(truncate(forge_path(), (off_t)(8 + strlen(good) + 12)), 0);
        assert_int_equal(safetensors_read(file, tensor, 0, 4, values), -EBADMSG);
        safetensors_close(file);
        safetensors_close(NULL);
}

/* A file without tensors and metadata is valid, too.  A tensor of rank 0 is one number. */
static void test_small(void **state)
{
        struct safetensors *file;
        float value = 0;
        char why[256];

        forge_write(2, "{}", 2, NULL, 0);
        assert_int_equal(open_forged(&file, why), 0);
        assert_int_equal(safetensors_count(file), 0);
        assert_null(safetensors_metadata(file, "k"));
        assert_null(safetensors_find(file, "a"));
        safetensors_close(file);

        forge_write(strlen("{" T("a", "F32", "[]", 0, 4) "}"), "{" T("a", "F32", "[]", 0, 4) "}",
                    strlen("{" T("a", "F32", "[]", 0, 4) "}"), &(float){3}, 4);
        assert_int_equal(open_forged(&file, why), 0);
        assert_int_equal(safetensors_read(file, safetensors_find(file, "a"), 0, 1, &value), 0);
        assert_true(value == 3);
        safetensors_close(file);
}

static void test_truncated(void **state)
{
        static const char data[16];
        size_t size = 8 + strlen(good) + sizeof data;

        forge_write(strlen(good), good, strlen(good), data, sizeof data);
        while (size-- > 0) {
                assert_int_equal(truncate(forge_path(), (off_t)size), 0);
                refuse("");
        }
}

static void test_header_length(void **state)
{
        static const uint64_t wrong[] = {
                0,         1,          1000,      (64 << 20),     (64 << 20) + 1, 100000000,
                100000001, UINT32_MAX, INT64_MAX, UINT64_MAX - 7, UINT64_MAX,
        };
        static const char data[16];

        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                forge_write(wrong[i], good, strlen(good), data, sizeof data);
                refuse("");
                /* A sparse file, so that the length does not exceed it. */
                if (wrong[i] <= 100000001) {
                        assert_int_equal(truncate(forge_path(), 200000000), 0);
                        refuse("");
                }
        }
        forge_write(SAFETENSORS_HEADER_MAX + 1, good, strlen(good), data, sizeof data);
        assert_int_equal(truncate(forge_path(), 200000000), 0);
        refuse("limit");
}

static void test_deep(void **state)
{
        size_t size = 1 << 20;
        char *text = malloc(size);

        assert_non_null(text);
        memset(text, '[', size);
        memcpy(text, "{\"a\":", 5);
        forge_write(size, text, size, NULL, 0);
        refuse("header");
        for (size_t i = 0; i + 5 <= size; i += 5)
                memcpy(text + i, "{\"a\":", 5);
        forge_write(size, text, size, NULL, 0);
        refuse("header");
        free(text);
}

static void test_names(void **state)
{
        static const char escape[] = "{\"evil\\n\\u001b[31m\":1}";
        size_t size = 100000;
        char *text = malloc(size);

        forge_write(strlen(escape), escape, strlen(escape), NULL, 0);
        refuse("evil??[31m");

        /* A name that is longer than any message. */
        assert_non_null(text);
        memset(text, 'n', size);
        memcpy(text, "{\"", 2);
        memcpy(text + size - 4, "\":1}", 4);
        forge_write(size, text, size, NULL, 0);
        refuse("tensor nnnn");
        free(text);
}

static void test_not_a_file(void **state)
{
        struct safetensors *file = NULL;
        char why[256];

        forge_remove();
        assert_int_equal(open_forged(&file, why), -ENOENT);
        assert_non_null(strstr(why, forge_path()));
        assert_int_equal(safetensors_open("/", &file, why, sizeof why), -EBADMSG);
        assert_int_equal(safetensors_open("/dev/zero", &file, why, sizeof why), -EBADMSG);
        assert_int_equal(mkfifo(forge_path(), 0600), 0);
        refuse("regular");
        forge_remove();
        assert_int_equal(safetensors_open("/", &file, NULL, 0), -EBADMSG);
        assert_null(file);
}

/* With a few wrong bytes, the file is either accepted or refused with -EBADMSG. */
static void test_noise(void **state)
{
        char text[sizeof good], data[16] = {0}, why[256];
        uint32_t random = 12345;

        for (int i = 0; i < 2000; i++) {
                struct safetensors *file = NULL;
                int r;

                memcpy(text, good, sizeof good);
                for (uint32_t n = 1 + i % 4; n > 0; n--) {
                        random = random * 1664525 + 1013904223;
                        text[(random >> 8) % strlen(good)] = (char)(random >> 24);
                }
                forge_write(sizeof good - 1, text, sizeof good - 1, data, sizeof data);
                r = open_forged(&file, why);
                assert_true(r == 0 ? file != NULL : r == -EBADMSG && *why != '\0');
                safetensors_close(file);
        }
}

static void test_half(void **state)
{
        for (uint32_t half = 0; half < 65536; half++) {
                int exponent = half >> 10 & 31;
                double mantissa = half & 1023, expected;
                float value = safetensors_half((uint16_t)half);

                assert_int_equal(!!signbit(value), half >> 15);
                if (exponent == 31) {
                        assert_true(mantissa != 0 ? isnan(value) : isinf(value));
                        continue;
                }
                expected = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
                assert_true(fabsf(value) == (float)expected);
        }
}

static int teardown(void **state)
{
        forge_remove();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),      cmocka_unit_test(test_small),         cmocka_unit_test(test_damaged),
                cmocka_unit_test(test_truncated), cmocka_unit_test(test_header_length), cmocka_unit_test(test_deep),
                cmocka_unit_test(test_names),     cmocka_unit_test(test_not_a_file),    cmocka_unit_test(test_noise),
                cmocka_unit_test(test_half),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
