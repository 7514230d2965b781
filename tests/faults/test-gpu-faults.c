/* Every call that can fail is made to fail: the daemon's engine and pipeline run on a Vulkan driver that computes
 * nothing (fake-vulkan.h) and on a C library whose calls fail (fake-host.h).  A play (play.h) is run once without
 * faults, to count the calls of each function, and then again and again, each time with another failing call.
 * Whatever fails, the play ends in time, with an error that says what was wrong; nothing is left over, and the next
 * play succeeds.  With VISAGED_LONG, every call of every function fails in turn, at least 1000 for each kind. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include "tests/cm.h"
#include "tests/faults/fake-host.h"
#include "tests/faults/fake-vulkan.h"
#include "tests/faults/faults.h"
#include "tests/faults/play.h"
#include "tests/model/forge.h"

/* ---- failing calls ---- */

#define ONCE 1
#define FOR_GOOD UINT32_MAX

/* clang-format off */
#define KIND(point, result, ...) {FAULT_##point, result, #result, __VA_ARGS__}
/* clang-format on */

static const struct kind {
        enum fault_point point;
        int result;
        const char *result_name;
        unsigned times;
        int errors[3];    /* errors that it may cause */
        bool may_go_well; /* it can be worked around */
} kinds[] = {
        KIND(vkCreateInstance, VK_ERROR_INCOMPATIBLE_DRIVER, ONCE, {-ENOENT}),
        KIND(vkCreateInstance, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkEnumerateInstanceExtensionProperties, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}, true),
        KIND(vkEnumeratePhysicalDevices, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkEnumeratePhysicalDevices, VK_ERROR_INITIALIZATION_FAILED, ONCE, {-ENOENT}),
        KIND(vkEnumerateDeviceExtensionProperties, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}, true),
        KIND(vkCreateDevice, VK_ERROR_INITIALIZATION_FAILED, ONCE, {-ENOTSUP}),
        KIND(vkCreateDevice, VK_ERROR_DEVICE_LOST, ONCE, {-ENODEV}),
        KIND(vkCreateDevice, VK_ERROR_TOO_MANY_OBJECTS, ONCE, {-ENOMEM}),
        KIND(vkCreateCommandPool, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreatePipelineCache, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkGetPipelineCacheData, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {0}, true),
        KIND(vkCreateFence, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreateDescriptorSetLayout, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreatePipelineLayout, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreateShaderModule, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreateComputePipelines, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreateBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkAllocateMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkAllocateMemory, VK_ERROR_TOO_MANY_OBJECTS, FOR_GOOD, {-ENOMEM}),
        KIND(vkBindBufferMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkGetMemoryFdPropertiesKHR, VK_ERROR_INVALID_EXTERNAL_HANDLE, ONCE, {0}, true),
        KIND(vkGetMemoryFdPropertiesKHR, VK_ERROR_INVALID_EXTERNAL_HANDLE, FOR_GOOD, {0}, true),
        KIND(vkGetMemoryHostPointerPropertiesEXT, VK_ERROR_INVALID_EXTERNAL_HANDLE, ONCE, {0}, true),
        KIND(vkGetMemoryHostPointerPropertiesEXT, VK_ERROR_INVALID_EXTERNAL_HANDLE, FOR_GOOD, {0}, true),
        KIND(vkMapMemory, VK_ERROR_MEMORY_MAP_FAILED, ONCE, {-ENOMEM}),
        KIND(vkCreateBufferView, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkCreateDescriptorPool, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkAllocateDescriptorSets, VK_ERROR_OUT_OF_POOL_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkAllocateDescriptorSets, VK_ERROR_FRAGMENTED_POOL, ONCE, {-ENOMEM}),
        KIND(vkAllocateCommandBuffers, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkBeginCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkEndCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkResetFences, VK_ERROR_OUT_OF_DEVICE_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkQueueSubmit, VK_ERROR_DEVICE_LOST, ONCE, {-ENODEV}),
        KIND(vkQueueSubmit, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {-ENOMEM}),
        KIND(vkQueueSubmit, VK_ERROR_OUT_OF_DEVICE_MEMORY, FOR_GOOD, {-ENOMEM}),
        KIND(vkWaitForFences, VK_ERROR_DEVICE_LOST, ONCE, {-ENODEV}),
        KIND(vkWaitForFences, VK_ERROR_OUT_OF_HOST_MEMORY, ONCE, {0}, true),
        KIND(vkWaitForFences, VK_TIMEOUT, ONCE, {0}, true),
        KIND(vkWaitForFences, VK_TIMEOUT, FOR_GOOD, {-ENODEV}), /* the device never answers */
        KIND(ANY, VK_ERROR_DEVICE_LOST, ONCE, {-ENODEV, -ENOENT}, true),
        KIND(ANY, VK_ERROR_DEVICE_LOST, FOR_GOOD, {-ENODEV, -ENOENT}),
        KIND(ANY, VK_ERROR_OUT_OF_HOST_MEMORY, FOR_GOOD, {-ENOMEM, -ENODEV}),
        KIND(malloc, ENOMEM, ONCE, {-ENOMEM}, true),
        KIND(malloc, ENOMEM, FOR_GOOD, {-ENOMEM}),
        KIND(calloc, ENOMEM, ONCE, {-ENOMEM}, true),
        KIND(calloc, ENOMEM, FOR_GOOD, {-ENOMEM}),
        KIND(realloc, ENOMEM, ONCE, {-ENOMEM}),
        KIND(strdup, ENOMEM, ONCE, {-ENOMEM}),
        KIND(asprintf, ENOMEM, ONCE, {-ENOMEM}, true),
        KIND(pthread_create, EAGAIN, ONCE, {-EAGAIN}),
        KIND(eventfd, EMFILE, ONCE, {-EMFILE}),
