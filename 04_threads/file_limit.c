#include "04_threads/file_limit.h"

#include <err.h>
#include <limits.h>
#include <sys/resource.h>

#include "01_files/cli.h"

int file_limit_raise(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == -1)
        err(CLI_ERROR, "limit of open files");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) == -1)
        err(CLI_ERROR, "limit of open files");
    return files.rlim_cur < INT_MAX ? (int)files.rlim_cur : INT_MAX;
}
