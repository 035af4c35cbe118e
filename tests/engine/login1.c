/*
 * A stand-in for logind on a bus of its own ($DBUS_SYSTEM_BUS_ADDRESS): the delay lock and the
 * signal of a shutdown, nothing else.
 *
 *     login1 DELAY_MS
 *
 * Lines that it reads: "down" (a shutdown begins: PrepareForShutdown(true)), "stays" (it is called
 * off). Lines that it prints: "ready", "inhibit WHAT WHO WHY MODE" for each lock, "released" when
 * its holder has let the last one go. As logind does, it grants no lock while it shuts down.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NAME  "org.freedesktop.login1"
#define PATH  "/org/freedesktop/login1"
#define IFACE "org.freedesktop.login1.Manager"

static struct {
    sd_bus *bus;
    uint64_t delay_us;
    int is_down;
    int lock_fd; /* our end of the newest lock; -1: there is none */
} login1 = {.lock_fd = -1};

static void say(const char *line)
{
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

static int on_inhibit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *what, *who, *why, *mode;
    char line[256];
    int fds[2];
    int r = sd_bus_message_read(message, "ssss", &what, &who, &why, &mode);

    (void)userdata;
    if (r < 0) {
        return r;
    }
    if (login1.is_down) {
        return sd_bus_error_setf(error, "org.freedesktop.login1.OperationInProgress",
                                 "The operation inhibition has been requested for is already "
                                 "running");
    }
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    if (login1.lock_fd >= 0) {
        (void)close(login1.lock_fd);
    }
    login1.lock_fd = fds[0];
    r = sd_bus_reply_method_return(message, "h", fds[1]);
    (void)close(fds[1]);
    (void)snprintf(line, sizeof(line), "inhibit %s %s %s %s", what, who, why, mode);
    say(line);
    return r;
}

static int get_preparing(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)userdata, (void)error;
    return sd_bus_message_append(reply, "b", login1.is_down);
}

static int get_delay(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)userdata, (void)error;
    return sd_bus_message_append(reply, "t", login1.delay_us);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("PreparingForShutdown", "b", get_preparing, 0, 0),
    SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", get_delay, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_SIGNAL("PrepareForShutdown", "b", 0),
    SD_BUS_VTABLE_END,
};

/* False: nobody speaks to us any more. */
static bool take_line(void)
{
    char line[64];

    if (!fgets(line, sizeof(line), stdin)) {
        return false;
    }
    login1.is_down = strcmp(line, "down\n") == 0;
    return sd_bus_emit_signal(login1.bus, PATH, IFACE, "PrepareForShutdown", "b", login1.is_down) >=
           0;
}

static void drop_lock(void)
{
    (void)close(login1.lock_fd);
    login1.lock_fd = -1;
    say("released");
}

static int serve(void)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = sd_bus_get_fd(login1.bus), .events = POLLIN},
                               {.fd = login1.lock_fd}}; /* its end is told in any case */
        int r;

        while ((r = sd_bus_process(login1.bus, NULL)) > 0) {
        }
        fds[2].fd = login1.lock_fd;
        if (r < 0 || sd_bus_flush(login1.bus) < 0 || poll(fds, 3, -1) < 0) {
            return 1;
        }
        if (fds[2].revents) {
            drop_lock();
        }
        if (fds[0].revents && !take_line()) {
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    int r;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: login1 DELAY_MS\n");
        return 2;
    }
    login1.delay_us = strtoull(argv[1], NULL, 10) * 1000;
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* what it had read ahead poll() would not tell */
    r = sd_bus_open_system(&login1.bus);
    if (r >= 0) {
        r = sd_bus_add_object_vtable(login1.bus, NULL, PATH, IFACE, vtable, NULL);
    }
    if (r >= 0) {
        r = sd_bus_request_name(login1.bus, NAME, 0);
    }
    if (r < 0) {
        (void)fprintf(stderr, "login1: %s\n", strerror(-r));
        return 1;
    }
    say("ready");
    r = serve();
    (void)sd_bus_flush_close_unref(login1.bus);
    return r;
}
