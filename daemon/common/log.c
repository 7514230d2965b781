#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/common/log.h"
#include "daemon/common/text.h"

static const struct {
        const char *component, *begins, *ends; /* the last two: MESSAGE_ID */
} troubles[] = {
        [LOG_CAMERA] = {"camera", "29754f25527b40fb8632e848dfee8a5d", "2d1c0687e13c4b019bdd5901aefcd686"},
        [LOG_GPU] = {"gpu", "de3fbd1023294e00a98ef90ae6766188", "75bed16862a0404f8540da92ddb6e0df"},
        [LOG_SINK] = {"virtual-camera", "643e83759c6740af90b0c7379f2638bd", "ffa20df5738247a78203ba0b5eb0289a"},
};

static const char *log_program = "visaged";
static bool log_to_journal;

/* See JOURNAL_STREAM in systemd.exec(5): device and inode of the stream that systemd has connected to stderr, which a
 * child may have redirected. */
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

struct message {
        const char *component, *id; /* id NULL: none */
        int priority;
        char text[1100];
};

static int send_fields(const struct message *message)
{
        const struct {
                const char *name, *value;
        } fields[] = {
                {"MESSAGE", message->text},         {"PRIORITY", (const char[]){'0' + message->priority, '\0'}},
                {"SYSLOG_IDENTIFIER", log_program}, {"VISAGED_COMPONENT", message->component},
                {"MESSAGE_ID", message->id},
        };
        char text[sizeof fields / sizeof fields[0]][sizeof message->text + 32];
        struct iovec parts[sizeof fields / sizeof fields[0]];
        int n = 0;

        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
                if (fields[i].value) {
                        int size = snprintf(text[n], sizeof text[n], "%s=%s", fields[i].name, fields[i].value);
                        parts[n] = (struct iovec){text[n], size};
                        n++;
                }
        return sd_journal_sendv(parts, n);
}

/* A single write, so that lines of different threads do not mix. */
static void send_line(const struct message *message)
{
        const int priority = message->priority;
        char line[sizeof message->text + 100];
        const char *kind = priority <= LOG_ERR ? "error: " : priority == LOG_WARNING ? "warning: " : "";

        int n = snprintf(line, sizeof line, "%s: %s%s\n", log_program, kind, message->text);
        if (write(STDERR_FILENO, line, n) < 0)
                return; /* there is nowhere to report it */
}

/* Line breaks inside a message would become separate messages; other control characters may come from the name of a
 * device. */
static void say(struct message *message)
{
        char text[sizeof message->text];

        for (char *c = message->text; *c; c++)
                if (*c == '\n')
                        *c = ' ';
        text_printable(message->text, text, sizeof text);
        memcpy(message->text, text, sizeof text);
        if (!log_to_journal || send_fields(message) < 0)
                send_line(message);
}

void log_line(const char *component, int priority, const char *format, ...)
{
        struct message message = {.component = component, .priority = priority};
        va_list ap;

        va_start(ap, format);
        vsnprintf(message.text, sizeof message.text, format, ap);
        va_end(ap);
        say(&message);
}

void log_cause(struct log_cause *cause, const char *format, ...)
{
        struct message message = {
                .component = troubles[cause->trouble].component,
                .id = troubles[cause->trouble].begins,
                .priority = LOG_WARNING,
        };
        va_list ap;

        va_start(ap, format);
        vsnprintf(message.text, sizeof cause->text, format, ap); /* no longer than the part that is kept */
        va_end(ap);
        if (cause->count > 0 && strcmp(message.text, cause->text) == 0) {
                cause->count++;
                return;
        }
        memcpy(cause->text, message.text, sizeof cause->text);
        cause->count = 1;
        say(&message);
}

void log_cause_end(struct log_cause *cause, const char *format, ...)
{
        struct message message = {
                .component = troubles[cause->trouble].component,
                .id = troubles[cause->trouble].ends,
                .priority = LOG_NOTICE,
        };
        const unsigned long count = cause->count;
        va_list ap;

        cause->count = 0;
        if (count == 0)
                return;
        va_start(ap, format);
        int n = vsnprintf(message.text, sizeof message.text, format, ap);
        va_end(ap);
        if (count > 1 && n >= 0 && n < (int)sizeof message.text)
                snprintf(message.text + n, sizeof message.text - n, " (after %lu times)", count);
        say(&message);
}
