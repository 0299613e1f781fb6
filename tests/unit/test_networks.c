/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <unistd.h>

#include "check_main.h"
#include "server/networks/catalog.h"
#include "server/spaces/catalog.h"
#include "test_base_cases.h"
#include "test_network_data.h"

static void assert_near(double got, double wanted, double tolerance, const char *what)
{
    ck_assert_msg(fabs(got / wanted - 1) <= tolerance, "%s: %g is not within %g%% of %g", what, got, 100 * tolerance,
                  wanted);
}

/* ---- net.config ---- */

START_TEST(random_subnets_are_written_and_read_again)
{
    static const char *const ids[] = {"ofa-mbv3-w1.0", "ofa-mbv3-w1.2", "ofa-proxyless-w1.3"};
    struct catalog *spaces = NULL;
    struct rng rng;
    rng_seed(&rng, 5);
    ck_assert_int_eq(catalog_open(SOURCE_DIR "/server/spaces/catalog", &spaces, NULL), LATHE_OK);
    for (int i = 0; i < 60; i++) {
        const struct space *space = catalog_find(spaces, ids[i % 3]);
        struct layer layers[SPACE_MAX_SLOTS];
        struct subnet s;
        struct network net;
        json_t *written = NULL;
        space_random(space, &rng, &s);
        int n = space_lower(space, &s, layers);
        ck_assert_int_eq(net_config_write(layers, n, &written, NULL), LATHE_OK);
        ck_assert_int_eq(net_config_read(written, layers[0].in.h, &net, NULL), LATHE_OK);
        ck_assert_int_eq(net.count, n);
        for (int l = 0; l < n; l++) ck_assert(layer_equal(&net.layers[l], &layers[l]));
        json_decref(written);
    }
    catalog_free(spaces);
}
END_TEST

START_TEST(what_no_net_config_can_say_is_refused)
{
    static const char *const names[] = {"efficientnet-b0", "mnasnet-a1", "resnet-50"};
    struct networks *all = shipped_networks();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct network_entry *entry = networks_find(all, names[i]);
        struct lathe_error err = {0};
        json_t *out = NULL;
        ck_assert_int_eq(net_config_write(entry->network.layers, entry->network.count, &out, &err), LATHE_UNSUPPORTED);
        ck_assert_ptr_null(out);
        ck_assert(err.message[0]);
    }
    networks_free(all);
}
END_TEST

static void check_case(const char *name, const char *input, size_t size, const struct expected *e)
{
    struct network net;
    struct lathe_error err = {0};
    json_t *document = NULL;
    ck_assert_msg(json_parse(input, size, &document, &err) == LATHE_OK, "%s: %s", name, err.message);
    enum lathe_status st = network_parse(document, 0, &net, &err);
    json_decref(document);
    if (e->rows >= 0) {
        ck_assert_msg(st == LATHE_OK, "%s: %s: %s", name, err.field, err.message);
        ck_assert_int_eq(net.count, e->rows);
        return;
    }
    ck_assert_msg(st == LATHE_INVALID, "%s was taken", name);
    case_check_error(name, &err, e);
}

START_TEST(documents_are_read_or_refused_with_the_field)
{
    cases_run("network", 30, check_case);
}
END_TEST

/* ---- the catalog ---- */

START_TEST(the_catalog_has_the_published_macs_and_parameters)
{
    struct networks *all = shipped_networks();
    ck_assert_int_eq((int)networks_count(all), 14 + 6 + PUBLISHED);
    for (size_t i = 0; i < networks_count(all); i++) {
        const struct network_entry *e = networks_at(all, i);
        bool odd = strcmp(e->name, "ofa-note10-08") == 0; /* its notes say so */
        ck_assert(e->published_macs_m > 0 && e->published_params_m > 0 && e->source[0] && e->top1 > 0.4);
        ck_assert(networks_find(all, e->name) == e);
        assert_near((double)network_macs(&e->network) / 1e6, e->published_macs_m, odd ? 0.042 : 0.02, e->name);
        assert_near((double)network_params(&e->network) / 1e6, e->published_params_m, 0.03, e->name);
        ck_assert(!odd || e->notes);
        for (int l = 1; l < e->network.count; l++) {
            const struct shape *before = &e->network.layers[l - 1].out;
            const struct shape *in = &e->network.layers[l].in;
            ck_assert(before->h == in->h && before->w == in->w && before->c == in->c);
        }
    }
    ck_assert_ptr_null(networks_find(all, "mobilenetv3"));
    networks_free(all);
}
END_TEST

