/* The table of keys, the file and its complaints. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/config.h"
#include "tests/cm.h"

static void test_defaults(void **state)
{
        struct config config;

        config_init(&config);
        assert_string_equal(config.camera, "");
        assert_string_equal(config.virtual_camera[0], "/dev/video10");
        assert_int_equal(config.width, 640);
        assert_int_equal(config.height, 480);
        assert_int_equal(config.rate.numerator, 30);
        assert_int_equal(config.rate.denominator, 1);
        assert_int_equal(config.precision, PRECISION_FP32);
        assert_int_equal(config.effect.chain, 1 << EFFECT_blur);
        assert_int_equal(config.mode, MODE_SMOOTH);
        assert_int_equal(config.label_age_ms, 300);
        assert_int_equal(config.faces, 4);
        assert_int_equal(config.face_born_ms, 300);
        assert_int_equal(config.face_gone_ms, 1000);
        for (unsigned i = 0; i < EFFECTS; i++)
                for (unsigned k = 0; effects[i]->options[k].name; k++)
                        assert_true(config.effect.options[i][k] == effects[i]->options[k].default_value);
}

static void test_good_values(void **state)
{
        static const char *const good[][2] = {
                {"camera", "/dev/video3"},
                {"camera", ""},
                {"camera", "image:/a b/ä.png?move"},
                {"virtual-camera", "y4m:-"},
                {"size", "32x32"},
                {"size", "8192x8192"},
                {"size", "1280x720"},
                {"rate", "1"},
                {"rate", "240"},
                {"rate", "30000/1001"},
                {"rate", "3/3"},
                {"model", ""},
                {"model", "/x.safetensors"},
                {"gpu", "llvm"},
                {"gpu", "0"},
                {"precision", "fp16"},
                {"effect", "labels"},
                {"effect", "blur"},
                {"effect", "none"},
                {"mode", "exact"},
                {"label-age", "10000"},
                {"label-age", "0"},
                {"faces", "1"},
                {"faces", "8"},
                {"face-born", "0"},
                {"face-gone", "10000"},
                {"opacity", "0.25"},
                {"strength", "4"},
                {"effect", "blur+overlay"},
        };
        struct config config;
        char why[512];

        config_init(&config);
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
                assert_int_equal(config_set(&config, good[i][0], good[i][1], why, sizeof why), 0);
        assert_int_equal(config.width, 1280);
        assert_int_equal(config.rate.numerator, 3);
        assert_int_equal(config.precision, PRECISION_FP16);
        assert_int_equal(config.effect.chain, 1 << EFFECT_blur | 1 << EFFECT_overlay);
        assert_true(config.effect.options[EFFECT_overlay][0] == 0.25);
        assert_true(config.effect.options[EFFECT_blur][0] == 4);
        assert_int_equal(config.mode, MODE_EXACT);
        assert_int_equal(config.label_age_ms, 0);
        assert_int_equal(config.faces, 8);
        assert_int_equal(config.face_born_ms, 0);
        assert_int_equal(config.face_gone_ms, 10000);
        assert_string_equal(config.gpu, "0");
}

/* A key that may have many values: setting it leaves one; no value twice, and not too many. */
static void test_many_values(void **state)
{
        struct config config;
        char why[512];

        config_init(&config);
        assert_int_equal(config_set(&config, "virtual-camera", "/dev/video7", why, sizeof why), 0);
        assert_int_equal(config_add(&config, "virtual-camera", "y4m:x", why, sizeof why), 0);
        assert_string_equal(config.virtual_camera[0], "/dev/video7");
        assert_string_equal(config.virtual_camera[1], "y4m:x");
        assert_string_equal(config.virtual_camera[2], "");
        assert_int_equal(config_add(&config, "virtual-camera", "y4m:x", why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, "all different"));
        assert_int_equal(config_add(&config, "virtual-camera", "y4m:y", why, sizeof why), 0);
        assert_int_equal(config_add(&config, "virtual-camera", "y4m:z", why, sizeof why), 0);
        assert_int_equal(config_add(&config, "virtual-camera", "y4m:w", why, sizeof why), -EINVAL);
        assert_int_equal(config_set(&config, "virtual-camera", "video9", why, sizeof why), -EINVAL);
        assert_string_equal(config.virtual_camera[3], "y4m:z");
        assert_int_equal(config_set(&config, "virtual-camera", "y4m:only", why, sizeof why), 0);
        assert_string_equal(config.virtual_camera[0], "y4m:only");
        assert_string_equal(config.virtual_camera[1], "");
}

