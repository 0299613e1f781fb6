/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* OFA's keys, and its published Note10 tables where they lie beside the checkout. */
#include <math.h>
#include <unistd.h>

#include "check_main.h"
#include "lut/base/file.h"
#include "lut/table/formats.h"

static const struct {
    const char *key, *layer;
} keys[] = {
    {"Conv-input:160x160x3-output:80x80x24", "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish"},
    {"Conv_1-input:5x5x192-output:5x5x1152", "conv2d in=5x5x192 out=5x5x1152 k=1 s=1 act=hswish"},
    {"Conv_2-input:1x1x1152-output:1x1x1536", "conv2d in=1x1x1152 out=1x1x1536 k=1 s=1 act=hswish"},
    {"AvgPool2D-input:5x5x1152-output:1x1x1152", "avgpool in=5x5x1152 out=1x1x1152"},
    {"Logits-input:1x1x1536-output:1000", "linear in=1x1x1536 out=1x1x1000"},
    {"expanded_conv-input:80x80x24-output:80x80x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0",
     "mbconv in=80x80x24 out=80x80x24 mid=24 k=3 s=1 act=relu res=1"},
    {"expanded_conv-input:40x40x32-output:20x20x48-expand:96-kernel:5-stride:2-idskip:0-se:1-hs:0",
     "mbconv in=40x40x32 out=20x20x48 mid=96 k=5 s=2 act=relu se=24"},
    {"expanded_conv-input:7x7x192-output:7x7x192-expand:1152-kernel:7-stride:1-idskip:1-se:1-hs:1",
     "mbconv in=7x7x192 out=7x7x192 mid=1152 k=7 s=1 act=hswish se=288 res=1"},
};

START_TEST(keys_name_the_layers_that_once_for_all_means)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct layer l;
        char text[256];
        struct lathe_error err = {0};
        ck_assert_msg(ofa_key_parse(keys[i].key, &l, &err) == LATHE_OK, "%s", err.message);
        layer_print(&l, text);
        ck_assert_str_eq(text, keys[i].layer);
        ck_assert(ofa_key_print(&l, text));
        ck_assert_str_eq(text, keys[i].key);
    }
}
END_TEST

START_TEST(layers_that_keys_can_not_tell_have_none)
{
    static const char *const texts[] = {
        "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=relu6", "conv2d in=160x160x3 out=80x80x24 k=5 s=2 act=hswish",
        "conv2d in=8x8x8 out=8x8x8 k=1 s=1 act=none", "mbconv in=8x8x8 out=8x8x8 mid=48 k=3 s=1 act=relu6 res=1",
        "mbconv in=8x8x8 out=8x8x8 mid=48 k=3 s=1 act=relu se=24 res=1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct layer l;
        char key[256] = "before";
        ck_assert_int_eq(layer_parse(texts[i], &l, NULL), LATHE_OK);
        ck_assert_msg(!ofa_key_print(&l, key), "%s is %s", texts[i], key);
    }
}
END_TEST

static struct entries parse_text(enum table_format f, const char *text, size_t size)
{
    struct entries entries = {0};
    struct lathe_error err = {0};
    enum lathe_status st = entries_parse(f, text, size, &entries, &err);
    ck_assert_msg(st == LATHE_OK, "%s (line %d, field %s)", err.message, err.line, err.field);
    return entries;
}

static void check_row(const struct entry *e, const char *row_text, double mean, double std)
{
    char text[ROW_TEXT_BYTES];
    row_print(&e->layer, e->resolution, text);
    ck_assert_str_eq(text, row_text);
    ck_assert_double_eq(e->latency.mean_ms, mean);
    ck_assert_double_eq_tol(e->latency.std_ms, std, 1e-15);
}

