#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/bench/frame.h"
#include "daemon/bench/start.h"
#include "daemon/common/stats.h"
#include "daemon/pipeline/pipeline.h"

/* What the child reports. */
struct answer {
        int error;
        double seconds;
        char why[600];
};

/* ---- the child: what the daemon does up to its first frame ---- */

struct first {
        bool shown;
        int error;
};

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        ((struct first *)userdata)->shown = true;
}

static void on_ready(void *userdata)
{
}

static void on_failed(void *userdata, int error)
{
        ((struct first *)userdata)->error = error;
}

static int show_frame(struct engine *engine, struct pipeline *pipeline, const struct frame_format *camera,
                      const struct first *first)
{
        uint8_t *bytes = calloc(1, camera->size);
        int r = bytes ? pipeline_source(pipeline, camera, NULL) : -ENOMEM;

        if (r == 0)
                r = pipeline_push(pipeline, &(struct frame){.data = bytes, .time_ns = stats_now()});
        while (r == 0 && !first->shown && !first->error)
                r = gpu_wait(engine->gpu);
        free(bytes);
        return r < 0 ? r : first->error;
}

static int first_frame(struct engine *engine, const struct config *config, char *why, size_t why_size)
{
        struct first first = {0};
        struct stats stats = {0};
        struct frame_format camera, output;
        struct pipeline *pipeline;
        int r = bench_formats(config, &camera, &output);

        if (r < 0)
                return r;
        r = pipeline_new(
                &(struct pipeline_options){
                        .engine = engine,
                        .sink = &output,
                        .effect = config->effect,
                        .mode = config->mode,
                        .label_age_ms = config->label_age_ms,
                        .events = {.show = on_show, .ready = on_ready, .failed = on_failed, .userdata = &first},
                        .stats = &stats},
                &pipeline, why, why_size);
        if (r < 0)
                return r;
        r = show_frame(engine, pipeline, &camera, &first);
        if (r < 0)
                snprintf(why, why_size, "no frame was composed: %s", strerror(-r));
        pipeline_free(pipeline);
        return r;
}

static void start(const struct engine_options *options, const struct config *config, struct answer *ret)
{
        const uint64_t since = stats_now();
        struct engine engine;

        ret->error = engine_open(&engine, options, ret->why, sizeof ret->why);
        if (ret->error < 0)
                return;
        ret->error = first_frame(&engine, config, ret->why, sizeof ret->why);
        ret->seconds = 1e-9 * (stats_now() - since);
        engine_close(&engine);
}

/* All variables that say where visaged or a driver caches compiled kernels. */
static void use_cache(const char *folder)
{
        static const char *const names[] = {"XDG_CACHE_HOME", "CACHE_DIRECTORY", "MESA_SHADER_CACHE_DIR",
                                            "__GL_SHADER_DISK_CACHE_PATH"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                setenv(names[i], folder, 1);
}

__attribute__((noreturn)) static void be_child(const struct engine_options *options, const struct config *config,
                                               const char *cache, int out)
{
        struct engine_options quiet = *options;
        struct answer answer = {0};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        use_cache(cache);
        quiet.progress = NULL;
        start(&quiet, config, &answer);
        _exit(write(out, &answer, sizeof answer) == sizeof answer ? 0 : 1);
}

/* ---- the parent ---- */

static volatile sig_atomic_t caught;
static volatile pid_t child;

static void on_signal(int number)
{
        caught = number;
        if (child > 0)
                kill(child, SIGKILL);
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDS (sizeof ends / sizeof *ends)

static struct sigaction before[ENDS];

static void catch_signals(void)
{
        const struct sigaction action = {.sa_handler = on_signal};

        caught = 0;
        for (size_t i = 0; i < ENDS; i++) {
                sigaction(ends[i], NULL, &before[i]);
                if (before[i].sa_handler != SIG_IGN) /* as after nohup */
                        sigaction(ends[i], &action, NULL);
        }
}

static void release_signals(void)
{
        for (size_t i = 0; i < ENDS; i++)
                sigaction(ends[i], &before[i], NULL);
}

/* Reads the child's report, and waits for its end. */
static int listen_to(int in, struct answer *ret, uint64_t *ret_peak)
{
        struct rusage usage = {0};
        size_t got = 0;
        ssize_t n;
        int status;

        while ((n = read(in, (char *)ret + got, sizeof *ret - got)) > 0 || (n < 0 && errno == EINTR))
                got += n > 0 ? (size_t)n : 0;
        while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
                ;
        child = 0;
        if (caught)
                return -EINTR;
        if (got < sizeof *ret || status != 0) {
                snprintf(ret->why, sizeof ret->why, "the process to be timed died");
                return -EIO;
        }
        *ret_peak = (uint64_t)usage.ru_maxrss * 1024;
        return ret->error;
}

static int run_child(const struct engine_options *options, const struct config *config, const char *cache,
                     struct answer *ret, uint64_t *ret_peak)
{
        int ends_of_pipe[2];
        sigset_t set, old;

        if (caught)
                return -EINTR;
        if (pipe2(ends_of_pipe, O_CLOEXEC) < 0)
                return -errno;
        fflush(NULL);
        /* on_signal() needs `child`, so no signal may arrive before it is set. */
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, &old);
        child = fork();
        if (child == 0) {
                release_signals();
                sigprocmask(SIG_SETMASK, &old, NULL);
                be_child(options, config, cache, ends_of_pipe[1]);
        }
        int r = child < 0 ? -errno : 0;
        sigprocmask(SIG_SETMASK, &old, NULL);
        close(ends_of_pipe[1]);
        if (r == 0)
                r = listen_to(ends_of_pipe[0], ret, ret_peak);
        close(ends_of_pipe[0]);
        return r;
}

static int run_both(const struct engine_options *options, const struct config *config, const char *cache,
                    struct bench_start *ret, char *why, size_t why_size)
{
        double *seconds[] = {&ret->cold, &ret->warm};
        struct answer answer = {0};
        int r = 0;

        for (int i = 0; i < 2 && r == 0; i++) {
                r = run_child(options, config, cache, &answer, &ret->peak_resident);
                *seconds[i] = answer.seconds;
        }
        if (r < 0)
                snprintf(why, why_size, "%s", answer.why[0] ? answer.why : strerror(-r));
        return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        remove(path);
        return 0;
}

int bench_start(const struct engine_options *options, const struct config *config, struct bench_start *ret, char *why,
                size_t why_size)
{
        const char *base = getenv("TMPDIR");
        char *cache = NULL;
        int r;

        if (asprintf(&cache, "%s/visagectl-bench-XXXXXX", base && base[0] == '/' ? base : "/tmp") < 0) {
                snprintf(why, why_size, "out of memory");
                return -ENOMEM;
        }
        catch_signals();
        if (mkdtemp(cache)) {
                r = run_both(options, config, cache, ret, why, why_size);
                nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        } else {
                r = -errno;
                snprintf(why, why_size, "%s: %s", cache, strerror(errno));
        }
        release_signals();
        free(cache);
        if (caught)
                raise(caught);
        return r;
}
