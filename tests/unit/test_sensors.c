/* Reads trees made by tests/lab/mkfake.sh and by hand. */

#include "daemon/in/sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

static char root[] = "/tmp/acc-sensors-XXXXXX";

static void run(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* The scripts find the tree by $ROOT. */
static void fake(void)
{
    run("sh \"$ACC_MKFAKE\" init \"$ROOT\"");
}

static void make_root(void)
{
    memcpy(root, "/tmp/acc-sensors-XXXXXX", sizeof(root));
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(setenv("ROOT", root, 1), 0);
}

static void remove_root(void)
{
    run("rm -rf -- \"$ROOT\"");
}

static void put(const char *path, const char *text)
{
    char full[512];

    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    ck_assert_int_eq(setenv("FILE", full, 1), 0);
    run("mkdir -p \"$(dirname \"$FILE\")\"");
    FILE *file = fopen(full, "we");

    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

START_TEST(cards_are_told_by_their_pci_address)
{
    struct accd_sensors sensors;

    fake();
    accd_sensors_read(root, &sensors);
    ck_assert_uint_eq(sensors.n_gpus, 2);
    ck_assert_str_eq(sensors.gpus[0].pci, "0000:03:00.0");
    ck_assert_str_eq(sensors.gpus[0].card, "card0");
    ck_assert(!sensors.gpus[0].is_integrated);
    ck_assert_uint_eq(sensors.gpus[0].vram_total_bytes, 25753026560u);
    ck_assert_uint_eq(sensors.gpus[0].vram_used_bytes, 28311552u);
    ck_assert(sensors.gpus[1].is_integrated);
    ck_assert_uint_eq(sensors.memory_total_bytes, 67319205888u);
    ck_assert_uint_gt(sensors.memory_available_bytes, 0);
}
END_TEST

START_TEST(pressure_is_that_of_the_last_minute)
{
    struct accd_pressure pressure;

    accd_pressure_read(root, &pressure); /* an old kernel: nothing there */
    ck_assert_uint_eq(pressure.memory_permille, 0);
    put("proc/pressure/memory", "some avg10=9.00 avg60=9.00 avg300=9.00 total=1\n"
                                "full avg10=0.00 avg60=6.27 avg300=1.00 total=1\n");
    put("proc/pressure/io", "full avg10=99.00 avg60=100.00 avg300=1.00 total=1\n");
    accd_pressure_read(root, &pressure);
    ck_assert_uint_eq(pressure.memory_permille, 62);
    ck_assert_uint_eq(pressure.io_permille, 1000);
    put("proc/pressure/io", "nonsense");
    accd_pressure_read(root, &pressure);
    ck_assert_uint_eq(pressure.io_permille, 0);
}
END_TEST

START_TEST(nothing_that_wakes_a_card_is_read)
{
    struct accd_sensors sensors;

    fake();
    /* Reading a FIFO without a writer would block for ever. */
    run("cd \"$ROOT/sys/class/drm/card0/device\" && for f in gpu_busy_percent mem_busy_percent "
        "gpu_metrics pp_dpm_sclk pcie_replay_count; do rm -f $f && mkfifo $f; done");
    accd_sensors_read(root, &sensors);
    ck_assert_uint_eq(sensors.n_gpus, 2);
}
END_TEST

START_TEST(other_drivers_and_connectors_are_no_cards)
{
    struct accd_sensors sensors;

    put("sys/class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n");
    put("sys/class/drm/card1-DP-1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n");
    put("sys/class/drm/card2/device/uevent", "DRIVER=amdgpu\n"); /* no address */
    put("sys/class/drm/card7/device/uevent", "PCI_SLOT_NAME=0000:09:00.0\nDRIVER=amdgpu\n");
    put("sys/class/drm/card7/device/mem_info_vram_total", "17163091968\n");
    put("sys/class/drm/card7/device/mem_info_vram_used", "nonsense\n");
    accd_sensors_read(root, &sensors);
    ck_assert_uint_eq(sensors.n_gpus, 1);
    ck_assert_str_eq(sensors.gpus[0].pci, "0000:09:00.0");
    ck_assert_uint_eq(sensors.gpus[0].vram_total_bytes, 17163091968u);
    ck_assert_uint_eq(sensors.gpus[0].vram_used_bytes, 0);
}
END_TEST

static const struct {
    const char *online;
    uint32_t want;
} cores[] = {{"0\n", 1}, {"0-23\n", 24}, {"0-3,8,10-11\n", 7}, {"5-5\n", 1}};

START_TEST(cores_are_those_online)
{
    struct accd_sensors sensors;

    put("sys/devices/system/cpu/online", cores[_i].online);
    accd_sensors_read(root, &sensors);
    ck_assert_uint_eq(sensors.n_cores, cores[_i].want);
}
END_TEST

START_TEST(an_empty_root_gives_no_memory_and_some_cores)
{
    struct accd_sensors sensors;

    accd_sensors_read(root, &sensors);
    ck_assert_uint_eq(sensors.memory_total_bytes, 0);
    ck_assert_uint_eq(sensors.n_gpus, 0);
    ck_assert_uint_ge(sensors.n_cores, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sensors");
    TCase *tcase = tcase_create("sensors");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_root, remove_root);
    tcase_add_test(tcase, cards_are_told_by_their_pci_address);
    tcase_add_test(tcase, nothing_that_wakes_a_card_is_read);
    tcase_add_test(tcase, pressure_is_that_of_the_last_minute);
    tcase_add_test(tcase, other_drivers_and_connectors_are_no_cards);
    tcase_add_loop_test(tcase, cores_are_those_online, 0, sizeof(cores) / sizeof(cores[0]));
    tcase_add_test(tcase, an_empty_root_gives_no_memory_and_some_cores);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
