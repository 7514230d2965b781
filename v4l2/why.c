#include "v4l2/why.h"

#include <stdarg.h>
#include <stdio.h>

int why_say(char *why, size_t why_size, int error, const char *format, ...)
{
        va_list args;

        if (!why || !why_size)
                return error;
        va_start(args, format);
        vsnprintf(why, why_size, format, args);
        va_end(args);
        return error;
}
