/* Which algorithm computes a convolution, for made-up devices, and whether its sizes and its packing agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shaders/ops/conv.h"
#include "tests/cm.h"

#define SIZEOF(array) (sizeof array / sizeof *(array))

/* A driver for CPUs, on which everything runs. */
static const struct gpu_caps processor = {
        .subgroup = 8,
        .shuffle = true,
        .int64 = true,
        .float16 = true,
        .invocations = 1024,
        .texel_elements = 1 << 27,
        .storage_range = 1 << 27,
        .shared_memory = 1 << 15,
};

static const struct gpu_conv wide = {
        .in = 256, .out = 256, .kernel = 3, .stride = 1, .dilation = 1, .height = 60, .width = 60};

static struct gpu_conv shape(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t dilation,
                             enum gpu_dtype dtype)
{
        return (struct gpu_conv){in, out, kernel, stride, dilation, 60, 60, dtype};
}

static struct gpu_conv depthwise(uint32_t channels, uint32_t kernel, uint32_t stride, uint32_t dilation)
{
        struct gpu_conv conv = shape(channels, channels, kernel, stride, dilation, GPU_F32);

        conv.depthwise = true;
        return conv;
}

static void is(const struct gpu_caps *caps, enum gpu_backend backend, struct gpu_conv conv, const char *name)
{
        const struct conv_algorithm *chosen = conv_guess(caps, backend, &conv);

        if (!name)
                assert_null(chosen);
        else {
                assert_non_null(chosen);
                assert_string_equal(chosen->name, name);
        }
}

static void chooses_by_shape(void **state)
{
        const enum gpu_backend s = GPU_BACKEND_SUBGROUP;

        is(&processor, s, wide, "subgroup-winograd");
        is(&processor, s, shape(512, 512, 3, 1, 2, GPU_F32), "subgroup-winograd");
        is(&processor, s, shape(256, 256, 3, 1, 1, GPU_F16), "subgroup");
        is(&processor, s, shape(256, 256, 3, 2, 1, GPU_F32), "subgroup");
        is(&processor, s, shape(256, 256, 1, 1, 1, GPU_F32), "subgroup");
        is(&processor, s, shape(40, 240, 1, 1, 1, GPU_F32), "subgroup-expand");
        is(&processor, s, shape(44, 240, 1, 1, 1, GPU_F32), "subgroup"); /* too many for a guess */
        is(&processor, s, shape(4, 32, 3, 2, 1, GPU_F16), "subgroup-expand");
        is(&processor, s, shape(8, 32, 3, 2, 1, GPU_F16), "subgroup");
        is(&processor, s, shape(12, 64, 3, 1, 1, GPU_F32), "subgroup"); /* Winograd would not pay */
        for (int backend = GPU_BACKEND_AUTO; backend <= GPU_BACKEND_TILED; backend++) {
                is(&processor, backend, depthwise(48, 3, 1, 1), "depthwise-block");
                is(&processor, backend, depthwise(48, 5, 2, 1), "depthwise-block");
                is(&processor, backend, depthwise(48, 3, 1, 2), "depthwise-pixel");
                is(&processor, backend, depthwise(48, 7, 1, 1), NULL);
                is(&processor, backend, shape(8, 8, 5, 1, 1, GPU_F32), NULL);
                struct gpu_conv unequal = depthwise(48, 3, 1, 1);
                unequal.out = 52;
                is(&processor, backend, unequal, NULL);
        }
}

static void chooses_by_back_end(void **state)
{
        const enum gpu_backend t = GPU_BACKEND_TILED;

        is(&processor, t, wide, "tiled-winograd");
        is(&processor, t, shape(256, 256, 3, 1, 1, GPU_F16), "tiled-packed");
        is(&processor, t, shape(256, 256, 3, 2, 1, GPU_F32), "tiled-small");
        is(&processor, t, shape(256, 512, 1, 2, 1, GPU_F16), "tiled-packed");
        is(&processor, t, shape(4, 64, 3, 1, 1, GPU_F32), "tiled-small"); /* Winograd would not pay */
}

/* Large tiles where they keep a GPU busy, small ones elsewhere and on small devices; where even those are too few, a
 * sum is split if it is long. */
