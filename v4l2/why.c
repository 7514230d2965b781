#include <stdarg.h>
#include <stdio.h>

#include "v4l2/why.h"

/* A camera's name is chosen by whoever built the device, so it must not control a terminal: C0, DEL, and C1 in
 * UTF-8. */
static void disarm(char *text)
{
        unsigned char before = 0;

        for (unsigned char *c = (unsigned char *)text; *c; c++) {
                if (*c < ' ' || *c == 0x7f || (before == 0xc2 && *c < 0xa0))
                        *c = '?';
                before = *c;
        }
}

int why_say(char *why, size_t why_size, int error, const char *format, ...)
{
        va_list args;

        if (!why || !why_size)
                return error;
        va_start(args, format);
        vsnprintf(why, why_size, format, args);
        va_end(args);
        disarm(why);
        return error;
}
