/* The small parts: text, counts, tables, names of results, paths, the log's causes. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/config.h"
#include "daemon/common/paths.h"
#include "daemon/common/stats.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/evaluation/npy.h"
#include "daemon/evaluation/outputs.h"
#include "daemon/pipeline/palette.h"
#include "tests/cm.h"

static char folder[] = "/tmp/visaged-parts-XXXXXX";

static void test_text(void **state)
{
        static const char *const cases[][3] = {
                /* as it is, as UTF-8, printable */
                {"plain", "plain", "plain"},
                {"ä€😀", "ä€😀", "ä€😀"},
                {"a\xff"
                 "b",
                 "a\xef\xbf\xbd"
                 "b",
                 "a\xef\xbf\xbd"
                 "b"},
                {"\xc3", "\xef\xbf\xbd", "\xef\xbf\xbd"},
                {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
                {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
                 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
                {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
                 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                {"a\x1b[2Jb\n", "a\x1b[2Jb\n", "a?[2Jb?"},
                {"\xc2\x9b", "\xc2\x9b", "?"},
        };
        char text[64];

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                text_utf8(cases[i][0], text, sizeof text);
                assert_string_equal(text, cases[i][1]);
                text_printable(cases[i][0], text, sizeof text);
                assert_string_equal(text, cases[i][2]);
                json_t *json = text_json(cases[i][0]);
                assert_string_equal(json_string_value(json), cases[i][1]);
                json_decref(json);
        }
        text_utf8("€€", text, 6); /* no half character */
        assert_string_equal(text, "€");
}

static void test_stats(void **state)
{
        struct stats_events events = {0};
        struct stats_times times = {0};

        assert_true(stats_rate(&events) == 0);
        assert_true(stats_median_ms(&times) == 0 && stats_share_ms(&times, 1) == 0 && stats_last_ms(&times) == 0);
        stats_event(&events, 5000000000);
        assert_true(stats_rate(&events) == 0);
        stats_event(&events, 5500000000);
        stats_event(&events, 6000000000);
        assert_true(stats_rate(&events) == 2);
        stats_time(&times, 3000000);
        stats_time(&times, 1000000);
        assert_true(stats_median_ms(&times) == 2);
        assert_true(stats_share_ms(&times, 0) == 1 && stats_share_ms(&times, 1) == 3);
        assert_true(stats_last_ms(&times) == 1);
        for (int i = 0; i < 1000; i++)
                stats_time(&times, 7000000);
        assert_true(stats_median_ms(&times) == 7 && stats_share_ms(&times, 0) == 7);
        for (int i = 0; i < 20; i++)
                stats_time(&times, i < 10 ? 5000000 : 9000000);
        assert_true(stats_share_ms(&times, 0.05) == 7 && stats_share_ms(&times, 0.95) == 7);
        assert_true(stats_share_ms(&times, 0) == 5 && stats_share_ms(&times, 1) == 9);

        struct stats stats = {.captured = 100, .lost = 5, .shown.count = 60};
        assert_int_equal(stats_dropped(&stats), 45);
        stats.shown.count = 200;
        assert_int_equal(stats_dropped(&stats), 0);
}

static void test_palette(void **state)
{
        struct model_info info = {.classes = 2, .class = {{"a", {1, 2, 3}}, {"b", {4, 5, 6}}}};
        uint8_t palette[GPU_PALETTE_SIZE], labels[] = {0, 1, 1, 63, 64, 255};
        uint64_t counts[MODEL_CLASSES_MAX];

        palette_fill_overlay(&info, palette);
        assert_memory_equal(palette, ((uint8_t[]){1, 2, 3, 0, 4, 5, 6, 128, 0, 0, 0, 0}), 12);
        palette_fill(&info, palette);
        assert_memory_equal(palette, ((uint8_t[]){1, 2, 3, 255, 4, 5, 6, 255, 0, 0, 0, 0}), 12);
        palette_count(labels, sizeof labels, counts);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 2);
        assert_int_equal(counts[63], 1);
}