START_TEST(older_keys_are_a_network_with_relu6_and_ratios)
{
    static const char text[] =
        "Conv-input:224x224x3-output:112x112x32: {count: 10, mean: 10.5, var: 0.04}\n"
        "expanded_conv-input:112x112x32-output:112x112x16-expand:1-kernel:3-stride:1-idskip:0: {mean: 8, var: 0.25}\n"
        "expanded_conv-input:112x112x16-output:56x56x24-expand:6-kernel:5-stride:2-idskip:0: {mean: 9, var: 0}\n"
        "expanded_conv-input:56x56x24-output:56x56x24-expand:72-kernel:7-stride:1-idskip:1: {mean: 7, std: 1}\n"
        "Conv_1-input:7x7x320-output:7x7x1280: {mean: 2.5, var: 0.09}\n"
        "Logits-input:7x7x1280-output:1000: {mean: 1.5, var: 0.01}\n";
    struct entries e = parse_text(FORMAT_OFA_YAML, text, sizeof text - 1);
    ck_assert_uint_eq(e.count, 6);
    check_row(&e.items[0], "conv2d in=224x224x3 out=112x112x32 k=3 s=2 act=relu6 @224", 10.5, 0.2);
    check_row(&e.items[1], "mbconv in=112x112x32 out=112x112x16 mid=32 k=3 s=1 act=relu6 @224", 8, 0.5);
    check_row(&e.items[2], "mbconv in=112x112x16 out=56x56x24 mid=96 k=5 s=2 act=relu6 @224", 9, 0);
    check_row(&e.items[3], "mbconv in=56x56x24 out=56x56x24 mid=72 k=7 s=1 act=relu6 res=1 @224", 7, 1);
    check_row(&e.items[4], "conv2d in=7x7x320 out=7x7x1280 k=1 s=1 act=relu6 @224", 2.5, 0.3);
    check_row(&e.items[5], "linear in=1x1x1280 out=1x1x1000 @224", 1.5, 0.1);
    ck_assert_uint_eq(e.items[0].latency.count, 10);
    ck_assert_uint_eq(e.items[1].latency.count, 1);
    entries_clear(&e);
}
END_TEST

START_TEST(rows_belong_to_the_resolution_of_the_only_stem)
{
    static const char stem[] = "Conv-input:160x160x3-output:80x80x24: {mean: 1}\n";
    static const char other[] = "Conv-input:192x192x3-output:96x96x24: {mean: 2}\n";
    static const char rest[] = "Logits-input:1x1x1536-output:1000: {mean: 3}\n";
    char text[512];
    snprintf(text, sizeof text, "%s%s", stem, rest);
    struct entries one = parse_text(FORMAT_OFA_YAML, text, strlen(text));
    ck_assert_int_eq(one.items[0].resolution, 160);
    ck_assert_int_eq(one.items[1].resolution, 160);
    snprintf(text, sizeof text, "%s%s%s", stem, rest, other);
    struct entries two = parse_text(FORMAT_OFA_YAML, text, strlen(text));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(two.items[i].resolution, 0);
    struct entries none = parse_text(FORMAT_OFA_YAML, rest, strlen(rest));
    ck_assert_int_eq(none.items[0].resolution, 0);
    entries_clear(&one);
    entries_clear(&two);
    entries_clear(&none);
}
END_TEST

START_TEST(export_leaves_out_what_has_no_key_and_counts_it)
{
    static const char csv[] = "layer,mean_ms,std_ms\n"
                              "mbconv in=8x8x8 out=8x8x8 mid=48 k=3 s=1 act=relu6 res=1,1,\n"
                              "linear in=1x1x8 out=1x1x10,0.00001,0.5\n"
                              "avgpool in=5x5x8 out=1x1x8 @160,1.5,\n";
    struct entries rows = parse_text(FORMAT_CSV, csv, sizeof csv - 1);
    struct buf text;
    size_t skipped = 0;
    buf_init(&text);
    ck_assert_int_eq(entries_print(FORMAT_OFA_YAML, &rows, &text, &skipped, NULL), LATHE_OK);
    ck_assert_uint_eq(skipped, 1);
    ck_assert_str_eq(text.data, "Logits-input:1x1x8-output:10:\n  count: 1\n  mean: 1.0e-05\n  std: 0.5\n---\n"
                                "AvgPool2D-input:5x5x8-output:1x1x8:\n  count: 1\n  mean: 1.5\n");
    buf_clear(&text);
    ck_assert_int_eq(entries_print(FORMAT_OFA_JSON, &rows, &text, &skipped, NULL), LATHE_OK);
    ck_assert_uint_eq(skipped, 1);
    ck_assert_str_eq(text.data,
                     "{\"0\":{\n\"Logits-input:1x1x8-output:10\":{\"count\":1,\"mean\":1e-05,\"std\":0.5}},\n"
                     "\"160\":{\n\"AvgPool2D-input:5x5x8-output:1x1x8\":{\"count\":1,\"mean\":1.5}}}\n");
    struct entries back = parse_text(FORMAT_OFA_JSON, text.data, text.size);
    ck_assert_uint_eq(back.count, 2);
    ck_assert_int_eq(back.items[0].resolution, 0);
    ck_assert_int_eq(back.items[1].resolution, 160);
    entries_clear(&back);
    buf_clear(&text);
    rows.count = 1;
    ck_assert_int_eq(entries_print(FORMAT_OFA_YAML, &rows, &text, &skipped, NULL), LATHE_OK);
    ck_assert_str_eq(text.data, "{}\n");
    buf_clear(&text);
    entries_clear(&rows);
}
END_TEST

