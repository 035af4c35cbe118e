#pragma once

/*
 * What the host has: cores, memory, the VRAM of its AMD cards. Read when somebody asks; nothing is
 * polled.
 *
 * Only files that never touch the hardware: mem_info_* are counters of the kernel's memory manager.
 * gpu_busy_percent, hwmon and pp_dpm_* would wake a sleeping card (amdgpu_pm.c). Cards are known by
 * their PCI address; card numbers change from boot to boot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCD_GPUS_MAX 16u

struct accd_gpu {
    char card[16];      /* "card0" */
    char pci[16];       /* "0000:03:00.0" */
    bool is_integrated; /* its VRAM is a part of the host's memory */
    uint64_t vram_total_bytes, vram_used_bytes;
    uint64_t gtt_total_bytes, gtt_used_bytes; /* host memory that the card uses */
};

struct accd_sensors {
    uint32_t n_cores;                                    /* never 0 */
    uint64_t memory_total_bytes, memory_available_bytes; /* 0: unreadable */
    struct accd_gpu gpus[ACCD_GPUS_MAX];                 /* ascending by PCI address */
    size_t n_gpus;
};

/* Pressure stall information of the last minute: the share of the time in which nobody got on, for
 * want of memory or of the disk. 0 where the kernel doesn't tell. */
struct accd_pressure {
    uint32_t memory_permille, io_permille;
};
void accd_pressure_read(const char *sys_root, struct accd_pressure *ret_pressure);

/* `sys_root` is put before /sys and /proc, "" for the real ones. What can't be read is 0 or left
 * out; cannot fail. Some 20 small reads. */
void accd_sensors_read(const char *sys_root, struct accd_sensors *ret_sensors);
