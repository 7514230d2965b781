#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/text.h"

/* The length of the valid UTF-8 character at `s`; 0: there is none (Unicode standard, table 3-7). */
static size_t utf8_length(const uint8_t *s)
{
        static const struct {
                uint8_t first_low, first_high, second_low, second_high, length;
        } forms[] = {
                {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
        };

        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
                if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
                        continue;
                if (forms[i].length > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
                        return 0;
                for (size_t k = 2; k < forms[i].length; k++)
                        if (s[k] < 0x80 || s[k] > 0xbf)
                                return 0;
                return forms[i].length;
        }
        return 0;
}

static void clean(const char *text, char *ret, size_t size, bool controls)
{
        static const char replacement[] = "\xef\xbf\xbd";
        size_t n = 0;

        while (*text) {
                size_t length = utf8_length((const uint8_t *)text);
                const char *from = length > 0 ? text : replacement;
                size_t bytes = length > 0 ? length : sizeof replacement - 1;
                /* C0, DEL and, in two bytes, C1 */
                bool control = (length == 1 && ((uint8_t)*text < ' ' || *text == 127)) ||
                               (length == 2 && (uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0);
                if (control && !controls) {
                        from = "?";
                        bytes = 1;
                }
                if (n + bytes + 1 > size)
                        break;
                memcpy(ret + n, from, bytes);
                n += bytes;
                text += length > 0 ? length : 1;
        }
        ret[n] = '\0';
}

void text_utf8(const char *text, char *ret, size_t size)
{
        clean(text, ret, size, true);
}

void text_printable(const char *text, char *ret, size_t size)
{
        clean(text, ret, size, false);
}

json_t *text_json(const char *text)
{
        size_t size = strlen(text) * 3 + 1; /* if all of it is replaced */
        _cleanup_(freep) char *utf8 = malloc(size);

        if (!utf8)
                return NULL;
        text_utf8(text, utf8, size);
        return json_string(utf8);
}