/* Trained parameters: every convolution's batch norm has a scale and a shift, of which folding keeps one number. */
static long trained_params(const struct network *net)
{
    long n = (long)network_params(net);
    bool pooled = false;
    for (int i = 0; i < net->count; i++) {
        const struct layer *l = &net->layers[i];
        bool expands = l->kind == LAYER_BOTTLENECK || l->mid != l->in.c;
        pooled |= l->kind == LAYER_AVGPOOL;
        if (l->kind == LAYER_CONV2D && !pooled) n += l->out.c;
        if (l->kind == LAYER_MBCONV) n += (expands ? l->mid : 0) + l->mid + l->out.c;
        if (l->kind == LAYER_BOTTLENECK) n += 2 * l->mid + (l->residual ? 1 : 2) * l->out.c;
    }
    return n;
}

START_TEST(baselines_have_as_many_trained_parameters_as_other_implementations)
{
    /* Counted by torchvision (MobileNets, EfficientNets, ResNet) and pytorchcv (ProxylessNAS). */
    static const struct {
        const char *name;
        long params;
    } known[] = {
        {"mobilenetv3-large-1.0", 5483032},   {"mobilenetv3-small-1.0", 2542856},
        {"mobilenetv2-1.0", 3504872},         {"proxylessnas-mobile", 4080512},
        {"proxylessnas-cpu", 4361648},        {"proxylessnas-gpu", 7119848},
        {"proxylessnas-mobile-1.4", 6857568}, {"efficientnet-b0", 5288548},
        {"efficientnet-b1", 7794184},         {"resnet-50", 25557032},
    };
    struct networks *all = shipped_networks();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_msg(trained_params(&networks_find(all, known[i].name)->network) == known[i].params, "%s: %ld",
                      known[i].name, trained_params(&networks_find(all, known[i].name)->network));
    networks_free(all);
}
END_TEST

START_TEST(a_catalog_that_can_not_be_read_names_file_and_entry)
{
    char folder[] = "/tmp/lathe-networks-XXXXXX";
    char path[64];
    struct networks *all = NULL;
    struct lathe_error err = {0};
    static const char bad[] = "{\"networks\":[{\"name\":\"a\",\"title\":\"A\",\"family\":\"f\",\"source\":\"s\","
                              "\"resolution\":32,\"top1\":0.5,\"published\":{},\"layers\":[\"conv2d 8 k=2 s=1\"]}]}";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.json", folder);
    ck_assert_int_eq(file_write(path, bad, sizeof bad - 1, 0600, NULL), LATHE_OK);
    ck_assert_int_eq(networks_open(folder, &all, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "a.json: networks[0].layers[0]"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(networks_open(folder, &all, &err), LATHE_NOT_FOUND);
}
END_TEST

static TCase *configs_case(void)
{
    TCase *c = tcase_create("net.config");
    tcase_add_test(c, random_subnets_are_written_and_read_again);
    tcase_add_test(c, what_no_net_config_can_say_is_refused);
    tcase_add_test(c, documents_are_read_or_refused_with_the_field);
    return c;
}

static TCase *catalog_case(void)
{
    TCase *c = tcase_create("catalog");
    tcase_add_test(c, the_catalog_has_the_published_macs_and_parameters);
    tcase_add_test(c, baselines_have_as_many_trained_parameters_as_other_implementations);
    tcase_add_test(c, a_catalog_that_can_not_be_read_names_file_and_entry);
    return c;
}

TEST_MAIN("networks", configs_case(), catalog_case())
