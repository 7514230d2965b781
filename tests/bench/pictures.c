/* The cost of the operators on pictures: processor time per call, of the whole process with the software driver's
 * threads.  Prints the median of several runs, in milliseconds.
 *
 *     pictures [RUNS]
 *
 * On one core (taskset -c 0) it does not count threads that wait for each other. */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "daemon/pipeline/effects/chain.h"
#include "daemon/pipeline/pixels.h"
#include "v4l2/frame.h"

enum { RUNS_MOST = 1000 };

struct bench {
        struct gpu *gpu;
        int runs;
        uint32_t width, height;
        struct gpu_image image, work[2];
        struct gpu_labels labels;
        struct gpu_mask masks[2];
        struct gpu_buffer *bytes, *parameters, *scratch, *states[EFFECTS];
};

__attribute__((noreturn)) static void die(const char *what, int error)
{
        fprintf(stderr, "pictures: %s: %s\n", what, strerror(-error));
        exit(1);
}

static void check(const char *what, int r)
{
        if (r < 0)
                die(what, r);
}

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void tell(const struct bench *bench, const char *what, double *times)
{
        qsort(times, bench->runs, sizeof *times, compare);
        printf("%-20s %5ux%-5u %8.2f %8.2f\n", what, bench->width, bench->height, times[bench->runs / 2], times[0]);
        fflush(stdout);
}

/* Ends, times and frees the program. */
static void measure(const struct bench *bench, const char *what, struct gpu_program *program)
{
        double times[RUNS_MOST];

        check(what, gpu_program_end(program));
        check(what, gpu_run(program));
        for (int i = 0; i < bench->runs; i++) {
                const double from = now_ms();
                check(what, gpu_run(program));
                times[i] = now_ms() - from;
        }
        gpu_program_free(program);
        tell(bench, what, times);
}

static struct gpu_program *begin(const struct bench *bench)
{
        struct gpu_program *program;

        check("program", gpu_program_new(bench->gpu, "bench", &program));
        return program;
}

static void formats(const struct bench *bench)
{
        static const uint32_t fourccs[] = {V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420,
                                           V4L2_PIX_FMT_RGB24};

        for (size_t i = 0; i < sizeof fourccs / sizeof *fourccs; i++) {
                struct frame_format format;
                struct gpu_pixels pixels;
                char what[32];

                format = (struct frame_format){fourccs[i], bench->width, bench->height};
                frame_format_pack(&format);
                check("layout", pixels_layout(&format, &pixels));
                struct gpu_program *program = begin(bench);
                op_unpack(program, bench->bytes, &pixels, &bench->image);
                snprintf(what, sizeof what, "unpack %.4s", (const char *)&fourccs[i]);
                measure(bench, what, program);
                program = begin(bench);
                op_pack(program, &bench->image, &pixels, bench->bytes);
                snprintf(what, sizeof what, "pack %.4s", (const char *)&fourccs[i]);
                measure(bench, what, program);
        }
}

/* From a camera's memory, with a copy or without, where the device can do that: by turns, each with a frame that has
 * just been written. */