#undef KIND
};

static unsigned counts[PLAY_VARIANTS][FAULTS]; /* of calls in a play without faults */

/* What is being tried, for the message if it hangs or crashes. */
static char trying[200];

static void on_alarm(int signal)
{
        static const char text[] = "hangs: ";

        if (write(STDERR_FILENO, text, sizeof text - 1) + write(STDERR_FILENO, trying, strlen(trying)) < 0)
                _exit(2);
        abort();
}

/* The descriptor that the next open() would return: it is the same afterwards if none is left open. */
static int next_fd(void)
{
        int fd = dup(STDERR_FILENO);

        close(fd);
        return fd;
}

struct result {
        int r;
        unsigned injected;
        long objects, host; /* how many are left over; with the objects, owners of a camera's memory and
                             * descriptors, which the driver has too */
        char left[300];     /* objects by kind */
        bool runs;          /* something submitted has not finished */
};

static struct result try(struct play *play, unsigned variant, const struct fault *fault)
{
        struct result result;
        char before[300];
        long objects = fake_alive(before, sizeof before), host = host_alive(), owners = play_memory_owners();
        int fd = next_fd();

        alarm(600);
        faults_begin(fault);
        result.r = play_run(play, variant);
        faults_end();
        alarm(0);
        result.injected = faults_injected();
        result.runs = fake_in_flight() > 0;
        result.objects = fake_alive(result.left, sizeof result.left) - objects + play_memory_owners() - owners +
                         (next_fd() != fd);
        result.host = host_alive() - host;
        return result;
}

static bool expects(const struct kind *kind, int error)
{
        for (size_t i = 0; i < sizeof kind->errors / sizeof *kind->errors; i++)
                if (kind->errors[i] == error)
                        return true;
        return false;
}

/* NULL, or what is wrong with how it ended. */
static const char *judge(const struct kind *kind, const struct play *play, const struct result *result)
{
        if (play->told > 1 || (play->owed && !play->told))
                return "the failure is not reported exactly once";
        if (result->r < 0) /* once a failure was reported, everything returns -ENODEV */
                return expects(kind, play->told ? play->error : result->r)
                               ? NULL
                               : "ends with an error that this fault cannot cause";
        if (play->shown != PLAY_SHOWN || play->told)
                return "frames are missing";
        return kind->may_go_well || !play->hit || play->other_way ? NULL : "succeeds although a call failed";
}