static const int resolutions[] = {160, 176, 192, 208, 224};

static char *read_note10(int resolution, size_t *size)
{
    char path[512];
    char *text = NULL;
    struct lathe_error err = {0};
    snprintf(path, sizeof path, "%s/ofa/note10/%d_lookup_table.yaml", TEST_DATA, resolution);
    ck_assert_msg(file_read(path, 1 << 20, &text, size, &err) == LATHE_OK, "%s", err.message);
    return text;
}

START_TEST(each_published_note10_file_is_exported_byte_for_byte)
{
    for (int i = 0; i < 5; i++) {
        size_t size;
        char *text = read_note10(resolutions[i], &size);
        struct entries rows = parse_text(FORMAT_OFA_YAML, text, size);
        struct buf out;
        size_t skipped = 1;
        ck_assert_uint_eq(rows.count, 96);
        for (size_t j = 0; j < rows.count; j++) ck_assert_int_eq(rows.items[j].resolution, resolutions[i]);
        buf_init(&out);
        ck_assert_int_eq(entries_print(FORMAT_OFA_YAML, &rows, &out, &skipped, NULL), LATHE_OK);
        ck_assert_uint_eq(skipped, 0);
        ck_assert_uint_eq(out.size, size);
        ck_assert_mem_eq(out.data, text, size);
        buf_clear(&out);
        entries_clear(&rows);
        free(text);
    }
}
END_TEST

/* All five in one table: a layer may be in several of them, each time with other figures. */
START_TEST(the_five_note10_files_make_480_entries_that_come_back_from_yaml_and_json)
{
    static const enum table_format formats[] = {FORMAT_OFA_YAML, FORMAT_OFA_JSON};
    struct entries all = {0};
    for (int i = 0; i < 5; i++) {
        size_t size;
        char *text = read_note10(resolutions[i], &size);
        struct entries rows = parse_text(FORMAT_OFA_YAML, text, size);
        for (size_t j = 0; j < rows.count; j++) ck_assert_int_eq(entries_add(&all, &rows.items[j], NULL), LATHE_OK);
        entries_clear(&rows);
        free(text);
    }
    ck_assert_uint_eq(all.count, 480);
    for (int f = 0; f < 2; f++) {
        struct buf out;
        buf_init(&out);
        ck_assert_int_eq(entries_print(formats[f], &all, &out, NULL, NULL), LATHE_OK);
        struct entries back = parse_text(formats[f], out.data, out.size);
        ck_assert_uint_eq(back.count, 480);
        for (size_t i = 0; i < 480; i++) {
            ck_assert(layer_equal(&all.items[i].layer, &back.items[i].layer));
            ck_assert_int_eq(all.items[i].resolution, back.items[i].resolution);
            ck_assert_uint_eq(all.items[i].latency.count, back.items[i].latency.count);
            ck_assert_double_eq(all.items[i].latency.mean_ms, back.items[i].latency.mean_ms);
            ck_assert_double_eq(all.items[i].latency.std_ms, back.items[i].latency.std_ms);
        }
        entries_clear(&back);
        buf_clear(&out);
    }
    entries_clear(&all);
}
END_TEST

static TCase *ofa(void)
{
    TCase *c = tcase_create("ofa");
    tcase_add_test(c, keys_name_the_layers_that_once_for_all_means);
    tcase_add_test(c, layers_that_keys_can_not_tell_have_none);
    tcase_add_test(c, older_keys_are_a_network_with_relu6_and_ratios);
    tcase_add_test(c, rows_belong_to_the_resolution_of_the_only_stem);
    tcase_add_test(c, export_leaves_out_what_has_no_key_and_counts_it);
    return c;
}

static TCase *note10(void)
{
    TCase *c = tcase_create("note10");
    tcase_add_test(c, each_published_note10_file_is_exported_byte_for_byte);
    tcase_add_test(c, the_five_note10_files_make_480_entries_that_come_back_from_yaml_and_json);
    return c;
}

int main(void)
{
    bool has_data = access(TEST_DATA "/ofa/note10/160_lookup_table.yaml", R_OK) == 0;
    TCase *const cases[] = {ofa(), has_data ? note10() : NULL};
    int result = run_suite("table_ofa", cases, has_data ? 2 : 1);
    return result || has_data ? result : 77;
}
