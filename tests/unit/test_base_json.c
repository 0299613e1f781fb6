/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "check_main.h"
#include "lut/base/json.h"

static json_t *object;
static struct json_fields f;
static struct lathe_error err;

/* Start reading a document written with single quotes. */
static void begin(const char *text)
{
    char json[1024];
    size_t n = strlen(text);
    ck_assert_uint_lt(n, sizeof json);
    for (size_t i = 0; i <= n; i++) json[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    err = (struct lathe_error){0};
    ck_assert_msg(json_parse(json, n, &object, &err) == LATHE_OK, "%s: %s", json, err.message);
    json_fields_begin(&f, object, &err);
}

static enum lathe_status end(void)
{
    enum lathe_status st = json_fields_end(&f);
    json_decref(object);
    object = NULL;
    return st;
}

static void check_refused(const char *field, const char *part)
{
    ck_assert_int_eq(end(), LATHE_INVALID);
    ck_assert_str_eq(err.field, field);
    ck_assert_msg(strstr(err.message, part) != NULL, "\"%s\" is not in \"%s\"", part, err.message);
}

START_TEST(text_that_is_no_json_is_refused_with_its_line)
{
    static const struct {
        const char *text;
        int line;
    } bad[] = {{"", 1},
               {"{", 1},
               {"{\n\"a\":1,\n\"a\":2}", 3},
               {"[1]\n[2]", 2},
               {"{\"a\":NaN}", 1},
               {"\n\n{'a':1}", 3},
               {"{\"a\":1e999}", 1},
               {"\"\xff\"", 1},
               {"[1,]", 1},
               {"{\"a\":01}", 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *value = NULL;
        ck_assert_int_eq(json_parse(bad[i].text, strlen(bad[i].text), &value, &err), LATHE_INVALID);
        ck_assert_ptr_null(value);
        ck_assert_msg(err.line == bad[i].line, "\"%s\": line %d", bad[i].text, err.line);
    }
}
END_TEST

START_TEST(fields_are_read_by_their_kind)
{
    static const char *const words[] = {"local", "ssh", NULL};
    const char *string = NULL, *name = NULL;
    const json_t *inner = NULL, *array = NULL;
    bool yes = false;
    int64_t whole = 0;
    double number = 0, also = 0;
    int word = -1, ints[4];
    size_t count = 0;
    begin("{'s':'x y','n':'pi4','b':true,'i':-3,'d':0.5,'e':2,'w':'ssh','o':{},'a':[1,'x'],'k':[3,5,7],'z':[0]}");
    json_get_string(&f, "s", JSON_REQUIRED, &string);
    json_get_name(&f, "n", JSON_REQUIRED, &name);
    json_get_bool(&f, "b", JSON_REQUIRED, &yes);
    json_get_int(&f, "i", JSON_REQUIRED, -3, -3, &whole);
    json_get_number(&f, "d", JSON_REQUIRED, 0, 1, &number);
    json_get_number(&f, "e", JSON_REQUIRED, 0, 2, &also);
    json_get_word(&f, "w", JSON_REQUIRED, words, &word);
    json_get_object(&f, "o", JSON_REQUIRED, &inner);
    json_get_array(&f, "a", JSON_REQUIRED, 2, 2, &array);
    json_get_ints(&f, "k", JSON_REQUIRED, 3, 7, ints, 4, &count);
    json_allow(&f, "z");
    ck_assert_str_eq(string, "x y");
    ck_assert_str_eq(name, "pi4");
    ck_assert(yes && whole == -3 && number == 0.5 && also == 2 && word == 1);
    ck_assert(json_object_size(inner) == 0 && json_array_size(array) == 2);
    ck_assert(count == 3 && ints[0] == 3 && ints[1] == 5 && ints[2] == 7);
    ck_assert_int_eq(end(), LATHE_OK);
}
END_TEST

START_TEST(absent_and_null_leave_the_default)
{
    int64_t whole = 7;
    const char *string = "before";
    size_t count = 9;
    int ints[1];
    begin("{'i':null}");
    json_get_int(&f, "i", JSON_OPTIONAL, 0, 1, &whole);
    json_get_string(&f, "s", JSON_OPTIONAL, &string);
    json_get_ints(&f, "k", JSON_OPTIONAL, 0, 1, ints, 1, &count);
    ck_assert_int_eq(end(), LATHE_OK);
    ck_assert_int_eq(whole, 7);
    ck_assert_str_eq(string, "before");
    ck_assert_uint_eq(count, 9);
    begin("{'i':null}");
    json_get_int(&f, "i", JSON_REQUIRED, 0, 1, &whole);
    check_refused("i", "missing");
}
END_TEST

START_TEST(values_of_another_kind_or_out_of_range_are_refused)
{
    static const char *const wholes[] = {"{'i':'1'}", "{'i':1.0}", "{'i':0}", "{'i':11}", "{'i':true}", "{'i':[1]}"};
    static const char *const numbers[] = {"{'d':'1'}", "{'d':-0.1}", "{'d':1.1}", "{'d':true}"};
    static const char *const names[] = {"{'n':''}", "{'n':'a/b'}", "{'n':'.a'}", "{'n':1}"};
    int64_t whole = 7;
    double number = 7;
    bool yes = true;
    const char *name = NULL;
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        begin(wholes[i]);
        json_get_int(&f, "i", JSON_REQUIRED, 1, 10, &whole);
        check_refused("i", "whole number from 1 to 10");
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        begin(numbers[i]);
        json_get_number(&f, "d", JSON_REQUIRED, 0, 1, &number);
        check_refused("d", "number from 0 to 1");
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        begin(names[i]);
        json_get_name(&f, "n", JSON_REQUIRED, &name);
        check_refused("n", "must be");
    }
    begin("{'b':1}");
    json_get_bool(&f, "b", JSON_REQUIRED, &yes);
    check_refused("b", "true or false");
    ck_assert(whole == 7 && number == 7 && yes && !name);
}
END_TEST

START_TEST(strings_with_nul_are_refused)
{
    static const char text[] = "{\"s\":\"a\\u0000b\"}";
    const char *string = NULL;
    json_t *value = NULL;
    ck_assert_int_eq(json_parse(text, sizeof text - 1, &value, &err), LATHE_INVALID);
    /* And where a string was made otherwise: */
    object = json_pack("{s:s#}", "s", "a\0b", 3);
    json_fields_begin(&f, object, &err);
    json_get_string(&f, "s", JSON_REQUIRED, &string);
    check_refused("s", "NUL");
    ck_assert_ptr_null(string);
}
END_TEST

START_TEST(containers_are_checked_for_kind_and_size)
{
    static const char *const words[] = {"local", "ssh", NULL};
    const json_t *value = NULL;
    size_t count = 0;
    int word = 5, ints[2];
    begin("{'o':[]}");
    json_get_object(&f, "o", JSON_REQUIRED, &value);
    check_refused("o", "JSON object");
    begin("{'a':[1]}");
    json_get_array(&f, "a", JSON_REQUIRED, 2, 3, &value);
    check_refused("a", "2 to 3 items");
    begin("{'k':[1,2,3]}");
    json_get_ints(&f, "k", JSON_REQUIRED, 0, 9, ints, 2, &count);
    check_refused("k", "0 to 2 items");
    begin("{'k':[1,20]}");
    json_get_ints(&f, "k", JSON_REQUIRED, 0, 9, ints, 2, &count);
    check_refused("k[1]", "from 0 to 9");
    begin("{'w':'usb'}");
    json_get_word(&f, "w", JSON_REQUIRED, words, &word);
    check_refused("w", "local, ssh");
    ck_assert(count == 0 && word == 5 && !value);
}
END_TEST

START_TEST(a_field_that_nobody_asked_for_is_named)
{
    int64_t whole = 0;
    begin("{'kernel':3,'kernal':5}");
    json_get_int(&f, "kernel", JSON_REQUIRED, 0, 9, &whole);
    check_refused("kernal", "known are: kernel");
}
END_TEST

START_TEST(the_first_error_wins_and_later_reads_change_nothing)
{
    int64_t a = 1, b = 2;
    begin("{'a':'x','b':3,'c':4}");
    json_get_int(&f, "a", JSON_REQUIRED, 0, 9, &a);
    json_get_int(&f, "b", JSON_REQUIRED, 0, 9, &b);
    json_get_int(&f, "d", JSON_REQUIRED, 0, 9, &b);
    check_refused("a", "whole number");
    ck_assert(a == 1 && b == 2);
}
END_TEST

START_TEST(what_is_no_object_is_refused_by_every_reader)
{
    int64_t whole = 7;
    begin("[1]");
    json_get_int(&f, "a", JSON_OPTIONAL, 0, 9, &whole);
    check_refused("", "JSON object");
    ck_assert_int_eq(whole, 7);
    json_fields_begin(&f, NULL, NULL);
    ck_assert_int_eq(json_fields_end(&f), LATHE_INVALID);
}
END_TEST

static TCase *fields(void)
{
    TCase *c = tcase_create("fields");
    tcase_add_test(c, text_that_is_no_json_is_refused_with_its_line);
    tcase_add_test(c, fields_are_read_by_their_kind);
    tcase_add_test(c, absent_and_null_leave_the_default);
    tcase_add_test(c, values_of_another_kind_or_out_of_range_are_refused);
    tcase_add_test(c, strings_with_nul_are_refused);
    tcase_add_test(c, containers_are_checked_for_kind_and_size);
    tcase_add_test(c, a_field_that_nobody_asked_for_is_named);
    tcase_add_test(c, the_first_error_wins_and_later_reads_change_nothing);
    tcase_add_test(c, what_is_no_object_is_refused_by_every_reader);
    return c;
}

TEST_MAIN("base_json", fields())
