/*
 * The smallest service: runs until SIGTERM, then ends with 0 at once.
 *
 * Benches use it, so that what is measured is the supervisor and the engine, not the workload.
 */
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int sig)
{
    (void)sig;
    asked_to_stop = 1;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t both, before;

    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    sigprocmask(SIG_BLOCK, &both, &before);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    while (!asked_to_stop) {
        sigsuspend(&before);
    }
    return 0;
}
