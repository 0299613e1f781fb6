/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/state.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 512, LINE_ROOM = 512, GOVERNOR_ROOM = 32, CELSIUS_0_DK = 2731 };

void host_watch_init(struct host_watch *w, const char *root)
{
    *w = (struct host_watch){.root = root};
    if (sched_getaffinity(0, sizeof w->cpus, &w->cpus)) CPU_ZERO(&w->cpus);
}

/* The first line of a file without its newline. @return false when there is none. */
static bool read_line(const char *path, char *out, size_t capacity)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    bool found = fgets(out, (int)capacity, f) != NULL;
    fclose(f);
    if (found) out[strcspn(out, "\n")] = '\0';
    return found;
}

static bool read_number(const char *path, uint64_t *out)
{
    char line[LINE_ROOM];
    char *end;
    if (!read_line(path, line, sizeof line)) return false;
    unsigned long long value = strtoull(line, &end, 10);
    if (end == line) return false;
    *out = value;
    return true;
}

static void cpu_path(const char *root, int cpu, const char *file, char out[PATH_ROOM])
{
    snprintf(out, PATH_ROOM, "%s/sys/devices/system/cpu/cpu%d/%s", root, cpu, file);
}

static bool cpu_number(const char *root, int cpu, const char *file, uint64_t *out)
{
    char path[PATH_ROOM];
    cpu_path(root, cpu, file, path);
    return read_number(path, out);
}

/* The mean of a number over the processors that have it; 0 where none has. */
static uint32_t mean_over_cpus(const struct host_watch *w, const char *file)
{
    uint64_t sum = 0;
    uint64_t n = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        uint64_t value = 0;
        if (!CPU_ISSET(cpu, &w->cpus) || !cpu_number(w->root, cpu, file, &value)) continue;
        sum += value;
        n++;
    }
    return n ? (uint32_t)(sum / n) : 0;
}

/* Names of thermal zones that stand for a processor; boards name them freely. */
static bool is_cpu_zone(const char *type)
{
    static const char *const parts[] = {"cpu", "CPU", "x86_pkg_temp", "soc", "SOC", "cluster", "big", "little"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(type, parts[i])) return true;
    return false;
}

/* Of the zones that stand for a processor, the hottest; where none does, of all. */
static uint16_t read_temperature(const struct host_watch *w)
{
    char pattern[PATH_ROOM];
    char path[PATH_ROOM];
    char type[LINE_ROOM];
    glob_t zones;
    int64_t hottest[2] = {INT64_MIN, INT64_MIN}; /* of processors, of all */
    snprintf(pattern, sizeof pattern, "%s/sys/class/thermal/thermal_zone*", w->root);
    if (glob(pattern, 0, NULL, &zones)) return 0;
    for (size_t i = 0; i < zones.gl_pathc; i++) {
        char line[LINE_ROOM];
        snprintf(path, sizeof path, "%.400s/temp", zones.gl_pathv[i]);
        if (!read_line(path, line, sizeof line)) continue;
        int64_t milli = strtoll(line, NULL, 10);
        /* Sensors that are off say 0 or less; none is hotter than 200 degrees. */
        if (milli <= 0 || milli > 200000) continue;
        snprintf(path, sizeof path, "%.400s/type", zones.gl_pathv[i]);
        if (read_line(path, type, sizeof type) && is_cpu_zone(type) && milli > hottest[0]) hottest[0] = milli;
        if (milli > hottest[1]) hottest[1] = milli;
    }
    globfree(&zones);
    int64_t milli = hottest[0] > INT64_MIN ? hottest[0] : hottest[1];
    return milli > INT64_MIN ? (uint16_t)(CELSIUS_0_DK + milli / 100) : 0;
}

static uint64_t read_available(const struct host_watch *w)
{
    char path[PATH_ROOM];
    char line[LINE_ROOM];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "%s/proc/meminfo", w->root);
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) break; // NOLINT(cert-err34-c): checked by its count
    fclose(f);
    return kib;
}

/* Ticks of the processors: all, and those that something ran in. Steal counts as busy: it was not ours. */
static bool read_ticks(const struct host_watch *w, uint64_t *total, uint64_t *busy)
{
    char path[PATH_ROOM];
    char line[LINE_ROOM];
    bool any = false;
    *total = *busy = 0;
    snprintf(path, sizeof path, "%s/proc/stat", w->root);
    FILE *f = fopen(path, "re");
    if (!f) return false;
    while (fgets(line, sizeof line, f)) {
        char *at = line + 3;
        if (strncmp(line, "cpu", 3) != 0 || line[3] == ' ') continue;
        long cpu = strtol(at, &at, 10);
        if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &w->cpus)) continue;
        any = true;
        /* user nice system idle iowait irq softirq steal */
        for (int i = 0; i < 8; i++) {
            uint64_t ticks = strtoull(at, &at, 10);
            *total += ticks;
            if (i != 3 && i != 4) *busy += ticks;
        }
    }
    fclose(f);
    return any && *total;
}

