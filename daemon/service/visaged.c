#include <sys/prctl.h>

#include "daemon/common/finish.h"
#include "daemon/common/log.h"
#include "daemon/service/supervisor.h"

int main(int argc, char **argv)
{
        static struct options options;

        prctl(PR_SET_DUMPABLE, 0); /* there are pictures in our memory: no debugger, no dump */
        int status = options_parse(argc, argv, &options);
        if (status >= 0)
                return finish("visaged", status);
        log_init("visaged");
        return supervisor_run(&options);
}
