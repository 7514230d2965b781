/* For the build: fills the contents of the effects' rows into a page, a completion or an example.  Copies standard
 * input to standard output; of a run of lines that begin with "@effect " or "@option ", the former are printed for each
 * effect, the latter for each of its options, with the {words} below replaced. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/effects/effect.h"

#define LINES_MAX 16 /* of a run */

struct run {
        char *lines[LINES_MAX];
        unsigned count;
};

__attribute__((noreturn)) static void die(const char *what, const char *text)
{
        fprintf(stderr, "effects-fill: %s: %s\n", what, text);
        exit(1);
}

static bool is_option(const char *line)
{
        return strncmp(line, "@option", 7) == 0;
}

static bool is_effect(const char *line)
{
        return strncmp(line, "@effect", 7) == 0;
}

/* ---- a line ---- */

static void put_capital(const char *text)
{
        putchar(toupper((unsigned char)text[0]));
        fputs(text + 1, stdout);
}

/* "opacity= " for each. */
static void put_options(const struct effect *effect)
{
        for (const struct effect_option *option = effect->options; option->name; option++)
                printf("%s%s=", option == effect->options ? "" : " ", option->name);
}

static bool put_of_effect(const char *word, const struct effect *effect)
{
        if (strcmp(word, "effect") == 0)
                fputs(effect->name, stdout);
        else if (strcmp(word, "shows") == 0)
                fputs(effect->help, stdout);
        else if (strcmp(word, "Shows") == 0)
                put_capital(effect->help);
        else if (strcmp(word, "details") == 0)
                fputs(effect->details, stdout);
        else if (strcmp(word, "options") == 0)
                put_options(effect);
        else
                return false;
        return true;
}

static bool put_of_option(const char *word, const struct effect_option *option)
{
        if (strcmp(word, "option") == 0)
                fputs(option->name, stdout);
        else if (strcmp(word, "sets") == 0)
                fputs(option->help, stdout);
        else if (strcmp(word, "type") == 0)
                printf("%s, type %s on the bus", effect_types[option->type].name, effect_types[option->type].bus);
        else if (strcmp(word, "range") == 0)
                printf("from %g to %g%s%s", option->low, option->high, option->unit[0] ? " " : "", option->unit);
        else if (strcmp(word, "default") == 0)
                printf("%g", option->default_value);
        else
                return false;
        return true;
}

/* `option` is NULL for a line of an effect. */
static void put_line(const char *line, const struct effect *effect, const struct effect_option *option)
{
        char word[16];
        int length;

        for (const char *c = line + strlen("@effect") + (line[strlen("@effect")] == ' '); *c; c++) {
                length = 0;
                if (*c != '{' || sscanf(c, "{%15[a-zA-Z]}%n", word, &length) < 1 || length == 0) {
                        putchar(*c);
                        continue;
                }
                if (!put_of_effect(word, effect) && (!option || !put_of_option(word, option)))
                        die("unknown word", word);
                c += length - 1;
        }
}

/* ---- a run ---- */

/* Prints the run's option lines from *at on, once for each option. */
static void put_of_options(const struct run *run, unsigned *at, const struct effect *effect)
{
        const unsigned first = *at;

        while (*at < run->count && is_option(run->lines[*at]))
                ++*at;
        for (const struct effect_option *option = effect->options; option->name; option++)
                for (unsigned i = first; i < *at; i++)
                        put_line(run->lines[i], effect, option);
}

static void put_run(struct run *run)
{
        for (unsigned e = 0; e < EFFECTS; e++)
                for (unsigned i = 0; i < run->count;)
                        if (is_option(run->lines[i]))
                                put_of_options(run, &i, effects[e]);
                        else
                                put_line(run->lines[i++], effects[e], NULL);
        while (run->count > 0)
                free(run->lines[--run->count]);
}

int main(void)
{
        struct run run = {.count = 0};
        size_t size = 0;
        char *line = NULL;

        while (getline(&line, &size, stdin) >= 0)
                if (is_effect(line) || is_option(line)) {
                        if (run.count == LINES_MAX)
                                die("too many lines together", line);
                        run.lines[run.count++] = strdup(line);
                } else {
                        put_run(&run);
                        fputs(line, stdout);
                }
        put_run(&run);
        free(line);
        return ferror(stdin) || fflush(stdout) != 0 ? 1 : 0;
}
