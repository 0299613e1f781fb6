/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the OpenCL runtime has beside layers, which tests/conformance compares: the choice of a device, the cache of its
 * kernels, times by the device's clock, CLBlast's other way to multiply. Skips without a device. */
#include <clblast_c.h>
#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/runner/core/rig.h"
#include "agents/runner/host.h"
#include "agents/runner/runtimes/opencl/internal.h"
#include "check_main.h"
#include "lut/base/file.h"
#include "test_transport_session.h"

static const struct runtime_options usual = {DTYPE_F32, 1, 1};

/* A folder for the cache of one test, and what it had before. */
static char folder[64];
static char *cache_before;

static void use_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/lathe-opencl-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *before = getenv("XDG_CACHE_HOME");
    cache_before = before ? strdup(before) : NULL;
    setenv("XDG_CACHE_HOME", folder, 1);
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *f)
{
    (void)s;
    (void)flag;
    (void)f;
    return remove(path);
}

static void leave_folder(void)
{
    if (cache_before) setenv("XDG_CACHE_HOME", cache_before, 1);
    else unsetenv("XDG_CACHE_HOME");
    free(cache_before);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Choice. */

START_TEST(a_device_is_chosen_by_part_of_its_name_or_its_platforms)
{
    struct opencl_device all[OPENCL_DEVICES];
    struct opencl_device chosen;
    char loud[sizeof all[0].platform_name];
    struct lathe_error err = {0};
    int count = opencl_devices(all);
    ck_assert_int_ge(count, 1);
    const struct opencl_device *last = &all[count - 1];
    size_t n = strlen(last->platform_name);
    for (size_t i = 0; i <= n; i++) {
        char c = last->platform_name[i];
        loud[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    setenv("LATHE_OPENCL_DEVICE", loud + 1, 1);
    ck_assert_int_eq(opencl_choose(&chosen, &err), LATHE_OK);
    ck_assert_str_eq(chosen.platform_name, last->platform_name);
    setenv("LATHE_OPENCL_DEVICE", last->name, 1);
    ck_assert_int_eq(opencl_choose(&chosen, &err), LATHE_OK);
    ck_assert_str_eq(chosen.name, last->name);
    setenv("LATHE_OPENCL_DEVICE", "no such device", 1);
    ck_assert_int_eq(opencl_choose(&chosen, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "\"no such device\""));
    ck_assert_ptr_nonnull(strstr(err.message, all[0].name)); /* what there is */
    ck_assert_int_eq(runtime_find("opencl")->supports(&usual, &err), LATHE_UNSUPPORTED);
    unsetenv("LATHE_OPENCL_DEVICE");
    ck_assert_int_eq(opencl_choose(&chosen, &err), LATHE_OK);
    for (int i = 0; i < count; i++) ck_assert(chosen.gpu || !all[i].gpu);
}
END_TEST

START_TEST(int8_and_threads_are_refused_and_a_fingerprint_names_device_and_kernels)
{
    static const char *const keys[] = {"opencl_device=",   "opencl_version=", "opencl_driver=",
                                       "opencl_platform=", "opencl_kernels=", "runtime=opencl CLBlast "};
    struct host_lines lines;
    struct lathe_error err = {0};
    const struct runtime *opencl = runtime_find("opencl");
    ck_assert_int_eq(opencl->supports(&(struct runtime_options){DTYPE_INT8, 1, 1}, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "f32 only"));
    ck_assert_int_eq(opencl->supports(&(struct runtime_options){DTYPE_F32, 2, 1}, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "the device has its own"));
    host_fingerprint(opencl, &usual, &lines);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        int found = 0;
        for (int i = 0; i < lines.count; i++)
            found += strncmp(lines.line[i], keys[k], strlen(keys[k])) == 0 && lines.line[i][strlen(keys[k])];
        ck_assert_msg(found == 1, "%s", keys[k]);
    }
}
END_TEST

/* Cache. */

struct place {
    struct opencl_device device;
    cl_context context;
};

static struct place open_place(void)
{
    struct place p;
    cl_int code = CL_SUCCESS;
    ck_assert_int_eq(opencl_choose(&p.device, NULL), LATHE_OK);
    p.context = clCreateContext(NULL, 1, &p.device.id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return p;
}

/* Load the kernels, see that they are good, and keep them. @return where they are from. */
static struct opencl_origin load(const struct place *p)
{
    struct opencl_origin origin;
    struct lathe_error err = {0};
    cl_program program = NULL;
    cl_int code = CL_SUCCESS;
    ck_assert_msg(opencl_program(p->context, &p->device, &program, &origin, &err) == LATHE_OK, "%s", err.message);
    cl_kernel kernel = clCreateKernel(program, "depthwise", &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    struct opencl_origin kept = origin;
    opencl_program_keep(program, &kept);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
    return origin;
}

START_TEST(kernels_are_compiled_once_and_a_damaged_cache_is_made_anew)
{
    struct place p = open_place();
    char *data = NULL;
    size_t n = 0;
    struct opencl_origin first = load(&p);
    ck_assert(!first.cached);
    ck_assert_int_eq(strncmp(first.path, folder, strlen(folder)), 0);
    ck_assert(load(&p).cached);
    ck_assert_int_eq(file_read(first.path, (size_t)1 << 30, &data, &n, NULL), LATHE_OK);
    const size_t cuts[] = {0, 1, 20, n / 2, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        ck_assert_int_eq(file_write(first.path, data, cuts[i], 0600, NULL), LATHE_OK);
        ck_assert_msg(!load(&p).cached, "a file of %zu bytes was taken", cuts[i]);
        ck_assert(load(&p).cached);
    }
    const size_t flips[] = {0, 13, 40, n / 2, n - 1};
    for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
        data[flips[i]] ^= 1;
        ck_assert_int_eq(file_write(first.path, data, n, 0600, NULL), LATHE_OK);
        data[flips[i]] ^= 1;
        ck_assert_msg(!load(&p).cached, "a file with byte %zu changed was taken", flips[i]);
    }
    free(data);
    clReleaseContext(p.context);
}
END_TEST

START_TEST(a_program_that_the_driver_does_not_take_is_compiled)
{
    static const char junk[] = "no program at all";
    struct place p = open_place();
    char file[128];
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, as the cache has it */
    for (size_t i = 0; i < sizeof junk; i++) hash = (hash ^ (unsigned char)junk[i]) * 0x100000001b3u;
    struct opencl_origin first = load(&p);
    int n = snprintf(file, sizeof file, "lathe-opencl 1 %zu %016" PRIx64 "\n", sizeof junk, hash);
    memcpy(file + n, junk, sizeof junk);
    ck_assert_int_eq(file_write(first.path, file, (size_t)n + sizeof junk, 0600, NULL), LATHE_OK);
    ck_assert(!load(&p).cached);
    ck_assert(load(&p).cached);
    clReleaseContext(p.context);
}
END_TEST

START_TEST(another_driver_has_a_cache_file_of_its_own)
{
    struct place p = open_place();
    struct opencl_origin first = load(&p);
    snprintf(p.device.driver, sizeof p.device.driver, "another");
    struct opencl_origin second = load(&p);
    ck_assert(!second.cached);
    ck_assert_str_ne(first.path, second.path);
    clReleaseContext(p.context);
}
END_TEST

START_TEST(without_a_place_for_a_cache_kernels_are_compiled_each_time)
{
    struct place p = open_place();
    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1); /* no folder can be made there */
    ck_assert(!load(&p).cached);
    ck_assert(!load(&p).cached);
    setenv("XDG_CACHE_HOME", folder, 1);
    clReleaseContext(p.context);
}
END_TEST

/* What a program prints on both of its outputs. @param out the start of it. */
static void output_of(const char *command, char *out, size_t capacity)
{
    FILE *f = popen(command, "re");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, capacity - 1, f);
    out[n] = '\0';
    ck_assert_msg(pclose(f) == 0, "%s", out);
}

START_TEST(a_second_start_of_the_program_compiles_no_kernels)
{
    static const char command[] = LATHE_RUN " bench --runtime opencl --runs 1 'avgpool in=5x5x32 out=1x1x32' 2>&1";
    static const char sign[] = "compiled the OpenCL kernels";
    char out[4096];
    output_of(command, out, sizeof out);
    ck_assert_msg(strstr(out, sign) && strstr(out, "avgpool in=5x5x32"), "%s", out);
    output_of(command, out, sizeof out);
    ck_assert_msg(!strstr(out, sign) && strstr(out, "avgpool in=5x5x32"), "%s", out);
}
END_TEST

/* Runs. */

static struct rig *open_rig(const char *runtime, int batch)
{
    struct rig *rig = NULL;
    struct lathe_error err = {0};
    const struct rig_options o = {.runtime = runtime_find(runtime), .options = {DTYPE_F32, 1, batch}};
    ck_assert_msg(rig_open(&o, &rig, &err) == LATHE_OK, "%s", err.message);
    return rig;
}

static const struct rig_samples *run(struct rig *rig, const struct layer *layers, int count, int runs, bool per_layer)
{
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    ck_assert_msg(rig_build(rig, 0, layers, count, &built, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_run(rig, 0, 0, runs, per_layer, &samples, &err) == LATHE_OK, "%s", err.message);
    return samples;
}

START_TEST(layers_have_the_devices_times_and_add_up_to_less_than_the_host_waits)
{
    struct layer layers[FIRST];
    parse_network(first_texts, layers, FIRST);
    struct rig *rig = open_rig("opencl", 1);
    const struct rig_samples *s = run(rig, layers, FIRST, 5, true);
    ck_assert_int_eq(s->layers, FIRST);
    for (int r = 0; r < s->runs; r++) {
        uint64_t sum = 0;
        for (int i = 0; i < FIRST; i++) {
            const int cell = r * FIRST + i;
            ck_assert_uint_gt(s->wall_ns[cell], 0);
            ck_assert_uint_eq(s->cpu_ns[cell], 0);
            ck_assert_uint_eq(s->preempted[cell], 0);
            sum += s->wall_ns[cell];
        }
        ck_assert_uint_le(sum, s->total_ns[r]);
        ck_assert_uint_le(s->total_ns[r], s->elapsed_ns);
    }
    s = run(rig, layers, FIRST, 3, false);
    ck_assert_int_eq(s->layers, 0);
    for (int r = 0; r < 3; r++) ck_assert_uint_gt(s->total_ns[r], 0);
    rig_close(rig);
}
END_TEST

/* The largest difference of a network's outputs to those of `reference`, against the largest output. */
static double difference(const char *const *texts, int count, int batch)
{
    struct layer layers[8];
    struct lathe_error err = {0};
    double most = 0;
    double scale = 0;
    for (int i = 0; i < count; i++) ck_assert_msg(!layer_parse(texts[i], &layers[i], &err), "%s", err.message);
    struct rig *rigs[2] = {open_rig("opencl", batch), open_rig("reference", batch)};
    const struct rig_samples *got = run(rigs[0], layers, count, 2, false);
    const struct rig_samples *want = run(rigs[1], layers, count, 1, false);
    ck_assert_uint_eq(got->output_bytes, want->output_bytes);
    for (size_t i = 0; i < want->output_bytes / sizeof(float); i++) {
        double value = (double)((const float *)want->output)[i];
        scale = fmax(scale, fabs(value));
        most = fmax(most, fabs((double)((const float *)got->output)[i] - value));
    }
    ck_assert_double_gt(scale, 0.01);
    rig_close(rigs[0]);
    rig_close(rigs[1]);
    return most / scale;
}

/* CLBlast multiplies small matrices as they lie; large ones it lays out anew in a buffer that the runtime gives it, by
 * kernels of its own before and after. Which are large depends on the device: here, all are made so. */
START_TEST(products_that_clblast_lays_out_anew_agree_too)
{
    static const char *const networks[][4] = {
        {"conv2d in=9x7x13 out=9x7x37 k=1 s=1 act=relu",
         "mbconv in=9x7x37 out=9x7x37 mid=66 k=3 s=1 act=hswish se=8 res=1", "avgpool in=9x7x37 out=1x1x37",
         "linear in=1x1x37 out=1x1x21"},
        {"bottleneck in=12x12x24 out=6x6x40 mid=16 k=3 s=2 act=relu",
         "bottleneck in=6x6x40 out=6x6x40 mid=16 k=3 s=1 act=relu res=1",
         "bottleneck in=6x6x40 out=6x6x64 mid=32 k=1 s=1 act=relu", "conv2d in=6x6x64 out=6x6x128 k=1 s=1 act=swish"},
    };
    struct opencl_device device;
    const char *names[] = {"XGEMM_MIN_INDIRECT_SIZE"};
    const size_t values[] = {1};
    ck_assert_int_eq(opencl_choose(&device, NULL), LATHE_OK);
    ck_assert_int_eq(CLBlastOverrideParameters(device.id, "GemmRoutine", CLBlastPrecisionSingle, 1, names, values),
                     CLBlastSuccess);
    for (int i = 0; i < 2; i++)
        for (int batch = 1; batch <= 3; batch += 2) {
            double d = difference(networks[i], 4, batch);
            ck_assert_msg(d < 1e-5, "network %d, batch %d, differs by %g", i, batch, d);
        }
    struct engine *engine = NULL;
    struct op *op = NULL;
    struct op_needs needs;
    struct weights weights;
    struct layer layer;
    ck_assert_int_eq(layer_parse(networks[0][3], &layer, NULL), LATHE_OK);
    ck_assert_int_eq(weights_make(&layer, 0, 0, &weights, NULL), LATHE_OK);
    const struct runtime *opencl = runtime_find("opencl");
    ck_assert_int_eq(opencl->open(&usual, &engine, NULL), LATHE_OK);
    ck_assert_int_eq(opencl->prepare(engine, &layer, &weights, &op, &needs, NULL), LATHE_OK);
    ck_assert_uint_gt(op->steps[0].extra_bytes, 0); /* or the test would have been about nothing */
    ck_assert_uint_ge(needs.weight_bytes, 4 * layer_params(&layer) + op->steps[0].extra_bytes);
    opencl->op_free(op);
    opencl->close(engine);
    weights_clear(&weights);
}
END_TEST

START_TEST(tensors_that_a_device_cannot_hold_are_refused)
{
    struct rig_build built;
    struct lathe_error err = {0};
    struct layer huge;
    struct rig *rig = open_rig("opencl", 64);
    ck_assert_int_eq(layer_parse("avgpool in=6000x6000x64 out=1x1x64", &huge, NULL), LATHE_OK);
    ck_assert_int_ne(rig_build(rig, 0, &huge, 1, &built, &err), LATHE_OK);
    ck_assert_uint_gt(strlen(err.message), 0);
    rig_close(rig);
}
END_TEST

START_TEST(a_network_runs_through_the_program_with_times_and_the_outputs_of_reference)
{
    static const char *const runtime_names[] = {"opencl", "reference"};
    struct layer layers[FIRST];
    float *outputs[2] = {NULL, NULL};
    size_t n = 0;
    struct lathe_error err = {0};
    parse_network(first_texts, layers, FIRST);
    for (int r = 0; r < 2; r++) {
        struct runtime_config config = {.dtype = DTYPE_F32, .threads = 1, .batch = 2};
        struct session *s = NULL;
        struct visit_samples samples = {0};
        snprintf(config.runtime, sizeof config.runtime, "%s", runtime_names[r]);
        ck_assert_msg(!session_open(local_link(), runner_argv, &config, &s, &err), "%s", err.message);
        ck_assert_msg(!session_prepare(s, 3, layers, FIRST, &err), "%s", err.message);
        ck_assert_msg(!session_run(s, 3, 0, 4, true, &samples, &err), "%s", err.message);
        ck_assert_int_eq(samples.layers, FIRST);
        for (int i = 0; i < 4 * FIRST; i++) ck_assert_uint_gt(samples.wall_ns[i], 0);
        ck_assert_msg(!session_output(s, (void **)&outputs[r], &n, &err), "%s", err.message);
        ck_assert_uint_eq(n, 200 * sizeof(float));
        visit_samples_clear(&samples);
        session_close(s);
    }
    for (size_t i = 0; i < 200; i++) ck_assert_double_eq_tol((double)outputs[0][i], (double)outputs[1][i], 1e-5);
    free(outputs[0]);
    free(outputs[1]);
}
END_TEST

static TCase *device_cases(void)
{
    TCase *t = tcase_create("device");
    tcase_set_timeout(t, 280);
    tcase_add_test(t, a_device_is_chosen_by_part_of_its_name_or_its_platforms);
    tcase_add_test(t, int8_and_threads_are_refused_and_a_fingerprint_names_device_and_kernels);
    tcase_add_test(t, layers_have_the_devices_times_and_add_up_to_less_than_the_host_waits);
    tcase_add_test(t, products_that_clblast_lays_out_anew_agree_too);
    tcase_add_test(t, tensors_that_a_device_cannot_hold_are_refused);
    tcase_add_test(t, a_network_runs_through_the_program_with_times_and_the_outputs_of_reference);
    return t;
}

static TCase *cache_cases(void)
{
    TCase *t = tcase_create("cache");
    tcase_set_timeout(t, 280);
    tcase_add_checked_fixture(t, use_folder, leave_folder);
    tcase_add_test(t, kernels_are_compiled_once_and_a_damaged_cache_is_made_anew);
    tcase_add_test(t, a_program_that_the_driver_does_not_take_is_compiled);
    tcase_add_test(t, another_driver_has_a_cache_file_of_its_own);
    tcase_add_test(t, without_a_place_for_a_cache_kernels_are_compiled_each_time);
    tcase_add_test(t, a_second_start_of_the_program_compiles_no_kernels);
    return t;
}

int main(void)
{
    struct opencl_device devices[OPENCL_DEVICES];
    unsetenv("LATHE_OPENCL_DEVICE");
    if (opencl_devices(devices) == 0) {
        fprintf(stderr, "no OpenCL device is here\n");
        return 77;
    }
    TCase *const cases[] = {device_cases(), cache_cases()};
    return run_suite("opencl", cases, 2);
}