static void chooses_tiles_by_size(void **state)
{
        struct gpu_caps caps = processor;
        struct gpu_conv conv = shape(256, 256, 1, 1, 1, GPU_F32);

        is(&processor, GPU_BACKEND_TILED, conv, "tiled");
        caps.invocations = 128;
        is(&caps, GPU_BACKEND_TILED, conv, "tiled-small");
        conv.height = conv.width = 16; /* 4 x 4 large ones, 8 x 8 small ones */
        is(&processor, GPU_BACKEND_TILED, conv, "tiled-split");
        is(&caps, GPU_BACKEND_TILED, conv, "tiled-split");
        conv.in = 64;
        is(&processor, GPU_BACKEND_TILED, conv, "tiled-small");
        conv.in = 256;
        conv.out = 512;
        is(&processor, GPU_BACKEND_TILED, conv, "tiled-small");
        conv.out = 1024;
        is(&processor, GPU_BACKEND_TILED, conv, "tiled");
        conv.stride = 2;
        is(&processor, GPU_BACKEND_TILED, conv, "tiled-split");
}

/* Where the device does, with tiles of either size. */
static void computes_with_halves(void **state)
{
        const enum gpu_backend t = GPU_BACKEND_TILED;
        struct gpu_caps caps = processor;

        is(&caps, t, shape(256, 256, 1, 1, 1, GPU_F16), "tiled-packed");
        is(&caps, t, shape(256, 256, 1, 1, 1, GPU_F32), "tiled");
        is(&caps, t, shape(4, 64, 3, 2, 1, GPU_F16), "tiled-packed-small");
        is(&caps, t, shape(4, 64, 3, 2, 1, GPU_F32), "tiled-small");
        is(&caps, t, shape(256, 19, 1, 1, 1, GPU_F16), "tiled-split");
        is(&caps, t, depthwise(48, 3, 1, 1), "depthwise-block");
        is(&caps, GPU_BACKEND_SUBGROUP, shape(256, 256, 1, 1, 1, GPU_F16), "subgroup");
        caps.invocations = 128;
        is(&caps, t, shape(256, 256, 1, 1, 1, GPU_F16), "tiled-packed-small");
        caps = processor;
        caps.float16 = false;
        is(&caps, t, shape(256, 256, 1, 1, 1, GPU_F16), "tiled");
}

/* Where there are units for whole matrices, layers of halves go there, unless most of a tile would be empty. */
static void multiplies_whole_matrices_of_halves(void **state)
{
        const enum gpu_backend t = GPU_BACKEND_TILED;
        struct gpu_caps caps = processor;

        caps.matrices = GPU_MATRICES_NV;
        caps.matrix_m = caps.matrix_n = caps.matrix_k = 16;
        caps.matrix_subgroup = 64;
        is(&caps, t, shape(256, 256, 3, 1, 1, GPU_F16), "cooperative");
        is(&caps, t, shape(256, 512, 1, 2, 1, GPU_F16), "cooperative");
        is(&caps, t, shape(256, 256, 3, 1, 1, GPU_F32), "tiled-winograd");
        is(&caps, t, shape(256, 19, 1, 1, 1, GPU_F16), "tiled-split");
        is(&caps, t, shape(4, 64, 3, 2, 1, GPU_F16), "tiled-packed-small");
        is(&caps, t, depthwise(48, 3, 1, 1), "depthwise-block");
        is(&caps, GPU_BACKEND_SUBGROUP, shape(256, 256, 3, 1, 1, GPU_F16), "subgroup");
        caps.invocations = 255; /* a tile takes four subgroups */
        is(&caps, t, shape(256, 512, 1, 2, 1, GPU_F16), "tiled-packed-small");
        caps.invocations = 256;
        caps.matrix_m = 8; /* and 32 of such matrices */
        is(&caps, t, shape(256, 512, 1, 2, 1, GPU_F16), "tiled-packed");
        caps.matrix_subgroup = 8;
        is(&caps, t, shape(256, 512, 1, 2, 1, GPU_F16), "cooperative");
}