static void test_bad_values(void **state)
{
        static const char *const bad[][2] = {
                {"virtual-camera", ""},
                {"camera", "a\nb"},
                {"size", ""},
                {"size", "640"},
                {"size", "640x"},
                {"size", "640x480x"},
                {"size", "641x480"},
                {"size", "640x481"},
                {"size", "30x480"},
                {"size", "640x8194"},
                {"size", "-640x480"},
                {"size", "+640x480"},
                {"size", "640 x 480"},
                {"size", "640X480"},
                {"size", "4294967936x480"},
                {"size", "18446744073709552256x480"},
                {"rate", ""},
                {"rate", "0"},
                {"rate", "241"},
                {"rate", "30fps"},
                {"rate", "29.97"},
                {"rate", "30/"},
                {"rate", "1/2"},
                {"rate", "30/0"},
                {"rate", "481/2"},
                {"rate", "-1"},
                {"precision", "fp8"},
                {"precision", ""},
                {"effect", "Overlay"},
                {"effect", "overlay "},
                {"effect", ""},
                {"effect", "blur+"},
                {"effect", "blur+blur"},
                {"effect", "blur+none"},
                {"opacity", "1.01"},
                {"opacity", "-0.1"},
                {"opacity", "nan"},
                {"opacity", ""},
                {"strength", "0.2"},
                {"strength", "1e0"},
                {"strength", "2 "},
                {"mode", "fast"},
                {"mode", ""},
                {"label-age", "10001"},
                {"label-age", "-1"},
                {"label-age", "300 "},
                {"label-age", "0.5"},
                {"label-age", ""},
                {"faces", "0"},
                {"faces", "9"},
                {"faces", "four"},
                {"face-born", "10001"},
                {"face-born", "-1"},
                {"face-gone", "1s"},
                {"face-gone", ""},
        };
        struct config config, before;
        char why[512];

        config_init(&config);
        before = config;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                why[0] = '\0';
                assert_int_equal(config_set(&config, bad[i][0], bad[i][1], why, sizeof why), -EINVAL);
                assert_non_null(strstr(why, "must be "));
                assert_non_null(strstr(why, bad[i][0]));
                assert_memory_equal(&config, &before, sizeof config);
        }
}

static void test_unknown_key(void **state)
{
        struct config config;
        char why[512];

        config_init(&config);
        assert_int_equal(config_set(&config, "camrea", "x", why, sizeof why), -ENOENT);
        for (const struct config_key *key = config_keys(); key->name; key++)
                assert_non_null(strstr(why, key->name));
}

static void test_too_long(void **state)
{
        struct config config;
        char value[PATH_MAX + 1], why[512];

        config_init(&config);
        memset(value, 'x', PATH_MAX);
        value[PATH_MAX] = '\0';
        assert_int_equal(config_set(&config, "model", value, why, sizeof why), -EINVAL);
        value[PATH_MAX - 1] = '\0';
        assert_int_equal(config_set(&config, "model", value, why, sizeof why), 0);
        value[256] = '\0';
        assert_int_equal(config_set(&config, "gpu", value, why, sizeof why), -EINVAL);
}

/* ---- files ---- */

static char path[] = "/tmp/visaged-config-XXXXXX";

struct complaints {
        char text[4096];
        unsigned count;
};

static void complain(void *userdata, const char *message)
{
        struct complaints *complaints = userdata;

        complaints->count++;
        strncat(complaints->text, message, sizeof complaints->text - strlen(complaints->text) - 2);
        strcat(complaints->text, "\n");
}

static int read_bytes(const void *bytes, size_t size, struct config *config, struct complaints *ret)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        fclose(file);
        config_init(config);
        *ret = (struct complaints){0};
        return config_read(config, path, complain, ret);
}

static int read_text(const char *text, struct config *config, struct complaints *ret)
{
        return read_bytes(text, strlen(text), config, ret);
}

static void test_file(void **state)
{
        struct complaints complaints;
        struct config config;

        assert_int_equal(read_text("# a comment\n\n[visaged]\ncamera = image:a.png?move ; still\nsize=800x600\r\n"
                                   "rate: 15\neffect =blur",
                                   &config, &complaints),
                         0);
        assert_int_equal(complaints.count, 0);
        assert_string_equal(config.camera, "image:a.png?move");
        assert_int_equal(config.width, 800);
        assert_int_equal(config.rate.numerator, 15);
        assert_int_equal(config.effect.chain, 1 << EFFECT_blur);
        assert_int_equal(config.mode, MODE_SMOOTH);

        assert_int_equal(read_text("", &config, &complaints), 0);
        assert_int_equal(read_text("[visaged]\nvirtual-camera = /dev/video1\nrate = 9\nvirtual-camera = y4m:x\n",
                                   &config, &complaints),
                         0);
        assert_string_equal(config.virtual_camera[0], "/dev/video1");
        assert_string_equal(config.virtual_camera[1], "y4m:x");
        assert_string_equal(config.virtual_camera[2], "");
        assert_int_equal(read_text("\xef\xbb\xbf[visaged]\nmode = exact\n", &config, &complaints), 0);
        assert_int_equal(config.mode, MODE_EXACT);
}