/* A device that never answers is abandoned while it is busy, with everything that it uses. */
static bool never_answers(const struct kind *kind)
{
        return kind->times == FOR_GOOD && (kind->point == FAULT_vkWaitForFences || kind->point == FAULT_ANY);
}

/* Only counts the calls. */
static const struct fault none = {FAULT_ANY, UINT32_MAX, ONCE, 0};

struct sum {
        unsigned injected, recovered, leaked, wrong;
};

static void complain(struct sum *sum, const char *what, const struct play *play, const struct result *result)
{
        if (sum->wrong++ < 5)
                print_error("%s: %s: %d (%s) \"%s\", act \"%s\", shown %u, told %u, left: %s; %ld of the host's\n",
                            trying, what, result->r, strerror(-result->r), play->startup.why, play->act, play->shown,
                            play->told, result->left, result->host);
}

/* One call fails; then all succeed. */
static void inject(const struct kind *kind, unsigned variant, unsigned nth, struct sum *sum)
{
        const struct fault fault = {kind->point, nth, kind->times, kind->result};
        static struct play play;

        snprintf(trying, sizeof trying, "%s, call %u, %s, variant %u", fault_name(kind->point), nth, kind->result_name,
                 variant);
        struct result result = try(&play, variant, &fault);
        const char *wrong = judge(kind, &play, &result);
        sum->injected += result.injected > 0;
        if (wrong)
                complain(sum, wrong, &play, &result);
        if (result.host || (result.objects && !(result.runs && never_answers(kind)))) {
                sum->leaked++;
                complain(sum, "something is left", &play, &result);
        }
        result = try(&play, variant, NULL);
        if (result.r == 0 && play.shown == PLAY_SHOWN && !play.told && !result.objects && !result.host)
                sum->recovered++;
        else
                complain(sum, "does not recover", &play, &result);
        fake_reset();
}

/* Makes every call fail in turn, one variant after the other, or a sample of them. */
static void survives(void **state)
{
        const struct kind *kind = *state;
        const bool all = getenv("VISAGED_LONG") && *getenv("VISAGED_LONG");
        const unsigned calls = counts[0][kind->point];
        unsigned wanted = all ? 1000 : 12;
        struct sum sum = {0};

        assert_true(calls > 0);
        fake_reset();
        if (all && wanted < calls)
                wanted = calls;
        for (unsigned i = 0; i < wanted; i++) {
                unsigned variant = (all ? i / calls : i) * 5 % PLAY_VARIANTS, nth = all      ? i
                                                                                    : i == 1 ? calls - 1
                                                                                             : i * 2654435761u;
                inject(kind, variant, nth % counts[variant][kind->point], &sum);
        }
        printf("# %-40s %-32s %-8s  injected %5u  recovered %5u  leaked %u\n", fault_name(kind->point),
               kind->result_name, kind->times == ONCE ? "once" : "for good", sum.injected, sum.recovered, sum.leaked);
        assert_int_equal(sum.wrong, 0);
        assert_int_equal(sum.injected, wanted);
        assert_int_equal(sum.recovered, wanted);
}

static void goes_well_without_faults(void **state)
{
        static struct play play;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                snprintf(trying, sizeof trying, "variant %u", variant);
                struct result result = try(&play, variant, NULL);
                assert_int_equal(result.r, 0);
                assert_int_equal(play.shown, PLAY_SHOWN);
                assert_int_equal(play.told, 0);
                assert_false(play.other_way);
                assert_int_equal(play.read, PLAY_SHOWN); /* but not that of the camera that was gone, nor the last */
                assert_string_equal(result.left, "");
                assert_int_equal(result.host, 0);
                for (int point = 0; point < FAULTS; point++)
                        counts[variant][point] = faults_calls(point);
                fake_reset();
        }
}