/* Of the weights of a Winograd convolution, four times as many as those of a direct one. */
static void keeps_to_what_storage_buffers_hold(void **state)
{
        struct gpu_caps caps = processor;

        is(&processor, GPU_BACKEND_TILED, shape(1664, 512, 3, 1, 1, GPU_F32), "tiled-winograd"); /* 117 MiB */
        is(&processor, GPU_BACKEND_TILED, shape(2560, 512, 3, 1, 1, GPU_F32), "tiled");
        caps.storage_range = 1 << 28;
        is(&caps, GPU_BACKEND_TILED, shape(2560, 512, 3, 1, 1, GPU_F32), "tiled-winograd");
}

/* Raspberry Pis have 16 KB of shared memory, and Winograd's transforms would spill there. */
static void spares_small_gpus_winograd(void **state)
{
        struct gpu_caps caps = processor;

        caps.shared_memory = 1 << 14;
        is(&caps, GPU_BACKEND_TILED, wide, "tiled");
        is(&caps, GPU_BACKEND_SUBGROUP, wide, "subgroup-winograd");
}

static void needs_subgroups_of_8_and_shuffles(void **state)
{
        for (uint32_t size = 4; size <= 128; size *= 2)
                for (int i = 0; i < 4; i++) {
                        struct gpu_caps caps = processor;
                        caps.subgroup = size;
                        caps.shuffle = i & 1;
                        caps.subgroup_least = i & 2 ? 4 : 0;
                        caps.subgroup_most = i & 2 ? 64 : 0;
                        const bool can = (size == 8 || i & 2) && caps.shuffle;
                        is(&caps, GPU_BACKEND_SUBGROUP, wide, can ? "subgroup-winograd" : "tiled-winograd");
                        is(&caps, GPU_BACKEND_SUBGROUP, shape(12, 19, 1, 1, 1, GPU_F32),
                           can ? "subgroup-expand" : "tiled-small");
                        is(&caps, GPU_BACKEND_SUBGROUP, depthwise(48, 3, 1, 1), "depthwise-block");
                }
}

static void needs_64_bit_integers(void **state)
{
        struct gpu_caps caps = processor;

        caps.int64 = false; /* with which texel kernels store */
        is(&caps, GPU_BACKEND_SUBGROUP, wide, "tiled-winograd");
        is(&caps, GPU_BACKEND_SUBGROUP, shape(12, 19, 1, 1, 1, GPU_F32), "tiled-small");
}

static void keeps_to_what_texel_buffers_hold(void **state)
{
        struct gpu_caps caps = processor;

        caps.texel_elements = 65536;
        is(&caps, GPU_BACKEND_SUBGROUP, shape(8, 8, 1, 1, 1, GPU_F32), "tiled-small");
        caps.texel_elements = 1 << 23; /* 36 matrices of 2560 x 512 do not fit, 9 do */
        is(&caps, GPU_BACKEND_SUBGROUP, shape(2560, 512, 3, 1, 1, GPU_F32), "subgroup");
        is(&processor, GPU_BACKEND_SUBGROUP, shape(2560, 512, 3, 1, 1, GPU_F32), "subgroup-winograd");
}

/* ---- what was measured ---- */

static char folder[] = "/tmp/visaged-choice-XXXXXX";

/* A device that has only what a choice needs, with what the file says. */
static struct gpu *device(uint8_t driver)
{
        struct gpu *gpu = calloc(1, sizeof *gpu);

        assert_non_null(gpu);
        gpu->caps = processor;
        gpu->backend = GPU_BACKEND_TILED;
        gpu->properties.pipelineCacheUUID[0] = driver;
        assert_int_equal(choices_open(gpu, folder), 0);
        return gpu;
}

static void release(struct gpu *gpu)
{
        choices_close(gpu);
        free(gpu);
}

static void has(const struct gpu *gpu, struct gpu_conv conv, const char *name)
{
        assert_int_equal(gpu_conv_choose(gpu, &conv), 0);
        assert_string_equal(gpu_conv_algorithm(&conv), name);
}

