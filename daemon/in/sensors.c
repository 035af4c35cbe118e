#include "daemon/in/sensors.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"

/* /proc/meminfo has 1.5 kB; the rest are single values. */
#define TEXT_MAX 8192

static bool read_text(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    n = read(fd, text, TEXT_MAX - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint64_t read_number(const char *dir, const char *name)
{
    char path[PATH_MAX], text[TEXT_MAX];
    uint64_t value = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (!read_text(path, text)) {
        return 0;
    }
    text[strcspn(text, "\n")] = '\0';
    return acc_parse_u64(text, &value) ? value : 0;
}

/* --- pressure ------------------------------------------------------------------------------ */

/* "full avg10=0.00 avg60=1.25 avg300=0.00 total=0": tenths of a percent. */
static uint32_t full_permille(const char *sys_root, const char *what)
{
    char path[PATH_MAX], text[TEXT_MAX];
    const char *full;
    unsigned whole = 0, tenths = 0;

    (void)snprintf(path, sizeof(path), "%s/proc/pressure/%s", sys_root, what);
    if (!read_text(path, text) || !(full = strstr(text, "full ")) ||
        sscanf(full, "full avg10=%*9[0-9.] avg60=%3u.%1u", &whole, &tenths) < 1) {
        return 0;
    }
    return whole * 10 + tenths;
}

void accd_pressure_read(const char *sys_root, struct accd_pressure *ret_pressure)
{
    *ret_pressure = (struct accd_pressure){.memory_permille = full_permille(sys_root, "memory"),
                                           .io_permille = full_permille(sys_root, "io")};
}

/* --- memory, cores ------------------------------------------------------------------------- */

static uint64_t meminfo_bytes(const char *text, const char *key)
{
    char number[24];
    const char *at = strstr(text, key);
    uint64_t kib;

    if (!at || sscanf(at + strlen(key), " %23[0-9]", number) != 1 || !acc_parse_u64(number, &kib) ||
        kib > UINT64_MAX / 1024) {
        return 0;
    }
    return kib * 1024;
}

static void read_memory(const char *sys_root, struct accd_sensors *sensors)
{
    char path[PATH_MAX], text[TEXT_MAX];

    (void)snprintf(path, sizeof(path), "%s/proc/meminfo", sys_root);
    if (read_text(path, text)) {
        sensors->memory_total_bytes = meminfo_bytes(text, "MemTotal:");
        sensors->memory_available_bytes = meminfo_bytes(text, "MemAvailable:");
    }
}

/* "0-3,8,10-11" */
static uint32_t count_list(const char *text)
{
    uint32_t n = 0;
    unsigned first, last;
    int len;

    for (; sscanf(text, "%9u%n", &first, &len) == 1; text += *text == ',') {
        text += len;
        last = first;
        if (*text == '-' && sscanf(text + 1, "%9u%n", &last, &len) == 1) {
            text += 1 + len;
        }
        n += last >= first ? last - first + 1 : 0;
    }
    return n;
}

static uint32_t read_cores(const char *sys_root)
{
    char path[PATH_MAX], text[TEXT_MAX];
    uint32_t n = 0;
    long online;

    (void)snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/online", sys_root);
    if (read_text(path, text)) {
        n = count_list(text);
    }
    if (n == 0) {
        online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (uint32_t)online : 1;
    }
    return n;
}

/* --- GPUs ---------------------------------------------------------------------------------- */

/* "card0", but not its connector "card0-DP-1". */
static bool is_card(const char *name)
{
    if (strncmp(name, "card", 4) != 0 || !isdigit((unsigned char)name[4])) {
        return false;
    }
    return name[4 + strspn(name + 4, "0123456789")] == '\0';
}

static bool uevent_value(const char *text, const char *key, char *value, size_t size)
{
    size_t key_len = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, key_len) == 0) {
            size_t len = strcspn(line + key_len, "\n");

            if (len >= size) {
                return false;
            }
            memcpy(value, line + key_len, len);
            value[len] = '\0';
            return true;
        }
    }
    return false;
}

static bool is_amdgpu(const char *dir, char *pci, size_t pci_size)
{
    char path[PATH_MAX], text[TEXT_MAX], driver[32];

    (void)snprintf(path, sizeof(path), "%s/uevent", dir);
    return read_text(path, text) && uevent_value(text, "DRIVER=", driver, sizeof(driver)) &&
           strcmp(driver, "amdgpu") == 0 && uevent_value(text, "PCI_SLOT_NAME=", pci, pci_size);
}

/* Only cards with memory of their own tell how busy it is (amdgpu_pm.c, AMD_IS_APU). That the file
 * exists is all that is asked; reading it would wake the card. */
static bool has_own_memory(const char *dir)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/mem_busy_percent", dir);
    return access(path, F_OK) == 0;
}

static void read_card(const char *sys_root, const char *card, struct accd_sensors *sensors)
{
    struct accd_gpu *gpu = &sensors->gpus[sensors->n_gpus];
    char dir[PATH_MAX / 2];
    int n = snprintf(dir, sizeof(dir), "%s/sys/class/drm/%s/device", sys_root, card);

    *gpu = (struct accd_gpu){0};
    if (n < 0 || (size_t)n >= sizeof(dir) || strlen(card) >= sizeof(gpu->card) ||
        !is_amdgpu(dir, gpu->pci, sizeof(gpu->pci))) {
        return;
    }
    memcpy(gpu->card, card, strlen(card) + 1);
    gpu->is_integrated = !has_own_memory(dir);
    gpu->vram_total_bytes = read_number(dir, "mem_info_vram_total");
    gpu->vram_used_bytes = read_number(dir, "mem_info_vram_used");
    gpu->gtt_total_bytes = read_number(dir, "mem_info_gtt_total");
    gpu->gtt_used_bytes = read_number(dir, "mem_info_gtt_used");
    sensors->n_gpus++;
}

static int by_pci(const void *a, const void *b)
{
    return strcmp(((const struct accd_gpu *)a)->pci, ((const struct accd_gpu *)b)->pci);
}

static void read_gpus(const char *sys_root, struct accd_sensors *sensors)
{
    char path[PATH_MAX];
    DIR *dir;
    const struct dirent *entry;

    (void)snprintf(path, sizeof(path), "%s/sys/class/drm", sys_root);
    dir = opendir(path);
    while (dir && sensors->n_gpus < ACCD_GPUS_MAX && (entry = readdir(dir))) {
        if (is_card(entry->d_name)) {
            read_card(sys_root, entry->d_name, sensors);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    qsort(sensors->gpus, sensors->n_gpus, sizeof(sensors->gpus[0]), by_pci);
}

void accd_sensors_read(const char *sys_root, struct accd_sensors *ret_sensors)
{
    *ret_sensors = (struct accd_sensors){.n_cores = read_cores(sys_root)};
    read_memory(sys_root, ret_sensors);
    read_gpus(sys_root, ret_sensors);
}