static void test_table(void **state)
{
        struct table table = {.columns = 3, .right = {false, true}};
        char text[200] = "";
        FILE *file = fmemopen(text, sizeof text, "w");

        setlocale(LC_CTYPE, "C.UTF-8");
        table_row(&table, (const char *[]){"NAME", "N", "LAST"});
        table_row(&table, (const char *[]){"ä", "100", "x\ty"});
        table_row(&table, (const char *[]){"顔", "1", "z"}); /* two columns wide */
        table_print(&table, "> ", file);
        fclose(file);
        assert_string_equal(text, "> NAME    N  LAST\n> ä     100  x?y\n> 顔      1  z\n");
        table_free(&table);
}

static char *touch(const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
        int fd = open(path, O_CREAT | O_WRONLY, 0666);
        assert_true(fd >= 0);
        close(fd);
        return path;
}

static void test_outputs(void **state)
{
        const char *files[] = {"a/face.PNG", "b/face.jpeg", "b/other", "x.y.jpg", ".png", "c/face"};
        struct output_names names;
        struct outputs outputs;
        char why[300];

        assert_int_equal(outputs_init(&outputs, NULL, files, 6), 0);
        assert_int_equal(outputs_names(&outputs, 0, &names, why, sizeof why), 0);
        assert_string_equal(names.labels, "face.labels.png");
        assert_string_equal(names.overlay, "face.overlay.png");
        assert_int_equal(outputs_names(&outputs, 1, &names, why, sizeof why), -EEXIST);
        assert_non_null(strstr(why, "a/face.PNG"));
        assert_int_equal(outputs_names(&outputs, 2, &names, why, sizeof why), 0);
        assert_string_equal(names.labels, "other.labels.png");
        assert_int_equal(outputs_names(&outputs, 3, &names, why, sizeof why), 0);
        assert_string_equal(names.labels, "x.y.labels.png");
        assert_int_equal(outputs_names(&outputs, 4, &names, why, sizeof why), 0);
        assert_string_equal(names.labels, ".png.labels.png");
        assert_int_equal(outputs_names(&outputs, 5, &names, why, sizeof why), -EEXIST);
        outputs_finish(&outputs);

        assert_int_equal(outputs_init(&outputs, "out/", files, 6), 0);
        assert_int_equal(outputs_names(&outputs, 0, &names, why, sizeof why), 0);
        assert_string_equal(names.overlay, "out/face.overlay.png");
        outputs_finish(&outputs);
}

static void test_outputs_spare_inputs(void **state)
{
        const char *files[] = {touch("p.png"), touch("p.labels.png")};
        struct output_names names;
        struct outputs outputs;
        char why[5000];

        assert_int_equal(outputs_init(&outputs, folder, files, 2), 0);
        assert_int_equal(outputs_names(&outputs, 0, &names, why, sizeof why), -EEXIST);
        assert_non_null(strstr(why, "p.labels.png"));
        assert_int_equal(outputs_names(&outputs, 1, &names, why, sizeof why), 0);
        assert_int_equal(outputs_is_input(&outputs, files[1]), 1);
        assert_int_equal(outputs_is_input(&outputs, "/nonexistent"), -1);
        outputs_finish(&outputs);
        for (int i = 0; i < 2; i++) {
                unlink(files[i]);
                free((char *)files[i]);
        }
}

static void test_stems(void **state)
{
        static const char *const stems[][2] = {{"face.PNG", "face"}, {"a.b.jpeg", "a.b"}, {"x.jpe", "x"},
                                               {"x.jpg", "x"},       {".png", ".png"},    {"notes.txt", "notes.txt"}};

        for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++)
                assert_int_equal(paths_stem(stems[i][0]), strlen(stems[i][1]));
}