static void prefers_what_was_measured(void **state)
{
        struct gpu *gpu = device(0);
        struct gpu_conv other = wide;

        other.width++;
        has(gpu, wide, "tiled-winograd");
        assert_true(gpu_conv_is_guess(gpu, &wide));
        assert_int_equal(conv_remember(gpu, &wide, &conv_tiled_small), 0);
        has(gpu, wide, "tiled-small");
        assert_false(gpu_conv_is_guess(gpu, &wide));
        has(gpu, other, "tiled-winograd");
        assert_true(gpu_conv_is_guess(gpu, &other));
        gpu->caps.invocations = 128; /* without one of the candidates it is another key, which has no word */
        has(gpu, wide, "tiled-winograd");
        assert_true(gpu_conv_is_guess(gpu, &wide));
        gpu->caps.float16 = false;
        other.dtype = GPU_F16; /* there is nothing to choose from */
        has(gpu, other, "tiled-small");
        assert_false(gpu_conv_is_guess(gpu, &other));
        release(gpu);
}

static void ignores_what_does_not_fit(void **state)
{
        static const struct conv_algorithm unknown = {.name = "quantum"}, part = {.name = "tiled-"};
        static const struct conv_algorithm *const wrong[] = {&unknown, &part, &conv_subgroup_winograd,
                                                             &conv_depthwise_pixel};

        for (size_t i = 0; i < SIZEOF(wrong); i++) {
                struct gpu *gpu = device(0);
                assert_int_equal(conv_remember(gpu, &wide, wrong[i]), 0);
                has(gpu, wide, "tiled-winograd");
                assert_true(gpu_conv_is_guess(gpu, &wide));
                release(gpu);
        }
}

static void keeps_it_for_this_driver(void **state)
{
        struct gpu *gpu = device(1);

        assert_int_equal(conv_remember(gpu, &wide, &conv_tiled_small), 0);
        assert_int_equal(gpu_tuning_save(gpu), 0);
        release(gpu);
        gpu = device(1);
        has(gpu, wide, "tiled-small");
        release(gpu);
        gpu = device(2);
        has(gpu, wide, "tiled-winograd");
        release(gpu);
}

/* Drivers of several versions may share a file, but not what is in it. */
static void keeps_it_for_this_version_of_the_driver(void **state)
{
        struct gpu *gpu = device(6);

        assert_int_equal(conv_remember(gpu, &wide, &conv_tiled_small), 0);
        assert_int_equal(gpu_tuning_save(gpu), 0);
        struct gpu newer = {.caps = processor, .backend = GPU_BACKEND_TILED, .info.driver = "newer"};
        newer.properties = gpu->properties;
        release(gpu);
        assert_int_equal(choices_open(&newer, folder), 0);
        has(&newer, wide, "tiled-winograd");
        choices_close(&newer);
}

static void needs_no_file(void **state)
{
        struct gpu gpu = {.caps = processor, .backend = GPU_BACKEND_TILED};

        assert_int_equal(choices_open(&gpu, NULL), 0);
        assert_int_equal(conv_remember(&gpu, &wide, &conv_tiled_small), 0);
        has(&gpu, wide, "tiled-small");
        assert_int_equal(gpu_tuning_save(&gpu), -ENOENT);
        choices_close(&gpu);
        assert_int_equal(choices_open(&gpu, "/proc/nowhere"), 0);
        gpu.choices = NULL;
        has(&gpu, wide, "tiled-winograd");
        assert_true(gpu_tuning_save(&gpu) < 0);
        choices_close(&gpu);
}

/* A file that is cut anywhere, or has any byte changed, is ignored. */
static void survives_a_damaged_file(void **state)
{
        struct gpu *gpu = device(3);
        uint8_t bytes[1000];

        assert_int_equal(conv_remember(gpu, &wide, &conv_tiled_small), 0);
        assert_int_equal(gpu_tuning_save(gpu), 0);
        FILE *file = fopen(gpu->choices_path, "r");
        assert_non_null(file);
        const size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_in_range(size, 20, sizeof bytes - 1);
        for (size_t i = 0; i < 2 * size; i++) {
                const size_t at = i % size;
                file = fopen(gpu->choices_path, "w");
                assert_non_null(file);
                bytes[at] ^= 1;
                fwrite(bytes, 1, i < size ? at : size, file);
                bytes[at] ^= 1;
                fclose(file);
                struct gpu *again = device(3);
                has(again, wide, "tiled-winograd");
                release(again);
        }
        release(gpu);
}