/* User and system ticks of this program: the 14th and 15th field, counted from behind its name, which may hold spaces.
 */
static bool read_own_ticks(const struct host_watch *w, uint64_t *own)
{
    char path[PATH_ROOM];
    char line[2048];
    snprintf(path, sizeof path, "%s/proc/self/stat", w->root);
    if (!read_line(path, line, sizeof line)) return false;
    char *at = strrchr(line, ')');
    for (int i = 0; at && i < 12; i++) at = strchr(at + 1, ' ');
    if (!at) return false;
    *own = strtoull(at, &at, 10);
    *own += strtoull(at, &at, 10);
    return true;
}

static double others_share(struct host_watch *w)
{
    uint64_t total = 0;
    uint64_t busy = 0;
    uint64_t own = 0;
    double share = -1;
    if (!read_ticks(w, &total, &busy) || !read_own_ticks(w, &own)) return -1;
    if (w->looked && total > w->total_ticks) {
        double others = (double)(busy - w->busy_ticks) - (double)(own - w->own_ticks);
        share = others / (double)(total - w->total_ticks);
        share = share < 0 ? 0 : share > 1 ? 1 : share;
    }
    w->total_ticks = total;
    w->busy_ticks = busy;
    w->own_ticks = own;
    return share;
}

/* The clock since the last look, by the time spent at each. */
static uint32_t busy_clock(struct host_watch *w)
{
    uint64_t khz_ticks = 0;
    uint64_t ticks = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        char path[PATH_ROOM];
        char line[LINE_ROOM];
        if (!CPU_ISSET(cpu, &w->cpus)) continue;
        cpu_path(w->root, cpu, "cpufreq/stats/time_in_state", path);
        FILE *f = fopen(path, "re");
        if (!f) continue;
        while (fgets(line, sizeof line, f)) {
            char *at = line;
            uint64_t khz = strtoull(at, &at, 10);
            uint64_t spent = strtoull(at, &at, 10);
            khz_ticks += khz * spent;
            ticks += spent;
        }
        fclose(f);
    }
    uint32_t khz = 0;
    if (w->looked && ticks > w->clock_ticks) khz = (uint32_t)((khz_ticks - w->khz_ticks) / (ticks - w->clock_ticks));
    w->khz_ticks = khz_ticks;
    w->clock_ticks = ticks;
    return khz;
}

static uint32_t count_throttles(const struct host_watch *w)
{
    uint64_t sum = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        uint64_t n = 0;
        if (CPU_ISSET(cpu, &w->cpus) && cpu_number(w->root, cpu, "thermal_throttle/core_throttle_count", &n)) sum += n;
    }
    return (uint32_t)sum;
}

void host_state_read(struct host_watch *w, struct host_state *out)
{
    *out = (struct host_state){
        .temperature_dk = read_temperature(w),
        .khz = mean_over_cpus(w, "cpufreq/scaling_cur_freq"),
        .busy_khz = busy_clock(w),
        .max_khz = mean_over_cpus(w, "cpufreq/cpuinfo_max_freq"),
        .available_kib = read_available(w),
        .others_share = others_share(w),
        .throttles = count_throttles(w),
    };
    w->looked = true;
}

struct host_clock {
    int cpu;
    char governor[GOVERNOR_ROOM];
    uint64_t least_khz, most_khz;
};

static enum lathe_status refuse(int cpu, const char *file, struct lathe_error *err)
{
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        return error_set(err, LATHE_DENIED,
                         "this user may not write %s of cpu%d: run the runner as root, or give it that file", file,
                         cpu);
    return error_set(err, LATHE_UNSUPPORTED, "failed to write %s of cpu%d: %s", file, cpu, strerror(errno));
}

static enum lathe_status write_text(const char *root, int cpu, const char *file, const char *text,
                                    struct lathe_error *err)
{
    char path[PATH_ROOM];
    cpu_path(root, cpu, file, path);
    FILE *f = fopen(path, "we");
    if (!f) return refuse(cpu, file, err);
    bool written = fputs(text, f) >= 0;
    if (fclose(f) || !written) return refuse(cpu, file, err);
    return LATHE_OK;
}

static enum lathe_status write_khz(const char *root, int cpu, const char *file, uint64_t khz, struct lathe_error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)khz);
    return write_text(root, cpu, file, text, err);
}

