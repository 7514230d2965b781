/* What goes to the journal, and what to a terminal.  sd_journal_sendv() is replaced by this file's own with the
 * linker's --wrap. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_COMPONENT "attic"

#include "daemon/common/log.h"
#include "tests/cm.h"

static char sent[4096]; /* the fields of the last message, one per line */
static int journal_says;

int __wrap_sd_journal_sendv(const struct iovec *parts, int n);

int __wrap_sd_journal_sendv(const struct iovec *parts, int n)
{
        size_t used = 0;

        for (int i = 0; i < n; i++)
                used += snprintf(sent + used, sizeof sent - used, "%.*s\n", (int)parts[i].iov_len,
                                 (char *)parts[i].iov_base);
        return journal_says;
}

/* Runs `say` with stderr in a file, which is or is not the journal's stream, and returns its contents. */
static const char *to(bool journal, void (*say)(void))
{
        static char text[4096];
        FILE *file = tmpfile();
        char stream[64];
        struct stat st;

        sent[0] = '\0';
        assert_non_null(file);
        int real = dup(STDERR_FILENO);
        assert_return_code(fstat(fileno(file), &st), 0);
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + !journal);
        setenv("JOURNAL_STREAM", stream, 1);
        dup2(fileno(file), STDERR_FILENO);
        log_init("tester");
        say();
        dup2(real, STDERR_FILENO);
        close(real);
        rewind(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        return text;
}

static void warn(void)
{
        log_warning("%s\nis\n%d", "this", 1);
}

static void test_line(void **state)
{
        assert_string_equal(to(false, warn), "tester: warning: this is 1\n");
        assert_string_equal(sent, "");
        unsetenv("JOURNAL_STREAM");
        log_init("tester");
}

static void test_fields(void **state)
{
        assert_string_equal(to(true, warn), "");
        assert_string_equal(sent, "MESSAGE=this is 1\nPRIORITY=4\nSYSLOG_IDENTIFIER=tester\nVISAGED_COMPONENT=attic\n");
}

static void test_journal_that_fails(void **state)
{
        journal_says = -1;
        assert_string_equal(to(true, warn), "tester: warning: this is 1\n");
        journal_says = 0;
}

static struct log_cause cause = {.trouble = LOG_CAMERA};

static void begin(void)
{
        log_cause(&cause, "camera %d: %s", 1, "gone");
}

static void end(void)
{
        log_cause_end(&cause, "camera %d: back", 1);
}

#define FIELDS "\nSYSLOG_IDENTIFIER=tester\nVISAGED_COMPONENT=camera\nMESSAGE_ID="

static void test_trouble(void **state)
{
        to(true, begin);
        assert_string_equal(sent, "MESSAGE=camera 1: gone\nPRIORITY=4" FIELDS "29754f25527b40fb8632e848dfee8a5d\n");
        to(true, begin); /* said once */
        assert_string_equal(sent, "");
        to(true, end);
        assert_string_equal(sent, "MESSAGE=camera 1: back (after 2 times)\nPRIORITY=5" FIELDS
                                  "2d1c0687e13c4b019bdd5901aefcd686\n");
        to(true, end);
        assert_string_equal(sent, "");
}

/* A repeated cause is said once, then its end. */
static void go_on(void)
{
        log_cause_end(&cause, "never");
        for (int i = 0; i < 5; i++)
                log_cause(&cause, "gone %d", i < 2);
        log_cause_end(&cause, "back");
        log_cause_end(&cause, "back");
}

static void test_repeated(void **state)
{
        assert_string_equal(to(false, go_on), "tester: warning: gone 1\ntester: warning: gone 0\n"
                                              "tester: back (after 3 times)\n");
}

/* What a device calls itself. */
static void name(void)
{
        log_info("Web\033[2Jcam\a \302\233H \303\244 \377");
}

static void test_control_characters(void **state)
{
        assert_string_equal(to(false, name), "tester: Web?[2Jcam? ?H \303\244 \357\277\275\n");
        to(true, name);
        assert_int_equal(strncmp(sent, "MESSAGE=Web?[2Jcam? ?H \303\244 \357\277\275\n", 29), 0);
}

/* Longer than a message may be: cut, and whole lines all the same. */
static void shout(void)
{
        char text[5000];

        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        log_error("%s", text);
}

static void test_long(void **state)
{
        const char *text = to(false, shout);

        assert_int_equal(strncmp(text, "tester: error: aaa", 18), 0);
        assert_in_range(strlen(text), 1000, 1200);
        assert_int_equal(text[strlen(text) - 1], '\n');
        to(true, shout);
        assert_int_equal(strncmp(sent, "MESSAGE=aaa", 11), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_journal_that_fails),
                cmocka_unit_test(test_trouble),
                cmocka_unit_test(test_repeated),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_control_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