/* Intact files with hostile contents, or of another version. */
static void survives_any_text(void **state)
{
        static const char first[] = VISAGED_VERSION " \n";
        static const char *const texts[] = {
                "", "\n", " ", "\n\n\n", " \n", "key\n", "key \n", "  \n  \n", "key word", "\n key word\n",
        };
        struct gpu *gpu = device(4);
        char text[200], long_line[1 << 16];
        size_t size;

        for (size_t i = 0; i < 2 * SIZEOF(texts); i++) {
                snprintf(text, sizeof text, "%s%s", i % 2 ? first : "0.0.0\nkey word\n", texts[i / 2]);
                assert_int_equal(file_write(gpu->choices_path, text, strlen(text)), 0);
                struct gpu *again = device(4);
                const char *word = choices_find(again, "key", &size);
                assert_true(!word || size == 0);
                has(again, wide, "tiled-winograd");
                release(again);
        }
        memset(long_line, 'x', sizeof long_line);
        memcpy(long_line, first, strlen(first));
        long_line[sizeof long_line - 1] = '\n';
        for (size_t less = 0; less < 3; less++) {
                long_line[100] = less == 2 ? '\0' : 'x';
                assert_int_equal(file_write(gpu->choices_path, long_line + less / 2, sizeof long_line - less / 2), 0);
                struct gpu *again = device(4);
                has(again, wide, "tiled-winograd");
                release(again);
        }
        release(gpu);
}

static void forgets_before_it_grows_too_large(void **state)
{
        struct gpu *gpu = device(5);
        char key[100];
        size_t size;

        for (int i = 0; i < 3000; i++) {
                snprintf(key, sizeof key, "a-key-of-some-length:%d", i);
                assert_int_equal(choices_add(gpu, key, "word"), 0);
                assert_non_null(choices_find(gpu, key, &size));
                assert_int_equal(size, strlen("word"));
        }
        assert_in_range(strlen(gpu->choices), 1000, 65535);
        assert_int_equal(gpu_tuning_save(gpu), 0);
        release(gpu);
        gpu = device(5);
        assert_non_null(choices_find(gpu, key, &size));
        release(gpu);
}

static int make_folder(void **state)
{
        return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
        char command[100];

        snprintf(command, sizeof command, "rm -r %s", folder);
        return system(command);
}

/* ---- sizes and packing ---- */

static float *filled(size_t count, float value)
{
        float *p = malloc(count * sizeof *p);

        assert_non_null(p);
        for (size_t i = 0; i < count; i++)
                p[i] = value;
        return p;
}

/* Not zero, of 2 or 4 bytes each. */
static size_t count_set(const uint8_t *p, size_t size, size_t element)
{
        static const uint8_t zero[4];
        size_t count = 0;

        for (size_t i = 0; i < size; i += element)
                count += memcmp(p + i, zero, element) != 0;
        return count;
}

/* Packs weights of 1 and biases of 2: all of them are there, and nothing is written beyond the stated size. */
static void packs(const struct conv_algorithm *algorithm, struct gpu_conv conv)
{
        enum { GUARD = 64 };
        const bool winograd = algorithm == &conv_subgroup_winograd || algorithm == &conv_tiled_winograd;
        const size_t taps = conv.kernel * conv.kernel, per_output = conv.depthwise ? taps : conv.in * taps;
        float *weights = filled(conv.out * per_output, 1), *bias = filled(conv.out, 2);

        conv.algorithm = algorithm;
        const uint64_t size = gpu_conv_weights_size(&conv);
        uint8_t *packed = malloc(size + GUARD);
        assert_non_null(packed);
        memset(packed, 0xa5, size + GUARD);
        gpu_conv_weights_pack(&conv, conv.in, weights, bias, packed);
        for (int i = 0; i < GUARD; i++)
                assert_int_equal(packed[size + i], 0xa5);

        const size_t biases = conv.depthwise ? 0 : conv_rows(&conv) * sizeof(float);
        if (conv.depthwise)
                assert_int_equal(count_set(packed, size, 4), conv.out * (taps + 1));
        else {
                assert_int_equal(count_set(packed + size - biases, biases, 4), conv.out);
                assert_memory_equal(packed + size - biases, bias, conv.out * sizeof *bias);
        }
        if (algorithm == &conv_subgroup || algorithm == &conv_subgroup_expand || algorithm == &conv_tiled ||
            algorithm == &conv_tiled_packed || algorithm == &conv_tiled_packed_small ||
            algorithm == &conv_tiled_split || algorithm == &conv_tiled_small || algorithm == &conv_cooperative)
                assert_int_equal(count_set(packed, size - biases, conv.dtype == GPU_F16 ? 2 : 4),
                                 conv.out * per_output);
        if (winograd)
                assert_true(count_set(packed, size - biases, 4) >= 16 * (size_t)conv.out * conv.in);
        assert_int_equal(gpu_conv_workspace_size(&conv) > 0, winograd || algorithm == &conv_tiled_split);
        free(packed);
        free(weights);
        free(bias);
}

