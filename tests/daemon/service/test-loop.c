/* What does not happen on the daemon's event loop: kernels are not compiled there, and no part is entered again while
 * it is at work.  The supervisor runs as in visaged, on a real driver, in exact mode at first; the linker's --wrap
 * shows what it calls. */
#include <errno.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/common/options.h"
#include "daemon/service/parts.h"
#include "daemon/service/supervisor.h"
#include "tests/cm.h"
#include "tests/compiled.h"
#include "tests/model/forge.h"

enum { FAILS_AT = 2, CHOSEN_AT = 4, SWITCHED_AT = 6, MORE = 2 }; /* frames */

static struct supervisor *supervisor;
static unsigned pushed, failures, entered, in_new_format;
static bool pushing;

/* ---- the calls ---- */

int __real_gpu_submit(struct gpu_program *program, gpu_done done, void *userdata);
int __wrap_gpu_submit(struct gpu_program *program, gpu_done done, void *userdata);
int __real_pipeline_push(struct pipeline *pipeline, const struct frame *frame);
int __wrap_pipeline_push(struct pipeline *pipeline, const struct frame *frame);
void __real_supervisor_camera_update(struct supervisor *sv);
void __wrap_supervisor_camera_update(struct supervisor *sv);

/* One frame fails in the middle of its push. */
int __wrap_gpu_submit(struct gpu_program *program, gpu_done done, void *userdata)
{
        if (!pushing || pushed != FAILS_AT || failures)
                return __real_gpu_submit(program, done, userdata);
        failures++;
        return -ENOMEM;
}

static void choose_effects_and_mode(void)
{
        struct effect_settings settings = supervisor->config.effect;

        assert_int_equal(effect_chain_parse("overlay+blur+mirror", &settings.chain), 0);
        assert_int_equal(supervisor_control.set_effect(supervisor, &settings), 0);
        assert_non_null(supervisor->playout.frames); /* in exact mode, for which it was opened */
        supervisor_control.set_mode(supervisor, MODE_SMOOTH);
        assert_null(supervisor->playout.frames);
}

/* Both at once: the GPU is opened for frames that the new camera does not send. */
static int choose_camera_and_gpu(sd_event_source *source, void *userdata)
{
        assert_true(supervisor_control.set_engine(supervisor, &supervisor->config) >= 0);
        supervisor_control.set_camera(supervisor, "image:" PORTRAIT);
        return 0;
}

int __wrap_pipeline_push(struct pipeline *pipeline, const struct frame *frame)
{
        static const struct gpu_set *before;

        pushed++;
        if (pushed == CHOSEN_AT)
                choose_effects_and_mode();
        pushing = true;
        int r = __real_pipeline_push(pipeline, frame);
        pushing = false;
        if (pushed == SWITCHED_AT) {
                before = supervisor->gpu.now;
                assert_true(sd_event_add_defer(supervisor->event, NULL, choose_camera_and_gpu, NULL) >= 0);
        }
        in_new_format += supervisor->gpu.now != before && supervisor->camera.format.fourcc == V4L2_PIX_FMT_RGB24;
        if (in_new_format == MORE)
                kill(getpid(), SIGTERM);
        return r;
}

void __wrap_supervisor_camera_update(struct supervisor *sv)
{
        supervisor = sv;
        entered += pushing;
        __real_supervisor_camera_update(sv);
}

/* ---- a run ---- */

static void set(struct config *config, const char *name, const char *value)
{
        char why[512] = "";

        if (config_set(config, name, value, why, sizeof why) < 0)
                fail_msg("%s: %s", name, why);
}

static void make_model(void)
{
        const struct model_info info = forge_info();
        size_t size;
        json_t *header = forge_header(&info, false, &size);
        float *data = forge_data(false, size);

        forge_model(header, data, size);
        free(data);
}

/* A film in a format and of a size that nothing else uses. */
static void make_film(const char *path)
{
        static const uint8_t frame[48 * 32 * 2];
        FILE *film = fopen(path, "we");

        assert_non_null(film);
        fputs("YUV4MPEG2 W48 H32 F30:1 C422\n", film);
        for (int i = 0; i < 2; i++) {
                fputs("FRAME\n", film);
                fwrite(frame, sizeof frame, 1, film);
        }
        fclose(film);
}

static void test_a_run(void **state)
{
        static struct options options;
        char film[] = "/tmp/visaged-film-XXXXXX", camera[sizeof film + 4];

        close(mkstemp(film));
        make_film(film);
        make_model();
        snprintf(camera, sizeof camera, "y4m:%s", film);
        config_init(&options.config);
        set(&options.config, "camera", camera);
        set(&options.config, "virtual-camera", "y4m:/dev/null");
        set(&options.config, "size", "64x48");
        set(&options.config, "model", forge_path());
        set(&options.config, "always-on", "yes");
        set(&options.config, "mode", "exact");
        setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
        assert_int_equal(supervisor_run(&options), 0);
        unlink(film);
        forge_remove();
        assert_int_equal(failures, 1);
        assert_int_equal(in_new_format, MORE); /* after it has recovered */
        assert_int_equal(entered, 0);
        assert_int_equal(kernels_compiled_by_this(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_run)};

        return cmocka_run_group_tests_name("daemon-loop", tests, NULL, NULL);
}
