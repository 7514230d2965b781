#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

static const char *log_program = "visaged";
static bool log_to_journal;

/* systemd.exec(5), JOURNAL_STREAM: device and inode of the stream that it made stderr, which a child may have
 * redirected. */
static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
               st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *program)
{
        log_program = program;
        log_to_journal = stderr_is_journal();
}

/* One write, so that lines of two threads do not mix.  Line breaks within a message would be messages of their own. */
static void log_text(int priority, const char *text)
{
        char line[1200];
        int n;

        if (log_to_journal)
                n = snprintf(line, sizeof line, "<%d>%s\n", priority, text);
        else
                n = snprintf(line, sizeof line, "%s: %s%s\n", log_program,
                             priority <= LOG_ERR       ? "error: "
                             : priority == LOG_WARNING ? "warning: "
                                                       : "",
                             text);
        if (n >= (int)sizeof line) {
                n = sizeof line - 1;
                line[n - 1] = '\n';
        }
        for (int i = 0; i + 1 < n; i++)
                if (line[i] == '\n')
                        line[i] = ' ';
        if (write(STDERR_FILENO, line, n) < 0)
                return; /* nobody is left to tell */
}

void log_line(int priority, const char *format, ...)
{
        char text[1100];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        log_text(priority, text);
}

void log_cause(struct log_cause *cause, int priority, const char *format, ...)
{
        char text[sizeof cause->text];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        if (cause->count > 0 && strcmp(text, cause->text) == 0) {
                cause->count++;
                return;
        }
        memcpy(cause->text, text, sizeof text);
        cause->count = 1;
        log_text(priority, text);
}

void log_cause_end(struct log_cause *cause, const char *format, ...)
{
        char text[1000];
        va_list ap;

        if (cause->count == 0)
                return;
        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        if (cause->count > 1)
                log_line(LOG_NOTICE, "%s (after %lu times)", text, cause->count);
        else
                log_text(LOG_NOTICE, text);
        cause->count = 0;
}
