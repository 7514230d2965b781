/* visaged with a Motion JPEG camera of the test's own as /dev/null: thirty times a second it captures the picture in
 * the file that CAMERA_PICTURE names. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/log.h"
#include "daemon/common/options.h"
#include "daemon/service/supervisor.h"
#include "tests/v4l2/fake-node.h"

#define SIZE_MAX_BYTES (8 << 20)

static const struct fake_format mjpeg = {V4L2_PIX_FMT_MJPEG, {{1280, 720, {30}}}};

static size_t read_picture(uint8_t *ret)
{
        FILE *file = fopen(getenv("CAMERA_PICTURE"), "re");
        size_t size = file ? fread(ret, 1, SIZE_MAX_BYTES, file) : 0;

        if (file)
                fclose(file);
        return size;
}

static void *capture(void *userdata)
{
        static uint8_t picture[SIZE_MAX_BYTES];
        sigset_t all;

        sigfillset(&all); /* they are the main thread's */
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        for (uint32_t sequence = 0;; sequence++) {
                const size_t size = read_picture(picture);
                fake_lock();
                uint8_t *memory = fake.streaming ? fake_capture((uint32_t)size, 0, sequence) : NULL;
                if (memory)
                        memcpy(memory, picture, size);
                fake_unlock();
                usleep(33333);
        }
        return NULL;
}

int main(int argc, char **argv)
{
        static struct options options;
        pthread_t thread;

        fake_reset();
        fake.formats = &mjpeg;
        fake.formats_n = 1;
        fake.length = SIZE_MAX_BYTES;
        if (options_parse(argc, argv, &options) >= 0 || pthread_create(&thread, NULL, capture, NULL) != 0)
                return 2;
        log_init("visaged");
        return supervisor_run(&options);
}