static void intake(const struct bench *bench)
{
        static double times[2][RUNS_MOST];
        static const char *const names[] = {"copy, unpack YUYV", "import, unpack YUYV"};
        struct frame_format format = {V4L2_PIX_FMT_YUYV, bench->width, bench->height};
        struct gpu_program *programs[2] = {begin(bench), begin(bench)};
        struct gpu_buffer *imported;
        struct gpu_pixels pixels;

        frame_format_pack(&format);
        check("layout", pixels_layout(&format, &pixels));
        void *frame = mmap(NULL, format.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (frame == MAP_FAILED)
                die("frame", -errno);
        int r = gpu_buffer_import(bench->gpu, GPU_IMPORT_HOST, &(struct gpu_foreign){-1, frame, format.size}, "frame",
                                  &imported);
        if (r == -ENOTSUP) {
                gpu_program_free(programs[0]);
                gpu_program_free(programs[1]);
                munmap(frame, format.size);
                return;
        }
        check("import", r);
        op_unpack(programs[0], bench->bytes, &pixels, &bench->image);
        op_unpack(programs[1], imported, &pixels, &bench->image);
        check("copy", gpu_program_end(programs[0]));
        check("import", gpu_program_end(programs[1]));
        for (int i = -1; i < bench->runs; i++)
                for (int way = 0; way < 2; way++) {
                        memset(frame, i + way, format.size);
                        const double from = now_ms();
                        if (way == 0)
                                memcpy(gpu_buffer_map(bench->bytes), frame, format.size);
                        check("run", gpu_run(programs[way]));
                        times[way][i < 0 ? 0 : i] = now_ms() - from;
                }
        for (int way = 0; way < 2; way++) {
                tell(bench, names[way], times[way]);
                gpu_program_free(programs[way]);
        }
        gpu_buffer_free(imported);
        munmap(frame, format.size);
}

static void guide(const struct bench *bench)
{
        struct gpu_program *program = begin(bench);

        op_guide(program, &bench->image, &bench->masks[0], bench->scratch, &bench->masks[1]);
        measure(bench, "guide", program);
}

/* Each effect that does something, with its default options; half of the picture is background. */
static void effect(const struct bench *bench, unsigned id)
{
        static const uint8_t colors[GPU_PALETTE_SIZE];
        const struct effect_context context = {.width = bench->width, .height = bench->height, .colors = colors};
        const struct effect_chain_io io = {
                .in = &bench->image,
                .work = {&bench->work[0], &bench->work[1]},
                .scratch = bench->scratch,
                .states = bench->states,
                .labels = &bench->labels,
                .mask = &bench->masks[0],
                .guided = &bench->masks[1],
                .blocks = {bench->parameters, 0},
        };
        struct effect_settings settings = {.chain = UINT32_C(1) << id};

        if (!effects[id]->record)
                return;
        effect_settings_reset(&settings, settings.chain);
        effect_chain_fill(&settings, &context, gpu_buffer_map(bench->parameters));
        struct gpu_program *program = begin(bench);
        effect_chain_record(program, settings.chain, &io);
        measure(bench, effects[id]->name, program);
}

static struct gpu_buffer *filled(const struct bench *bench, uint64_t size, const char *name)
{
        struct gpu_buffer *buffer;

        check(name, gpu_buffer_new(bench->gpu, size, GPU_MEMORY_UPLOAD, name, &buffer));
        uint8_t *bytes = gpu_buffer_map(buffer);
        for (uint64_t i = 0; i < size; i++)
                bytes[i] = i * 2654435761u >> 24;
        return buffer;
}

/* Placing a network's answers for the whole picture as a parse does, at rest and with a face that moves, and extracting
 * labels from the map. */
static void place(const struct bench *bench)
{
        enum { WIDTH = 288, HEIGHT = 224 };
        const struct gpu_answers answers = {filled(bench, gpu_image_size(WIDTH, HEIGHT), "answers"), WIDTH, HEIGHT};
        const struct gpu_answers map = {bench->work[0].buffer, bench->width, bench->height};
        const struct gpu_answers before = {bench->work[1].buffer, bench->width, bench->height};
        const struct gpu_block view = {filled(bench, sizeof(struct gpu_view), "view")};
        struct gpu_view *seen = gpu_buffer_map(view.buffer);

        *seen = gpu_view_whole(bench->width, bench->height, WIDTH, HEIGHT);
        seen->memory = 1;
        for (seen->moved_count = 0; seen->moved_count <= 1; seen->moved_count++) {
                struct gpu_program *program = begin(bench);
                seen->moved[0] = (struct gpu_moved){.x = 0.5f * bench->width, .y = 0.4f * bench->height, .by_x = 5};
                seen->moved[0].size = 0.3f * bench->height;
                op_copy(program, map.buffer, before.buffer, gpu_image_size(map.width, map.height));
                op_place(program, &answers, &view, &bench->image, &before, &map);
                measure(bench, seen->moved_count > 0 ? "place, moved" : "place", program);
        }
        struct gpu_program *program = begin(bench);
        op_labels(program, &map, &bench->labels);
        measure(bench, "labels", program);
        gpu_buffer_free(answers.buffer);
        gpu_buffer_free(view.buffer);
}

static struct gpu_image image_of(const struct bench *bench, const char *name)
{
        return (struct gpu_image){filled(bench, gpu_image_size(bench->width, bench->height), name), bench->width,
                                  bench->height};
}

static void size(struct bench *bench, uint32_t width, uint32_t height)
{
        bench->width = width;
        bench->height = height;
        bench->image = image_of(bench, "image");
        bench->work[0] = image_of(bench, "work");
        bench->work[1] = image_of(bench, "work");
        bench->labels = (struct gpu_labels){filled(bench, gpu_labels_size(width, height), "labels"), width, height};
        memset(gpu_buffer_map(bench->labels.buffer), 0, gpu_labels_size(width, height) / 2);
        bench->bytes = filled(bench, gpu_image_size(width, height), "bytes");
        bench->parameters = filled(bench, effect_chain_blocks_size(), "parameters");
        bench->scratch = filled(bench, effect_chain_scratch_size(width, height), "scratch");
        check("states", effect_chain_states_new(bench->gpu, width, height, bench->states));
        for (int i = 0; i < 2; i++)
                bench->masks[i] =
                        (struct gpu_mask){filled(bench, gpu_labels_size(width, height), "mask"), width, height};
        formats(bench);
        intake(bench);
        place(bench);
        guide(bench);
        for (unsigned i = 0; i < EFFECTS; i++)
                effect(bench, i);
        gpu_buffer_free(bench->image.buffer);
        gpu_buffer_free(bench->work[0].buffer);
        gpu_buffer_free(bench->work[1].buffer);
        gpu_buffer_free(bench->labels.buffer);
        gpu_buffer_free(bench->masks[0].buffer);
        gpu_buffer_free(bench->masks[1].buffer);
        gpu_buffer_free(bench->bytes);
        gpu_buffer_free(bench->parameters);
        gpu_buffer_free(bench->scratch);
        effect_chain_states_free(bench->states);
}

int main(int argc, char **argv)
{
        struct bench bench = {.runs = argc > 1 ? atoi(argv[1]) : 21};
        char why[512] = "";

        if (argc > 2 || bench.runs < 1 || bench.runs > RUNS_MOST) {
                fprintf(stderr, "usage: pictures [RUNS]\n");
                return 2;
        }
        if (gpu_open(&(struct gpu_options){0}, &bench.gpu, why, sizeof why) < 0) {
                fprintf(stderr, "pictures: %s\n", why);
                return 1;
        }
        printf("%s, %s\n%-20s %11s %8s %8s\n", gpu_info(bench.gpu)->name, gpu_info(bench.gpu)->driver, "operator",
               "size", "median", "least");
        size(&bench, 640, 480);
        size(&bench, 1920, 1080);
        gpu_close(bench.gpu);
        return 0;
}