/* ---- the device at work ---- */

static void opens(struct play *play, unsigned variant)
{
        *play = (struct play){.variant = variant};
        assert_int_equal(play_open(play), 0);
        assert_int_equal(play_camera(play, V4L2_PIX_FMT_YUYV), 0);
}

static void closes(struct play *play)
{
        char left[300];

        play_close(play);
        fake_alive(left, sizeof left);
        assert_string_equal(left, "");
        fake_reset();
}

static void shows_nothing_before_it_is_done(void **state)
{
        static struct play play;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                opens(&play, variant);
                fake_hold(true);
                assert_int_equal(play_push(&play), 0);
                struct pollfd event = {.fd = gpu_fd(play.startup.engine.gpu), .events = POLLIN};
                assert_int_equal(poll(&event, 1, 20), 0);
                assert_int_equal(gpu_dispatch(play.startup.engine.gpu), 0);
                assert_int_equal(play.shown, 0);
                fake_hold(false);
                assert_int_equal(play_until_idle(&play), 0);
                assert_int_equal(play.shown, 1);
                closes(&play);
        }
}

/* With as much in flight as possible. */
static void closes_after_a_loss_in_flight(void **state)
{
        const unsigned owners = play_memory_owners();
        static struct play play;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                opens(&play, variant);
                assert_int_equal(play_camera_in_place(&play, V4L2_PIX_FMT_YUYV, variant % GPU_IMPORTS), 0);
                fake_hold(true);
                assert_int_equal(play_push(&play), 0);
                assert_int_equal(fake_in_flight(), 2);
                fake_lose();
                closes(&play);
                assert_int_equal(play.shown + play.told + play.read, 0);
                assert_int_equal(play_memory_owners(), owners);
        }
}

static void tells_of_a_loss_in_flight(void **state)
{
        static struct play play;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                opens(&play, variant);
                fake_hold(true);
                assert_int_equal(play_push(&play), 0);
                fake_lose();
                assert_int_equal(play_until_idle(&play), -ENODEV);
                assert_int_equal(play.told, 1);
                closes(&play);
        }
}

/* Options are numbers in the frame's parameters: changing one allocates no memory and creates nothing on the device. */
static void changes_options_without_recording(void **state)
{
        static const enum fault_point makes[] = {
                FAULT_malloc,
                FAULT_calloc,
                FAULT_realloc,
                FAULT_vkCreateBuffer,
                FAULT_vkAllocateMemory,
                FAULT_vkCreateBufferView,
                FAULT_vkCreateComputePipelines,
                FAULT_vkAllocateDescriptorSets,
                FAULT_vkBeginCommandBuffer,
                FAULT_vkEndCommandBuffer,
        };
        static struct play play;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                const unsigned effect = variant % EFFECTS;
                struct effect_settings other = {.chain = UINT32_C(1) << effect};

                for (unsigned i = 0; effects[effect]->options[i].name; i++)
                        other.options[effect][i] = effects[effect]->options[i].high;
                opens(&play, variant);
                faults_begin(&none);
                assert_int_equal(play_push(&play), 0);
                assert_int_equal(pipeline_set_effect(play.pipeline, &other), 0);
                assert_int_equal(play_until_idle(&play), 0);
                assert_int_equal(play_push(&play), 0);
                assert_int_equal(play_until_idle(&play), 0);
                faults_end();
                assert_int_equal(play.shown, 2);
                for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++)
                        assert_int_equal(faults_calls(makes[i]), 0);
                closes(&play);
        }
}

