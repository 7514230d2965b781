#include <stdarg.h>
#include <stdio.h>

#include "model/why.h"

int why_set(char *why, size_t size, int error, const char *format, ...)
{
        va_list args;

        if (size == 0)
                return error;
        va_start(args, format);
        vsnprintf(why, size, format, args);
        va_end(args);
        for (char *c = why; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
        return error;
}
