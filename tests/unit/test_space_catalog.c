/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/spaces/catalog.h"

#include "check_main.h"
#include "test_search_fixture.h"

static struct catalog *shipped_catalog(void)
{
    struct catalog *catalog = NULL;
    struct lathe_error err = {0};
    ck_assert_msg(catalog_open(SOURCE_DIR "/server/spaces/catalog", &catalog, &err) == LATHE_OK, "%s", err.message);
    return catalog;
}

struct listing {
    char text[512];
    int most;
};

static bool list(void *context, const struct space *space)
{
    struct listing *l = context;
    size_t at = strlen(l->text);
    snprintf(l->text + at, sizeof l->text - at, "%s ", space_id(space));
    return --l->most > 0;
}

START_TEST(the_shipped_spaces_are_listed_in_order_of_their_ids)
{
    struct catalog *catalog = shipped_catalog();
    struct listing all = {.most = 100};
    struct listing one = {.most = 1};
    catalog_each(catalog, list, &all);
    catalog_each(catalog, list, &one);
    ck_assert_str_eq(all.text, "mcunet mcunet-mix ofa-mbv3-w1.0 ofa-mbv3-w1.2 ofa-proxyless-w1.3 ofa-resnet50 ");
    ck_assert_str_eq(one.text, "mcunet ");
    ck_assert_str_eq(space_id(catalog_find(catalog, "ofa-mbv3-w1.2")), "ofa-mbv3-w1.2");
    ck_assert_ptr_null(catalog_find(catalog, "ofa-mbv3"));
    ck_assert(catalog_is_shipped(catalog, "ofa-mbv3-w1.0") && !catalog_is_shipped(catalog, "tiny"));
    catalog_free(catalog);
}
END_TEST

START_TEST(a_replaced_space_stays_usable)
{
    struct catalog *catalog = shipped_catalog();
    struct listing all = {.most = 100};
    ck_assert_int_eq(catalog_put(catalog, space_from_text(tiny_space), NULL), LATHE_OK);
    const struct space *old = catalog_find(catalog, "tiny");
    for (int i = 0; i < 3; i++) ck_assert_int_eq(catalog_put(catalog, space_from_text(tiny_space), NULL), LATHE_OK);
    ck_assert_ptr_ne(old, catalog_find(catalog, "tiny"));
    ck_assert_str_eq(space_id(old), "tiny");
    catalog_each(catalog, list, &all);
    ck_assert_str_eq(all.text, "mcunet mcunet-mix ofa-mbv3-w1.0 ofa-mbv3-w1.2 ofa-proxyless-w1.3 ofa-resnet50 tiny ");
    catalog_free(catalog);
}
END_TEST

START_TEST(a_shipped_space_can_not_be_replaced)
{
    struct catalog *catalog = shipped_catalog();
    struct lathe_error err = {0};
    const struct space *before = catalog_find(catalog, "ofa-mbv3-w1.0");
    ck_assert_int_eq(catalog_put(catalog, shipped_space("ofa-mbv3-w1.0"), &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "ofa-mbv3-w1.0"));
    ck_assert_ptr_eq(before, catalog_find(catalog, "ofa-mbv3-w1.0"));
    catalog_free(catalog);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_not_found)
{
    struct catalog *catalog = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(catalog_open("/nonexistent/spaces", &catalog, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/spaces"));
}
END_TEST

/* Write files into a fresh folder, open it as a catalog, which must fail, and remove it. */
static struct lathe_error open_bad(const char *const *texts, size_t n)
{
    char dir[] = "/tmp/lathe-catalog-XXXXXX";
    struct catalog *catalog = NULL;
    struct lathe_error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%zu.json", dir, i);
        ck_assert_int_eq(file_write(path, texts[i], strlen(texts[i]), 0600, NULL), LATHE_OK);
    }
    ck_assert_int_eq(catalog_open(dir, &catalog, &err), LATHE_INVALID);
    for (size_t i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%zu.json", dir, i);
        unlink(path);
    }
    rmdir(dir);
    return err;
}

START_TEST(a_bad_document_is_named_by_its_file)
{
    const char *const texts[] = {tiny_space, "{\"id\":\"x\",\"title\":\"x\",\"family\":\"y\"}"};
    struct lathe_error err = open_bad(texts, 2);
    ck_assert_ptr_nonnull(strstr(err.message, "/1.json: family: unknown family y"));
    const char *const broken[] = {"{\n\"id\": }"};
    err = open_bad(broken, 1);
    ck_assert_ptr_nonnull(strstr(err.message, "/0.json: not valid JSON"));
    ck_assert_ptr_nonnull(strstr(err.message, "line 2"));
}
END_TEST

START_TEST(two_documents_of_one_id_are_refused)
{
    const char *const texts[] = {tiny_space, tiny_space};
    struct lathe_error err = open_bad(texts, 2);
    ck_assert_ptr_nonnull(strstr(err.message, "/1.json: id: another document"));
}
END_TEST

static TCase *catalogs(void)
{
    TCase *c = tcase_create("catalog");
    tcase_add_test(c, the_shipped_spaces_are_listed_in_order_of_their_ids);
    tcase_add_test(c, a_replaced_space_stays_usable);
    tcase_add_test(c, a_shipped_space_can_not_be_replaced);
    tcase_add_test(c, a_folder_that_is_not_there_is_not_found);
    tcase_add_test(c, a_bad_document_is_named_by_its_file);
    tcase_add_test(c, two_documents_of_one_id_are_refused);
    return c;
}

TEST_MAIN("space catalog", catalogs())
