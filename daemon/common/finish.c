#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/common/finish.h"

int finish(const char *program, int status)
{
        errno = 0;
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        fprintf(stderr, "%s: standard output: %s\n", program, errno ? strerror(errno) : "not all of it was written");
        return status > 0 ? status : 1;
}
