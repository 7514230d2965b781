#include <stdarg.h>
#include <stdio.h>

#include "model/why.h"

/* C0, DEL, and C1 in UTF-8. */
static void disarm(char *text)
{
        unsigned char before = 0;

        for (unsigned char *c = (unsigned char *)text; *c; c++) {
                if (*c < ' ' || *c == 0x7f || (before == 0xc2 && *c < 0xa0))
                        *c = '?';
                before = *c;
        }
}

int why_set(char *why, size_t size, int error, const char *format, ...)
{
        va_list args;

        if (size == 0)
                return error;
        va_start(args, format);
        vsnprintf(why, size, format, args);
        va_end(args);
        disarm(why);
        return error;
}