/* Each mistake with its line and a part of its message. */
static void test_file_mistakes(void **state)
{
        char effects_allowed[EFFECT_TEXT_MAX];
        const struct {
                const char *text;
                unsigned line;
                const char *says;
        } mistakes[] = {
                {"[visaged]\nrate = 0\n", 2, "must be a number of frames per second from 1 to 240"},
                {"[visaged]\n\n# x\nfoo = 1\n", 4, "unknown key \"foo\"; the keys are camera, virtual-camera"},
                {"[other]\nrate = 30\n", 2, "unknown section [other]: must be [visaged]"},
                {"rate = 30\n", 1, "before the section [visaged]"},
                {"[visaged]\nrate\n", 2, "neither"},
                {"[visaged\nrate = 3\n", 1, "neither"},
                {"[visaged]\nrate = 30\nmode = exact\nrate = 20\n", 4, "rate is already set in line 2"},
                {"[visaged]\nvirtual-camera = y4m:x\nvirtual-camera = y4m:x\n", 3, "all different"},
                {"[visaged]\ncamera = x\n  rate = 20\n", 3, "camera is already set in line 2"},
                {"[visaged]\neffect =\n", 2, effects_allowed},
        };
        struct complaints complaints;
        struct config config;

        effect_chain_allowed(effects_allowed);
        for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
                char where[100];
                assert_int_equal(read_text(mistakes[i].text, &config, &complaints), -EBADMSG);
                snprintf(where, sizeof where, "%s:%u: ", path, mistakes[i].line);
                assert_non_null(strstr(complaints.text, where));
                assert_non_null(strstr(complaints.text, mistakes[i].says));
        }
}

static void test_all_mistakes_are_said(void **state)
{
        struct complaints complaints;
        struct config config;

        assert_int_equal(read_text("[visaged]\nrate = x\nsize = y\nmode = exact\neffect = z\n", &config, &complaints),
                         -EBADMSG);
        assert_int_equal(complaints.count, 3);
        assert_int_equal(config.mode, MODE_EXACT);

        char many[4000] = "[visaged]\n";
        for (int i = 0; i < 200; i++)
                strcat(many, "rate = x\n");
        assert_int_equal(read_text(many, &config, &complaints), -EBADMSG);
        assert_int_equal(complaints.count, 21);
        assert_non_null(strstr(complaints.text, "and 180 more"));
}

static void test_odd_bytes(void **state)
{
        static const char nul[] = "[visaged]\nmodel = a\0b\nmode = exact\n";
        struct complaints complaints;
        struct config config;
        char line[6000];

        assert_int_equal(read_bytes(nul, sizeof nul - 1, &config, &complaints), -EBADMSG);
        assert_int_equal(complaints.count, 1);
        assert_non_null(strstr(complaints.text, ":2: not a line of text"));
        assert_int_equal(config.mode, MODE_EXACT);

        strcpy(line, "[visaged]\nmodel = ");
        memset(line + 18, 'x', 5000);
        strcpy(line + 5018, "\nmode = exact\n");
        assert_int_equal(read_text(line, &config, &complaints), -EBADMSG);
        assert_int_equal(complaints.count, 1);
        assert_non_null(strstr(complaints.text, ":2: longer than "));
        assert_int_equal(config.mode, MODE_EXACT);

        /* Noise: nothing but complaints. */
        srand(1);
        for (int round = 0; round < 200; round++) {
                for (size_t i = 0; i < sizeof line; i++)
                        line[i] = rand() % 7 ? rand() : "\n[]=;# "[rand() % 7];
                read_bytes(line, sizeof line, &config, &complaints);
        }
}

static void test_unreadable(void **state)
{
        struct complaints complaints = {0};
        struct config config;

        config_init(&config);
        assert_int_equal(config_read(&config, "/nonexistent/x.conf", complain, &complaints), -ENOENT);
        assert_int_equal(complaints.count, 1);
        assert_non_null(strstr(complaints.text, "/nonexistent/x.conf: No such file"));
        assert_int_equal(config_read(&config, "/tmp", complain, &complaints), -EISDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_good_values),
                cmocka_unit_test(test_many_values),
                cmocka_unit_test(test_bad_values),
                cmocka_unit_test(test_unknown_key),
                cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_file_mistakes),
                cmocka_unit_test(test_all_mistakes_are_said),
                cmocka_unit_test(test_odd_bytes),
                cmocka_unit_test(test_unreadable),
        };
        int fd = mkstemp(path);

        if (fd < 0)
                return 1;
        close(fd);
        int failed = cmocka_run_group_tests_name("daemon-config", tests, NULL, NULL);
        unlink(path);
        return failed;
}
