/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A made-up /proc and /sys in a folder, with clocks for every processor that this program may run on. */
#include "agents/runner/state.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_main.h"

static char root[64];
static cpu_set_t allowed;
static int first; /* of the processors that this program may run on */

static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static const char *get(const char *path)
{
    static char text[256];
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    FILE *f = fopen(full, "r");
    ck_assert_msg(f != NULL, "no %s", full);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static const char *cpu_file(int cpu, const char *name)
{
    static char path[4][256];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "sys/devices/system/cpu/cpu%d/%s", cpu, name);
    return path[at];
}

static void put_cpu(int cpu)
{
    put(cpu_file(cpu, "cpufreq/scaling_cur_freq"), "1800000\n");
    put(cpu_file(cpu, "cpufreq/cpuinfo_max_freq"), "2400000\n");
    put(cpu_file(cpu, "cpufreq/cpuinfo_min_freq"), "600000\n");
    put(cpu_file(cpu, "cpufreq/scaling_min_freq"), "600000\n");
    put(cpu_file(cpu, "cpufreq/scaling_max_freq"), "2400000\n");
    put(cpu_file(cpu, "cpufreq/scaling_governor"), "schedutil\n");
    put(cpu_file(cpu, "cpufreq/scaling_available_governors"), "performance powersave schedutil\n");
    put(cpu_file(cpu, "cpufreq/stats/time_in_state"), "600000 100\n1800000 50\n2400000 0\n");
    put(cpu_file(cpu, "thermal_throttle/core_throttle_count"), "3\n");
}

static void set_up(void)
{
    snprintf(root, sizeof root, "/tmp/lathe-test-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    first = 0;
    while (!CPU_ISSET(first, &allowed)) first++;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed)) put_cpu(cpu);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void tear_down(void)
{
    ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(a_machine_that_tells_nothing_has_an_unknown_state)
{
    struct host_watch w;
    struct host_state s;
    host_watch_init(&w, "/nonexistent");
    host_state_read(&w, &s);
    ck_assert_uint_eq(s.temperature_dk, 0);
    ck_assert_uint_eq(s.khz, 0);
    ck_assert_uint_eq(s.busy_khz, 0);
    ck_assert_uint_eq(s.available_kib, 0);
    ck_assert_double_lt(s.others_share, 0);
}
END_TEST

START_TEST(the_hottest_sensor_of_a_processor_counts)
{
    struct host_watch w;
    struct host_state s;
    put("sys/class/thermal/thermal_zone0/type", "battery\n");
    put("sys/class/thermal/thermal_zone0/temp", "90000\n");
    host_watch_init(&w, root);
    host_state_read(&w, &s);
    ck_assert_uint_eq(s.temperature_dk, 2731 + 900); /* the only one there is */
    put("sys/class/thermal/thermal_zone1/type", "cpu-0-0-usr\n");
    put("sys/class/thermal/thermal_zone1/temp", "45500\n");
    put("sys/class/thermal/thermal_zone2/type", "cpu-1-0-usr\n");
    put("sys/class/thermal/thermal_zone2/temp", "51200\n");
    put("sys/class/thermal/thermal_zone3/type", "cpu-1-1-usr\n");
    put("sys/class/thermal/thermal_zone3/temp", "-40000\n"); /* off */
    host_state_read(&w, &s);
    ck_assert_uint_eq(s.temperature_dk, 2731 + 512);
    ck_assert_uint_eq(s.khz, 1800000);
    ck_assert_uint_eq(s.max_khz, 2400000);
    ck_assert_uint_eq(s.throttles, 3 * (unsigned)CPU_COUNT(&allowed));
}
END_TEST

START_TEST(clock_and_load_are_those_since_the_last_look)
{
    struct host_watch w;
    struct host_state s;
    char text[512] = "cpu  9 9 9 9 9 9 9 9\n";
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "cpu%d 100 0 0 900 0 0 0 0\n", first);
    put("proc/stat", text);
    put("proc/self/stat", "7 (a (b) c) R 1 1 1 0 -1 0 0 0 0 0 40 10 0 0 20 0 1 0 0\n");
    put("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:   123456 kB\n");
    host_watch_init(&w, root);
    host_state_read(&w, &s);
    ck_assert_uint_eq(s.busy_khz, 0);
    ck_assert_double_lt(s.others_share, 0);
    ck_assert_uint_eq(s.available_kib, 123456);
    /* Of 100 ticks 70 were busy, 20 of them stolen by a hypervisor; 45 were this program's. */
    snprintf(text + n, sizeof text - n, "cpu%d 150 0 0 930 0 0 0 20\n", first);
    put("proc/stat", text);
    put("proc/self/stat", "7 (a (b) c) R 1 1 1 0 -1 0 0 0 0 0 80 15 0 0 20 0 1 0 0\n");
    /* 10 ticks at 600 MHz, 30 at 2.4 GHz */
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            put(cpu_file(cpu, "cpufreq/stats/time_in_state"), "600000 110\n1800000 50\n2400000 30\n");
    host_state_read(&w, &s);
    ck_assert_double_eq_tol(s.others_share, 0.25, 1e-9);
    ck_assert_uint_eq(s.busy_khz, (600000 * 10 + 2400000 * 30) / 40);
}
END_TEST

START_TEST(clocks_are_set_and_put_back)
{
    struct host_clocks were;
    struct lathe_error err = {0};
    ck_assert_msg(host_clocks_set(root, "performance", 1500000, &were, &err) == LATHE_OK, "%s", err.message);
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_governor")), "performance");
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_max_freq")), "1500000");
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_min_freq")), "1500000");
    host_clocks_restore(&were);
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_governor")), "schedutil");
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_max_freq")), "2400000");
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_min_freq")), "600000");
}
END_TEST

START_TEST(clocks_that_can_not_be_set_stay_as_they_are)
{
    struct host_clocks were;
    struct lathe_error err = {0};
    ck_assert_int_eq(host_clocks_set(root, "turbo", 0, &were, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "performance powersave schedutil"));
    ck_assert_int_eq(host_clocks_set(root, NULL, 2500000, &were, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "600000 to 2400000"));
    ck_assert_str_eq(get(cpu_file(first, "cpufreq/scaling_governor")), "schedutil\n");
    ck_assert_int_eq(host_clocks_set("/nonexistent", "performance", 0, &were, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "no cpufreq"));
    ck_assert_int_eq(host_clocks_set(root, NULL, 0, &were, &err), LATHE_OK);
    host_clocks_restore(&were);
}
END_TEST

static TCase *state_case(void)
{
    TCase *c = tcase_create("state");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_machine_that_tells_nothing_has_an_unknown_state);
    tcase_add_test(c, the_hottest_sensor_of_a_processor_counts);
    tcase_add_test(c, clock_and_load_are_those_since_the_last_look);
    tcase_add_test(c, clocks_are_set_and_put_back);
    tcase_add_test(c, clocks_that_can_not_be_set_stay_as_they_are);
    return c;
}

TEST_MAIN("state", state_case())