static void test_paths(void **state)
{
        char path[4200], deep[300], buffer[4096];
        struct stat st;

        snprintf(deep, sizeof deep, "%s/one//two/three/", folder);
        assert_int_equal(paths_make(deep), 0);
        assert_int_equal(paths_make(deep), 0);
        assert_int_equal(stat(deep, &st), 0);
        char *file = touch("file");
        assert_int_equal(paths_make(file), -ENOTDIR);
        snprintf(path, sizeof path, "%s/below", file);
        assert_int_equal(paths_make(path), -ENOTDIR);
        assert_int_equal(paths_make(""), -ENOENT);

        setenv("CACHE_DIRECTORY", folder, 1);
        assert_string_equal(paths_cache(buffer, sizeof buffer), folder);
        unsetenv("CACHE_DIRECTORY");
        setenv("XDG_CACHE_HOME", deep, 1);
        assert_non_null(paths_cache(buffer, sizeof buffer));
        assert_non_null(strstr(buffer, "three//visaged"));
        setenv("XDG_CACHE_HOME", file, 1);
        assert_null(paths_cache(buffer, sizeof buffer));
        setenv("XDG_CACHE_HOME", "relative", 1);
        setenv("HOME", folder, 1);
        assert_non_null(strstr(paths_cache(buffer, sizeof buffer), "/.cache/visaged"));
        assert_string_equal(paths_config(true, buffer, sizeof buffer), CONFIG_FILE); /* there is none in HOME */
        snprintf(path, sizeof path, "%s/.config/visaged", folder);
        assert_int_equal(paths_make(path), 0);
        char *own = touch(".config/visaged/visaged.conf");
        assert_string_equal(paths_config(true, buffer, sizeof buffer), own);
        assert_string_equal(paths_config(false, buffer, sizeof buffer), CONFIG_FILE);
        setenv("CONFIGURATION_DIRECTORY", path, 1);
        unsetenv("HOME");
        assert_string_equal(paths_config(true, buffer, sizeof buffer), own);
        unsetenv("CONFIGURATION_DIRECTORY");
        assert_string_equal(paths_config(true, buffer, sizeof buffer), CONFIG_FILE);
        assert_null(paths_cache(buffer, sizeof buffer));
        free(own);

        assert_int_equal(paths_model("x.safetensors", buffer, sizeof buffer), 0);
        assert_string_equal(buffer, "x.safetensors");
        assert_int_equal(paths_model("x.safetensors", buffer, 5), -ENAMETOOLONG);
        assert_int_equal(paths_model(NULL, buffer, sizeof buffer), 0);
        assert_non_null(strstr(buffer, "default.safetensors"));
        unlink(file);
        free(file);
}

static void test_npy(void **state)
{
        const float data[] = {1, 2, 3, 4, 5, 6};
        char path[100], bytes[200];

        snprintf(path, sizeof path, "%s/x.npy", folder);
        assert_int_equal(npy_write(path, data, 3, 1, 2), 0);
        FILE *file = fopen(path, "r");
        assert_int_equal(fread(bytes, 1, sizeof bytes, file), 128 + sizeof data);
        fclose(file);
        assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'", 25);
        assert_non_null(strstr(bytes + 10, "'shape': (3, 1, 2)"));
        assert_int_equal(bytes[127], '\n');
        assert_memory_equal(bytes + 128, data, sizeof data);
        unlink(path);
        assert_int_equal(npy_write("/nonexistent/x.npy", data, 3, 1, 2), -ENOENT);
        assert_int_equal(npy_write("/dev/full", data, 3, 1, 2), -ENOSPC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),    cmocka_unit_test(test_stats),
                cmocka_unit_test(test_palette), cmocka_unit_test(test_table),
                cmocka_unit_test(test_outputs), cmocka_unit_test(test_outputs_spare_inputs),
                cmocka_unit_test(test_stems),   cmocka_unit_test(test_paths),
                cmocka_unit_test(test_npy),
        };
        char command[100];

        if (!mkdtemp(folder))
                return 1;
        int failed = cmocka_run_group_tests_name("daemon-parts", tests, NULL, NULL);
        snprintf(command, sizeof command, "rm -rf %s", folder);
        return system(command) != 0 || failed;
}