static void sizes_and_packing_agree(void **state)
{
        static const uint32_t ins[] = {4, 12, 20, 28, 36, 64}, outs[] = {1, 3, 8, 19, 32, 33, 65},
                              kernels[] = {1, 3, 5};

        struct gpu_caps everything = processor;

        everything.matrices = GPU_MATRICES_NV;
        everything.matrix_m = everything.matrix_n = everything.matrix_k = 16;
        everything.matrix_subgroup = 8;
        for (const struct conv_algorithm *const *a = conv_algorithms; *a; a++) {
                unsigned packed = 0;
                for (size_t i = 0; i < SIZEOF(ins); i++)
                        for (size_t o = 0; o < SIZEOF(outs); o++)
                                for (size_t k = 0; k < SIZEOF(kernels); k++)
                                        for (int half = 0; half < 2; half++) {
                                                struct gpu_conv conv = shape(ins[i], outs[o], kernels[k], 1, 1,
                                                                             half ? GPU_F16 : GPU_F32);
                                                for (int each = 0; each < 2; each++) {
                                                        conv.depthwise = each;
                                                        if (each)
                                                                conv.out = ins[i];
                                                        if ((*a)->fits(&everything, &conv)) {
                                                                packs(*a, conv);
                                                                packed++;
                                                        }
                                                }
                                        }
                assert_true(packed > 0);
        }
}

/* The layout of a matrix that is made on the device. */
static void direct_ones_take_the_same_weights(void **state)
{
        struct gpu_conv conv = shape(36, 19, 3, 1, 1, GPU_F32);
        const uint64_t size = conv_subgroup.weights_size(&conv);
        float *weights = filled(36 * 19 * 9, 0), *bias = filled(19, 3);
        uint8_t *a = calloc(1, size), *b = calloc(1, size);

        assert_int_equal(conv_tiled.weights_size(&conv), size);
        for (int i = 0; i < 36 * 19 * 9; i++)
                weights[i] = i;
        conv_subgroup.pack(&conv, 36, weights, bias, a);
        conv_tiled.pack(&conv, 36, weights, bias, b);
        assert_memory_equal(a, b, size);
        free(a);
        free(b);
        free(weights);
        free(bias);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chooses_by_shape),
                cmocka_unit_test(chooses_by_back_end),
                cmocka_unit_test(chooses_tiles_by_size),
                cmocka_unit_test(computes_with_halves),
                cmocka_unit_test(multiplies_whole_matrices_of_halves),
                cmocka_unit_test(keeps_to_what_storage_buffers_hold),
                cmocka_unit_test(spares_small_gpus_winograd),
                cmocka_unit_test(needs_subgroups_of_8_and_shuffles),
                cmocka_unit_test(needs_64_bit_integers),
                cmocka_unit_test(keeps_to_what_texel_buffers_hold),
                cmocka_unit_test(sizes_and_packing_agree),
                cmocka_unit_test(direct_ones_take_the_same_weights),
                cmocka_unit_test(prefers_what_was_measured),
                cmocka_unit_test(ignores_what_does_not_fit),
                cmocka_unit_test(keeps_it_for_this_driver),
                cmocka_unit_test(keeps_it_for_this_version_of_the_driver),
                cmocka_unit_test(needs_no_file),
                cmocka_unit_test(survives_a_damaged_file),
                cmocka_unit_test(survives_any_text),
                cmocka_unit_test(forgets_before_it_grows_too_large),
        };

        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
