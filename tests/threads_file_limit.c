/* file_limit: the soft limit of open files becomes the hard one. */
#include <check.h>
#include <sys/resource.h>

#include "04_threads/file_limit.h"
#include "tests/support.h"

START_TEST(as_many_as_may_be_had)
{
    struct rlimit files = {100, 200};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_int_eq(file_limit_raise(), 200);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_uint_eq(files.rlim_cur, 200);
    ck_assert_int_eq(file_limit_raise(), 200);
}
END_TEST

TCase *threads_file_limit(void)
{
    TCase *tc = tcase_create("file_limit");
    tcase_add_test(tc, as_many_as_may_be_had);
    return tc;
}
