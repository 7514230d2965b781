#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/effects/settings.h"

_Static_assert(EFFECTS <= 32, "a chain has a bit for each");

/* ---- the chain ---- */

/* EFFECTS: there is none of this name. */
static unsigned find_effect(const char *name, size_t length)
{
        unsigned i = 0;

        while (i < EFFECTS && (strlen(effects[i]->name) != length || memcmp(effects[i]->name, name, length) != 0))
                i++;
        return i;
}

int effect_chain_parse(const char *text, uint32_t *ret)
{
        unsigned count = 0, alone = 0;
        uint32_t chain = 0;

        for (const char *name = text, *end; name; name = *end ? end + 1 : NULL) {
                end = name + strcspn(name, "+");
                unsigned i = find_effect(name, end - name);
                if (i == EFFECTS || chain & UINT32_C(1) << i)
                        return -EINVAL;
                chain |= UINT32_C(1) << i;
                count++;
                alone += !effects[i]->record;
        }
        if (count > EFFECT_CHAIN_MAX || (alone && count > 1))
                return -EINVAL;
        *ret = chain;
        return 0;
}

void effect_chain_format(uint32_t chain, char ret[EFFECT_TEXT_MAX])
{
        size_t n = 0;

        ret[0] = '\0';
        for (unsigned i = 0; i < EFFECTS && n < EFFECT_TEXT_MAX; i++)
                if (chain & UINT32_C(1) << i)
                        n += snprintf(ret + n, EFFECT_TEXT_MAX - n, "%s%s", n ? "+" : "", effects[i]->name);
}

void effect_chain_allowed(char ret[EFFECT_TEXT_MAX])
{
        size_t n = 0;

        for (unsigned i = 0; i < EFFECTS && n < EFFECT_TEXT_MAX; i++)
                n += snprintf(ret + n, EFFECT_TEXT_MAX - n, "%s%s",
                              i == 0             ? ""
                              : i == EFFECTS - 1 ? " or "
                                                 : ", ",
                              effects[i]->name);
        if (n < EFFECT_TEXT_MAX)
                snprintf(ret + n, EFFECT_TEXT_MAX - n, ", or up to %d of the others joined by +", EFFECT_CHAIN_MAX);
}

/* ---- an option ---- */

const struct effect_option *effect_option_find(struct effect_settings *settings, uint32_t chain, const char *name,
                                               double **ret_value)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                for (unsigned k = 0; chain & UINT32_C(1) << i && effects[i]->options[k].name; k++)
                        if (strcmp(effects[i]->options[k].name, name) == 0) {
                                *ret_value = &settings->options[i][k];
                                return &effects[i]->options[k];
                        }
        return NULL;
}

bool effect_option_allows(const struct effect_option *option, double value)
{
        return value >= option->low && value <= option->high;
}

int effect_option_parse(const struct effect_option *option, const char *text, double *ret)
{
        char *end;

        if (strspn(text, "-0123456789.") != strlen(text) || !*text)
                return -EINVAL;
        const double value = strtod(text, &end);
        if (*end || !effect_option_allows(option, value))
                return -EINVAL;
        *ret = value;
        return 0;
}

void effect_option_allowed(const struct effect_option *option, char ret[EFFECT_TEXT_MAX])
{
        snprintf(ret, EFFECT_TEXT_MAX, "a %s from %g to %g%s%s", effect_types[option->type].name, option->low,
                 option->high, option->unit[0] ? " " : "", option->unit);
}

/* ---- all of it ---- */

void effect_settings_reset(struct effect_settings *settings, uint32_t chain)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                for (unsigned k = 0; chain & UINT32_C(1) << i && effects[i]->options[k].name; k++)
                        settings->options[i][k] = effects[i]->options[k].default_value;
}

bool effect_settings_equal(const struct effect_settings *a, const struct effect_settings *b)
{
        if (a->chain != b->chain)
                return false;
        for (unsigned i = 0; i < EFFECTS; i++)
                for (unsigned k = 0; effects[i]->options[k].name; k++)
                        if (a->options[i][k] != b->options[i][k])
                                return false;
        return true;
}