/* If a chain of effects cannot be recorded, the current one stays. */
static void goes_on_with_what_is_recorded(void **state)
{
        static const struct fault faults[] = {
                {FAULT_calloc, 0, ONCE, ENOMEM},
                {FAULT_realloc, 0, ONCE, ENOMEM},
                {FAULT_vkEndCommandBuffer, 0, ONCE, VK_ERROR_OUT_OF_HOST_MEMORY},
        };
        static struct play play;
        struct effect_settings settings;

        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
                opens(&play, EFFECT_overlay);
                settings.chain = UINT32_C(1) << EFFECT_overlay | UINT32_C(1) << EFFECT_blur;
                effect_settings_reset(&settings, settings.chain);
                faults_begin(&faults[i]);
                assert_int_equal(pipeline_set_effect(play.pipeline, &settings), -ENOMEM);
                faults_end();
                assert_int_equal(play_push(&play), 0);
                assert_int_equal(play_until_idle(&play), 0);
                assert_int_equal(play.shown, 1);
                /* It can be set now, as if it had never been tried. */
                assert_int_equal(pipeline_set_effect(play.pipeline, &settings), 0);
                assert_int_equal(play_push(&play), 0);
                assert_int_equal(play_until_idle(&play), 0);
                assert_int_equal(play.shown, 2);
                closes(&play);
        }
}

/* Code that does not know about the loss yet continues to create objects. */
static void frees_what_is_made_after_a_loss(void **state)
{
        static struct play play;
        struct gpu_program *program = NULL;
        struct gpu_buffer *buffer = NULL;

        for (unsigned variant = 0; variant < PLAY_VARIANTS; variant++) {
                opens(&play, variant);
                struct gpu *gpu = play.startup.engine.gpu;
                assert_int_equal(gpu_buffer_new(gpu, 4096, GPU_MEMORY_DEVICE, "image", &buffer), 0);
                const struct gpu_image image = {buffer, 32, 32};
                const struct gpu_labels labels = {buffer, 32, 32};
                const struct gpu_mask mask = {buffer, 32, 32};
                const struct gpu_block block = {buffer, 0};
                assert_int_equal(gpu_program_new(gpu, "late", &program), 0);
                assert_int_equal(op_paint(program, &image, &labels, &block, &image), 0);
                fake_hold(true);
                assert_int_equal(play_push(&play), 0);
                fake_lose();
                assert_int_equal(gpu_wait(gpu), -ENODEV);
                op_blur_background(program, &image, &mask, &block, 3, buffer, &image);
                gpu_program_end(program);
                assert_int_equal(gpu_submit(program, NULL, NULL), -ENODEV);
                gpu_program_free(program);
                gpu_buffer_free(buffer);
                closes(&play);
        }
}

/* A device that is lost while everything is being set up is told of by the result alone: nobody has the pipeline yet.
 */
static void tells_nothing_while_opening(void **state)
{
        static struct play play;

        play = (struct play){.startup.task = TASK_NONE};
        faults_begin(&none);
        assert_int_equal(play_open(&play), 0);
        faults_end();
        const unsigned calls = faults_calls(FAULT_ANY);
        play_close(&play);
        fake_reset();
        for (unsigned nth = calls * 9 / 10; nth < calls; nth += 3) {
                play = (struct play){.startup.task = TASK_NONE};
                faults_begin(&(struct fault){FAULT_ANY, nth, ONCE, VK_ERROR_DEVICE_LOST});
                int r = play_open(&play);
                faults_end();
                assert_int_equal(play.told, 0);
                assert_true(r == 0 || r == -ENODEV);
                play_close(&play);
                fake_reset();
        }
}

static const struct fault silence = {FAULT_vkWaitForFences, 0, UINT32_MAX, VK_TIMEOUT};

/* How often a fence was waited for before the silent device was abandoned. */
static unsigned waits(struct play *play)
{
        unsigned n = faults_calls(FAULT_vkWaitForFences);

        faults_end();
        play_close(play);
        fake_reset();
        return n;
}

/* A program that has run before gets a minute.  Only a program that has never run in this process gets more, because
 * the driver may still be compiling it. */
