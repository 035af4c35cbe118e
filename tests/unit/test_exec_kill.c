#include "daemon/out/exec_kill.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In any /proc/PID/cgroup. */
#define HERE ":"

/* A process that leads a session, and a second one that it has begun; `*ret_end` ends with both. */
static pid_t begin(int *ret_end, pid_t *ret_second)
{
    int ends[2];
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(ends[0]);
        (void)setsid();
        if (fork() == 0) {
            pid_t own = getpid();

            (void)!write(ends[1], &own, sizeof(own));
        }
        (void)alarm(60);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(ends[1]);
    ck_assert_int_eq(read(ends[0], ret_second, sizeof(*ret_second)), sizeof(*ret_second));
    *ret_end = ends[0];
    return pid;
}

static bool is_over(int end, int limit_ms)
{
    struct pollfd pollfd = {.fd = end, .events = POLLIN};

    return poll(&pollfd, 1, limit_ms) == 1 && (pollfd.revents & POLLHUP);
}

START_TEST(ends_it_and_what_it_has_begun)
{
    int end, status;
    pid_t second, pid = begin(&end, &second);

    ck_assert(accd_exec_kill_session("", HERE, pid));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert(is_over(end, 5000));
    (void)close(end);
}
END_TEST

START_TEST(leaves_alone_what_is_not_in_the_container)
{
    int end, status;
    pid_t second, pid = begin(&end, &second);

    ck_assert(!accd_exec_kill_session("", "0123456789abcdef", pid));
    ck_assert(!accd_exec_kill("/elsewhere", HERE, pid)); /* these are not the pids of /proc */
    ck_assert(!accd_exec_kill_session("", HERE, 0));
    ck_assert(!accd_exec_kill_session("", HERE, 1));
    ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
    ck_assert(accd_exec_kill("", HERE, pid)); /* it alone */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!is_over(end, 100));
    ck_assert_int_eq(kill(second, SIGKILL), 0);
    ck_assert(!accd_exec_kill("", HERE, pid)); /* it is gone */
    (void)close(end);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exec_kill");
    TCase *tcase = tcase_create("exec_kill");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, ends_it_and_what_it_has_begun);
    tcase_add_test(tcase, leaves_alone_what_is_not_in_the_container);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