static enum lathe_status check_governor(const char *root, int cpu, const char *governor, struct lathe_error *err)
{
    char path[PATH_ROOM];
    char line[LINE_ROOM];
    char wanted[GOVERNOR_ROOM + 2];
    char padded[LINE_ROOM + 2];
    cpu_path(root, cpu, "cpufreq/scaling_available_governors", path);
    if (!read_line(path, line, sizeof line)) return LATHE_OK; /* writing will tell */
    snprintf(wanted, sizeof wanted, " %s ", governor);
    snprintf(padded, sizeof padded, " %s ", line);
    if (strstr(padded, wanted)) return LATHE_OK;
    return error_field(err, "governor", "cpu%d has no governor %s; it has %.200s", cpu, governor, line);
}

static enum lathe_status check_khz(const char *root, int cpu, uint32_t khz, struct lathe_error *err)
{
    uint64_t least = 0;
    uint64_t most = 0;
    if (!cpu_number(root, cpu, "cpufreq/cpuinfo_min_freq", &least) ||
        !cpu_number(root, cpu, "cpufreq/cpuinfo_max_freq", &most) || (khz >= least && khz <= most))
        return LATHE_OK;
    return error_field(err, "khz", "cpu%d runs at %llu to %llu kHz", cpu, (unsigned long long)least,
                       (unsigned long long)most);
}

static enum lathe_status note_clock(const char *root, int cpu, struct host_clock *out, struct lathe_error *err)
{
    char path[PATH_ROOM];
    char line[LINE_ROOM];
    out->cpu = cpu;
    cpu_path(root, cpu, "cpufreq/scaling_governor", path);
    if (!read_line(path, line, sizeof line) || !cpu_number(root, cpu, "cpufreq/scaling_min_freq", &out->least_khz) ||
        !cpu_number(root, cpu, "cpufreq/scaling_max_freq", &out->most_khz))
        return error_set(err, LATHE_UNSUPPORTED,
                         "the system has no control over the clock of cpu%d (no cpufreq): leave governor and clock out",
                         cpu);
    snprintf(out->governor, sizeof out->governor, "%.*s", GOVERNOR_ROOM - 1, line);
    return LATHE_OK;
}

/* The upper bound goes first where it rises, else the kernel refuses a lower bound above it. */
static enum lathe_status lock_clock(const char *root, const struct host_clock *was, uint64_t least, uint64_t most,
                                    uint64_t most_now, struct lathe_error *err)
{
    bool rises = most >= most_now;
    enum lathe_status st = LATHE_OK;
    if (rises) st = write_khz(root, was->cpu, "cpufreq/scaling_max_freq", most, err);
    if (!st) st = write_khz(root, was->cpu, "cpufreq/scaling_min_freq", least, err);
    if (!st && !rises) st = write_khz(root, was->cpu, "cpufreq/scaling_max_freq", most, err);
    return st;
}

static enum lathe_status set_one(const char *root, const struct host_clock *was, const char *governor, uint32_t khz,
                                 struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    if (governor) st = write_text(root, was->cpu, "cpufreq/scaling_governor", governor, err);
    if (!st && khz) st = lock_clock(root, was, khz, khz, was->most_khz, err);
    return st;
}

enum lathe_status host_clocks_set(const char *root, const char *governor, uint32_t khz, struct host_clocks *were,
                                  struct lathe_error *err)
{
    struct host_clocks clocks = {.root = root};
    enum lathe_status st = LATHE_OK;
    *were = clocks;
    if (!governor && !khz) return LATHE_OK;
    if (governor && (!*governor || strlen(governor) >= GOVERNOR_ROOM))
        return error_field(err, "governor", "governor must be a name of 1 to %d characters", GOVERNOR_ROOM - 1);
    if (sched_getaffinity(0, sizeof clocks.cpus, &clocks.cpus)) CPU_ZERO(&clocks.cpus);
    clocks.were = calloc((size_t)CPU_COUNT(&clocks.cpus) + 1, sizeof *clocks.were);
    if (!clocks.were) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int cpu = 0; !st && cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &clocks.cpus)) continue;
        if (governor) st = check_governor(root, cpu, governor, err);
        if (!st && khz) st = check_khz(root, cpu, khz, err);
        if (!st) st = note_clock(root, cpu, &clocks.were[clocks.count], err);
        if (st) break;
        /* Noted before it is set: what a failure leaves half set is put back. */
        st = set_one(root, &clocks.were[clocks.count++], governor, khz, err);
    }
    if (st) host_clocks_restore(&clocks);
    else *were = clocks;
    return st;
}

void host_clocks_restore(struct host_clocks *clocks)
{
    for (int i = 0; i < clocks->count; i++) {
        const struct host_clock *was = &clocks->were[i];
        uint64_t most_now = 0;
        (void)write_text(clocks->root, was->cpu, "cpufreq/scaling_governor", was->governor, NULL);
        (void)cpu_number(clocks->root, was->cpu, "cpufreq/scaling_max_freq", &most_now);
        (void)lock_clock(clocks->root, was, was->least_khz, was->most_khz, most_now, NULL);
    }
    free(clocks->were);
    clocks->were = NULL;
    clocks->count = 0;
}
