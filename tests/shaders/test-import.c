/* Memory of others, read where it is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shaders/image.h"
#include "tests/shaders/fixture.h"

enum { WIDTH = 64, HEIGHT = 43, BYTES = WIDTH * HEIGHT * 3 }; /* not a whole number of pages */
_Static_assert(BYTES % 4096, "");

static uint32_t pages(uint32_t size)
{
        return (size + 4095) / 4096 * 4096;
}

static void fill(uint8_t *bytes, unsigned seed)
{
        for (unsigned i = 0; i < BYTES; i++)
                bytes[i] = i * seed + i / 251;
}

/* ---- memory that is no device's ---- */

struct memory {
        struct gpu_foreign foreign;
        int memfd;
};

static struct memory map(void)
{
        struct memory m = {{-1, MAP_FAILED, BYTES}, memfd_create("camera", MFD_CLOEXEC | MFD_ALLOW_SEALING)};

        assert_true(m.memfd >= 0);
        assert_int_equal(ftruncate(m.memfd, pages(BYTES)), 0);
        m.foreign.data = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m.memfd, 0);
        assert_ptr_not_equal(m.foreign.data, MAP_FAILED);
        return m;
}

/* The same pages as a dma-buf.  -1: this kernel has none for the asking. */
static int export(const struct memory *m)
{
        int fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), dmabuf;
        const struct udmabuf_create wish = {
                .memfd = (uint32_t)m->memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = pages(BYTES)};

        if (fd < 0)
                return -1;
        assert_int_equal(fcntl(m->memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
        dmabuf = ioctl(fd, UDMABUF_CREATE, &wish);
        assert_true(dmabuf >= 0);
        close(fd);
        return dmabuf;
}

static void unmap(struct memory *m)
{
        munmap(m->foreign.data, BYTES);
        close(m->memfd);
        if (m->foreign.dmabuf >= 0)
                close(m->foreign.dmabuf);
}

/* ---- reading it ---- */

/* Runs one program again and again while the bytes change: nothing of them is kept. */
static void assert_read(struct fixture *f, struct gpu_buffer *bytes, uint8_t *written)
{
        const struct gpu_pixels pixels = {
                .width = WIDTH,
                .height = HEIGHT,
                .component = {{0, WIDTH * 3, 3, 0, 0}, {1, WIDTH * 3, 3, 0, 0}, {2, WIDTH * 3, 3, 0, 0}},
                .size = BYTES,
        };
        const struct gpu_image image = {f->device, WIDTH, HEIGHT};
        const uint8_t *rgba = gpu_buffer_map(f->readback);
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "in", &p), 0);
        assert_int_equal(op_unpack(p, bytes, &pixels, &image), 0);
        assert_int_equal(op_copy(p, f->device, f->readback, gpu_image_size(WIDTH, HEIGHT)), 0);
        assert_int_equal(gpu_program_end(p), 0);
        for (unsigned seed = 1; seed < 8; seed += 2) {
                fill(written, seed);
                assert_int_equal(gpu_run(p), 0);
                for (unsigned i = 0; i < BYTES; i++)
                        if (rgba[i / 3 * 4 + i % 3] != written[i])
                                fail_msg("seed %u, byte %u: %u, not %u", seed, i, rgba[i / 3 * 4 + i % 3], written[i]);
        }
        gpu_program_free(p);
}

/* What was imported once can be imported again. */
static void reads(struct fixture *f, enum gpu_import how, struct memory *m)
{
        const uint64_t before = gpu_allocated(f->gpu);

        for (int i = 0; i < 2; i++) {
                struct gpu_buffer *bytes = NULL;
                assert_int_equal(gpu_buffer_import(f->gpu, how, &m->foreign, "camera", &bytes), 0);
                assert_null(gpu_buffer_map(bytes));
                assert_true(gpu_buffer_size(bytes) >= BYTES);
                assert_read(f, bytes, m->foreign.data);
                gpu_buffer_free(bytes);
                assert_int_equal(gpu_allocated(f->gpu), before);
        }
        unmap(m);
}

static void reads_pages_of_this_process(void **state)
{
        struct memory m = map();

        reads(*state, GPU_IMPORT_HOST, &m);
}

/* VISAGED_DMABUF in the environment: it must be possible here. */
static void reads_a_dmabuf(void **state)
{
        struct fixture *f = *state;
        struct memory m = map();
        struct gpu_buffer *bytes = NULL;

        m.foreign.dmabuf = export(&m);
        int r = gpu_buffer_import(f->gpu, GPU_IMPORT_DMABUF, &m.foreign, "camera", &bytes);
        gpu_buffer_free(bytes);
        if (r == -ENOTSUP && !getenv("VISAGED_DMABUF")) {
                printf("# reads_a_dmabuf: %s\n", m.foreign.dmabuf < 0 ? "no /dev/udmabuf" : "this driver takes none");
                unmap(&m);
                return;
        }
        reads(f, GPU_IMPORT_DMABUF, &m);
}

/* ---- refusals ---- */

/* Whatever is wrong with it, nothing is left, and the device goes on. */
static void refuses_what_it_cannot_read(void **state)
{
        struct fixture *f = *state;
        struct memory m = map();
        const int file = open("/dev/null", O_RDONLY | O_CLOEXEC), gone = 1000;
        const struct {
                enum gpu_import how;
                struct gpu_foreign foreign;
        } cases[] = {
                {GPU_IMPORT_HOST, {-1, NULL, BYTES}},                             /* not mapped */
                {GPU_IMPORT_HOST, {-1, (uint8_t *)m.foreign.data + 64, 4096}},    /* not at the start of a page */
                {GPU_IMPORT_DMABUF, {-1, m.foreign.data, BYTES}},                 /* no dma-buf */
                {GPU_IMPORT_DMABUF, {gone, NULL, BYTES}},                         /* a descriptor that is none */
                {GPU_IMPORT_DMABUF, {file, NULL, BYTES}},                         /* nor a dma-buf */
                {GPU_IMPORT_DMABUF, {m.memfd, NULL, pages(BYTES) + UINT64_C(1)}}, /* too short */
        };
        const uint64_t before = gpu_allocated(f->gpu);
        struct gpu_program *p;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct gpu_buffer *bytes = NULL;
                int r = gpu_buffer_import(f->gpu, cases[i].how, &cases[i].foreign, "camera", &bytes);
                if (r != -ENOTSUP)
                        fail_msg("case %zu: %d", i, r);
                assert_null(bytes);
        }
        assert_int_equal(gpu_allocated(f->gpu), before);
        p = program(f, 1);
        assert_int_equal(gpu_run(p), 0);
        gpu_program_free(p);
        close(file);
        unmap(&m);
}

/* It is the camera's. */
static void never_writes_it(void **state)
{
        struct fixture *f = *state;
        struct memory m = map();
        struct gpu_buffer *bytes = NULL;
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_buffer_import(f->gpu, GPU_IMPORT_HOST, &m.foreign, "camera", &bytes), 0);
        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        assert_int_equal(op_copy(p, f->device, bytes, 64), -EINVAL);
        assert_int_equal(gpu_program_end(p), -EINVAL);
        gpu_program_free(p);
        gpu_buffer_free(bytes);
        unmap(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(reads_pages_of_this_process, setup, teardown),
                cmocka_unit_test_setup_teardown(reads_a_dmabuf, setup, teardown),
                cmocka_unit_test_setup_teardown(refuses_what_it_cannot_read, setup, teardown),
                cmocka_unit_test_setup_teardown(never_writes_it, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
