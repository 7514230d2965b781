/* The configuration file, parsed by libinih.  It reads through next_line(), which counts the lines and detects what
 * libinih would silently ignore: lines that it would truncate, and NUL bytes. */
#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/config.h"

#define COMPLAINTS_MAX 20 /* per file: more would only hide the first ones */

struct reader {
        struct config *config;
        const char *path;
        FILE *file;
        unsigned line, complaints;
        unsigned set_in[CONFIG_KEYS_MAX]; /* line in which each key was set; 0: not yet */
        config_complaint complain;
        void *userdata;
};

__attribute__((format(printf, 3, 4))) static void complain(struct reader *reader, unsigned line, const char *format,
                                                           ...)
{
        char text[1100], message[1100 + PATH_MAX];
        va_list ap;

        if (++reader->complaints > COMPLAINTS_MAX)
                return;
        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        snprintf(message, sizeof message, "%s:%u: %s", reader->path, line, text);
        reader->complain(reader->userdata, message);
}

/* fgets() for libinih.  A line that does not fit is reported and becomes an empty one. */
static char *next_line(char *buffer, int size, void *stream)
{
        struct reader *reader = stream;
        bool nul = false;
        int n = 0, c;

        while ((c = fgetc(reader->file)) != EOF && c != '\n') {
                if (c == '\0')
                        nul = true;
                if (n < size - 2)
                        buffer[n] = c;
                n++;
        }
        if (c == EOF && n == 0)
                return NULL;
        reader->line++;
        if (nul)
                complain(reader, reader->line, "not a line of text");
        else if (n >= size - 2)
                complain(reader, reader->line, "longer than %d bytes", size - 3);
        if (nul || n >= size - 2)
                n = 0;
        buffer[n] = '\n';
        buffer[n + 1] = '\0';
        return buffer;
}

static int key_index(const char *name)
{
        const struct config_key *keys = config_keys();

        for (int i = 0; keys[i].name; i++)
                if (strcmp(keys[i].name, name) == 0)
                        return i;
        return -ENOENT;
}

/* Reports errors itself and always returns success, because libinih would only keep the number of the first line. */
static int take(void *userdata, const char *section, const char *name, const char *value)
{
        struct reader *reader = userdata;
        char why[1024];
        int i;

        if (strcmp(section, "visaged") != 0) {
                if (section[0])
                        complain(reader, reader->line, "unknown section [%s]: must be [visaged]", section);
                else
                        complain(reader, reader->line, "\"%s\" comes before the section [visaged]", name);
                return 1;
        }
        i = key_index(name);
        bool again = i >= 0 && reader->set_in[i];
        if (again && !config_keys()[i].many) {
                /* In such files an indented line continues the one above, but nobody intends that here. */
                complain(reader, reader->line,
                         "%s is already set in line %u (an indented line continues the key above it)", name,
                         reader->set_in[i]);
                return 1;
        }
        if ((again ? config_add : config_set)(reader->config, name, value, why, sizeof why) < 0)
                complain(reader, reader->line, "%s", why);
        if (i >= 0)
                reader->set_in[i] = reader->line;
        return 1;
}

int config_read(struct config *config, const char *path, config_complaint complaint, void *userdata)
{
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        struct reader reader = {.config = config, .path = path, .complain = complaint, .userdata = userdata};
        char message[PATH_MAX + 100];
        int r;

        if (!file || (fgetc(file) == EOF && ferror(file))) { /* a directory can be opened but not read */
                r = -errno;
                snprintf(message, sizeof message, "%s: %s", path, strerror(-r));
                complaint(userdata, message);
                return r;
        }
        rewind(file);
        reader.file = file;
        r = ini_parse_stream(next_line, &reader, take, &reader);
        if (r > 0)
                complain(&reader, r, "neither \"key = value\" nor [visaged] nor a comment (# or ;)");
        if (reader.complaints > COMPLAINTS_MAX) {
                snprintf(message, sizeof message, "%s: and %u more", path, reader.complaints - COMPLAINTS_MAX);
                complaint(userdata, message);
        }
        return reader.complaints > 0 || r != 0 ? -EBADMSG : 0;
}

int config_read_drop_ins(struct config *config, const char *path, config_complaint complaint, void *userdata)
{
        char pattern[PATH_MAX + sizeof ".d/*.conf"];
        glob_t found;
        int worst = 0, n;

        snprintf(pattern, sizeof pattern, "%s.d/*.conf", path);
        if (glob(pattern, 0, NULL, &found) != 0)
                return 0;
        for (size_t i = 0; i < found.gl_pathc; i++) {
                int r = config_read(config, found.gl_pathv[i], complaint, userdata);
                worst = r < 0 ? r : worst;
        }
        n = (int)found.gl_pathc;
        globfree(&found);
        return worst < 0 ? worst : n;
}