static void waits_long_only_for_a_first_run(void **state)
{
        static struct play play;

        opens(&play, 1);
        assert_int_equal(play_camera(&play, V4L2_PIX_FMT_YUYV), 0); /* its program is recorded again */
        faults_begin(&silence);
        play_push(&play);
        assert_int_equal(play_until_idle(&play), -ENODEV);
        const unsigned again = waits(&play);

        play = (struct play){.variant = 1};
        faults_begin(&silence);
        assert_int_equal(play_open(&play), -ENODEV);
        const unsigned first = waits(&play);
        assert_in_range(again, 500, 700);
        assert_true(first > 5 * again);
}

/* If a driver's wait never returns, whatever the timeout, a caller that waits gives up, and closing does not wait for
 * the thread. */
static void gives_up_where_the_driver_hangs(void **state)
{
        static const struct fault hang = {FAULT_vkWaitForFences, 0, 1, FAKE_HANGS};
        static struct play play;

        const unsigned owners = play_memory_owners();

        opens(&play, 1);
        assert_int_equal(play_camera_in_place(&play, V4L2_PIX_FMT_YUYV, GPU_IMPORT_HOST), 0);
        struct gpu *gpu = play.startup.engine.gpu;
        alarm(600);
        faults_begin(&hang);
        assert_int_equal(play_push(&play), 0);
        while (!faults_injected()) /* until the waiter hangs */
                poll(NULL, 0, 1);
        host_hurry(true);
        assert_int_equal(gpu_wait(gpu), -ENODEV);
        host_hurry(false);
        faults_end();
        assert_int_equal(play.told, 1);
        assert_int_equal(gpu_wait(gpu), -ENODEV);
        play_close(&play);
        assert_int_equal(play_memory_owners(), owners + 1); /* a device that hangs may still read it */
        alarm(0);
        fake_reset();
}

/* ---- the set-up ---- */

static int make_model(void **state)
{
        const struct model_info info = forge_info();
        size_t size;
        json_t *header = forge_header(&info, false, &size);
        void *data = forge_data(false, size);

        forge_model(header, data, size);
        free(data);
        return 0;
}

static char cache[] = "/tmp/visaged-faults-XXXXXX";

static int setup(void **state)
{
        host_begin();
        play_prepare();
        signal(SIGALRM, on_alarm);
        /* No call may reach a real driver. */
        assert_null(dlopen("libvulkan.so.1", RTLD_NOLOAD | RTLD_LAZY));
        assert_non_null(mkdtemp(cache));
        setenv("CACHE_DIRECTORY", cache, 1);
        return make_model(state);
}

static int teardown(void **state)
{
        char command[100];

        snprintf(command, sizeof command, "rm -r %s", cache);
        forge_remove();
        return system(command);
}

int main(void)
{
        enum { KINDS = sizeof kinds / sizeof *kinds, FIRST = 10 };
        static struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_well_without_faults),
                cmocka_unit_test(shows_nothing_before_it_is_done),
                cmocka_unit_test(closes_after_a_loss_in_flight),
                cmocka_unit_test(tells_of_a_loss_in_flight),
                cmocka_unit_test(changes_options_without_recording),
                cmocka_unit_test(goes_on_with_what_is_recorded),
                cmocka_unit_test(frees_what_is_made_after_a_loss),
                cmocka_unit_test(waits_long_only_for_a_first_run),
                cmocka_unit_test(gives_up_where_the_driver_hangs),
                cmocka_unit_test(tells_nothing_while_opening),
                [FIRST + KINDS - 1] = {NULL},
        };
        static char names[KINDS][120];

        for (int i = 0; i < KINDS; i++) {
                const struct kind *kind = &kinds[i];
                snprintf(names[i], sizeof names[i], "survives %s of %s %s", kind->result_name, fault_name(kind->point),
                         kind->times == ONCE ? "once" : "for good");
                tests[FIRST + i] = (struct CMUnitTest){names[i], survives, NULL, NULL, (void *)kind};
        }
        return cmocka_run_group_tests(tests, setup, teardown);
}
