#include "daemon/in/wall_clock.h"

#include <time.h>

#include "daemon/in/sensors.h"

/* A window opens on the minute. */
#define EVERY_MS 60000u
/* A change of the time counts when it lies in what the engine looks at: the window that is open may
 * have begun yesterday, and the next one is a week away at most. */
#define BEFORE_S (2 * 86400)
#define AFTER_S  (9 * 86400)

static void on_closed(void *owner)
{
    (void)owner; /* embedded in the app, which outlives the loop */
}

int accd_wall_clock_init(struct accd_wall_clock *clock, uv_loop_t *loop, struct accd_pump *pump,
                         const char *sys_root)
{
    *clock = (struct accd_wall_clock){.pump = pump, .sys_root = sys_root};
    clock->handles.owner = clock;
    clock->handles.on_all_closed = on_closed;
    int r = uv_timer_init(loop, &clock->uv);

    if (r == 0) {
        accd_handles_add(&clock->handles, (uv_handle_t *)&clock->uv);
    }
    return r;
}

static int32_t offset_s(int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm tm;

    return localtime_r(&at, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

struct acc_zone accd_wall_clock_zone(int64_t unix_s)
{
    int64_t before_s = unix_s - BEFORE_S, after_s = unix_s + AFTER_S;
    struct acc_zone zone;

    tzset(); /* somebody may have moved */
    zone = (struct acc_zone){.before_s = offset_s(before_s), .after_s = offset_s(after_s)};
    while (zone.before_s != zone.after_s && after_s - before_s > 1) {
        int64_t middle_s = before_s + (after_s - before_s) / 2;

        if (offset_s(middle_s) == zone.before_s) {
            before_s = middle_s;
        } else {
            after_s = middle_s;
        }
    }
    zone.change_s = after_s;
    return zone;
}

static int64_t unix_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(struct accd_wall_clock *clock)
{
    struct acc_event event = {.type = ACC_EV_CLOCK, .now_ms = uv_now(clock->uv.loop)};
    struct accd_pressure pressure;

    accd_pressure_read(clock->sys_root, &pressure);
    event.clock.unix_ms = unix_ms();
    event.clock.zone = accd_wall_clock_zone(event.clock.unix_ms / 1000);
    event.clock.memory_permille = pressure.memory_permille;
    event.clock.io_permille = pressure.io_permille;
    (void)accd_pump_push(clock->pump, &event); /* full: it is told again in a minute */
    accd_pump_run(clock->pump);
}

static void on_timer(uv_timer_t *uv)
{
    tell(accd_handle_owner(uv));
}

void accd_wall_clock_set(struct accd_wall_clock *clock, bool is_wanted)
{
    if (is_wanted && !uv_is_active((uv_handle_t *)&clock->uv)) {
        (void)uv_timer_start(&clock->uv, on_timer, 0, EVERY_MS);
    } else if (!is_wanted) {
        (void)uv_timer_stop(&clock->uv);
    }
}

void accd_wall_clock_close(struct accd_wall_clock *clock)
{
    if (clock->handles.n_open > 0) {
        accd_handles_close(&clock->handles, (uv_handle_t *)&clock->uv);
    }
}
