/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The agent's configuration, and what it makes of a device. */
#include <string.h>

#include "agents/agent/config.h"
#include "agents/agent/target.h"
#include "check_main.h"
#include "lut/base/json.h"

static enum lathe_status parse(const char *text, struct agent_config *out, struct lathe_error *err)
{
    json_t *document = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &document, NULL), LATHE_OK);
    enum lathe_status st = agent_config_parse(document, out, err);
    json_decref(document);
    return st;
}

static const char full[] =
    "{\"server\":\"http://lab:8420\",\"name\":\"lab\",\"token_file\":\"/t\",\"ca_file\":\"/c\",\"runner\":\"/r\","
    "\"bundles\":\"/b\",\"ssh_config\":\"/s\",\"jobs\":4,"
    "\"devices\":{\"pi4\":{\"cpus\":\"2-3\"},\"jetson\":{\"runner\":[\"/opt/trt/runner\",\"--fp16\"]}},"
    "\"runtimes\":{\"tensorrt\":[\"/opt/trt/other\"]}}";

START_TEST(all_fields_are_read)
{
    struct agent_config c;
    struct lathe_error err = {0};
    ck_assert_msg(parse(full, &c, &err) == LATHE_OK, "%s", err.message);
    ck_assert_str_eq(c.server, "http://lab:8420");
    ck_assert_str_eq(c.name, "lab");
    ck_assert_str_eq(c.token_file, "/t");
    ck_assert_str_eq(c.ca_file, "/c");
    ck_assert_str_eq(c.runner, "/r");
    ck_assert_str_eq(c.bundles, "/b");
    ck_assert_str_eq(c.ssh_config, "/s");
    ck_assert_int_eq(c.jobs, 4);
    ck_assert_str_eq(agent_config_cpus(&c, "pi4"), "2-3");
    ck_assert_ptr_null(agent_config_cpus(&c, "jetson"));
    ck_assert_ptr_null(agent_config_cpus(&c, "unknown"));
    agent_config_clear(&c);
    ck_assert_int_eq(parse("{}", &c, &err), LATHE_OK);
    ck_assert_int_eq(c.jobs, 0);
    agent_config_clear(&c);
}
END_TEST

START_TEST(a_devices_program_goes_before_a_runtimes)
{
    struct agent_config c;
    ck_assert_int_eq(parse(full, &c, NULL), LATHE_OK);
    ck_assert_str_eq(agent_config_program(&c, "jetson", "tensorrt")[0], "/opt/trt/runner");
    ck_assert_str_eq(agent_config_program(&c, "jetson", "xnnpack")[1], "--fp16");
    ck_assert_ptr_null(agent_config_program(&c, "jetson", "xnnpack")[2]);
    ck_assert_str_eq(agent_config_program(&c, "pi4", "tensorrt")[0], "/opt/trt/other");
    ck_assert_ptr_null(agent_config_program(&c, "pi4", "xnnpack"));
    ck_assert_ptr_null(agent_config_program(&c, "unknown", "xnnpack"));
    agent_config_clear(&c);
}
END_TEST

struct wrong {
    const char *text, *field;
};

START_TEST(errors_name_the_field)
{
    static const struct wrong wrongs[] = {
        {"{\"jobs\":0}", "jobs"},
        {"{\"jobs\":65}", "jobs"},
        {"{\"jobs\":\"4\"}", "jobs"},
        {"{\"name\":\"a b\"}", "name"},
        {"{\"server\":7}", "server"},
        {"{\"colour\":1}", "colour"},
        {"{\"devices\":[]}", "devices"},
        {"{\"devices\":{\"a b\":{}}}", "devices.a b"},
        {"{\"devices\":{\"pi4\":7}}", "devices.pi4"},
        {"{\"devices\":{\"pi4\":{\"cpus\":\"x\"}}}", "devices.pi4.cpus"},
        {"{\"devices\":{\"pi4\":{\"colour\":1}}}", "devices.pi4.colour"},
        {"{\"devices\":{\"pi4\":{\"runner\":\"/bin/sh -c x\"}}}", "devices.pi4.runner"},
        {"{\"devices\":{\"pi4\":{\"runner\":[]}}}", "devices.pi4.runner"},
        {"{\"devices\":{\"pi4\":{\"runner\":[\"\"]}}}", "devices.pi4.runner"},
        {"{\"devices\":{\"pi4\":{\"runner\":[\"a\",1]}}}", "devices.pi4.runner"},
        {"{\"devices\":{\"pi4\":{\"runner\":[\"a\",\"b\\nc\"]}}}", "devices.pi4.runner"},
        {"{\"runtimes\":{\"trt\":{}}}", "runtimes.trt"},
        {"{\"runtimes\":{\"trt\":[]}}", "runtimes.trt"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct agent_config c = {0};
        struct lathe_error err = {0};
        ck_assert_msg(parse(wrongs[i].text, &c, &err) == LATHE_INVALID, "%s", wrongs[i].text);
        ck_assert_str_eq(err.field, wrongs[i].field);
        ck_assert_ptr_null(c.document);
    }
}
END_TEST

static enum lathe_status find(const char *config, const char *device, const char *transport, const char *runtime,
                              struct agent_config *c, json_t **document, struct target *t, struct lathe_error *err)
{
    ck_assert_int_eq(parse(config, c, NULL), LATHE_OK);
    ck_assert_int_eq(json_parse(transport, strlen(transport), document, NULL), LATHE_OK);
    return target_find(c, device, *document, runtime, t, err);
}

START_TEST(what_server_and_configuration_say_of_a_device_comes_together)
{
    struct agent_config c;
    struct target t;
    json_t *d = NULL;
    ck_assert_int_eq(find(full, "pi4", "{\"type\":\"ssh\",\"destination\":\"pi@h\",\"port\":2222,\"cpus\":\"0\"}",
                          "xnnpack", &c, &d, &t, NULL),
                     LATHE_OK);
    ck_assert_str_eq(t.transport->name, "ssh");
    ck_assert_str_eq(t.options.destination, "pi@h");
    ck_assert_int_eq(t.options.port, 2222);
    ck_assert_str_eq(t.options.cpus, "2-3"); /* the configuration's */
    ck_assert_str_eq(t.options.ssh_config, "/s");
    ck_assert_str_eq(t.options.bundles, "/b");
    ck_assert_ptr_null(t.argv); /* its own runner is brought there */
    json_decref(d);
    agent_config_clear(&c);
    ck_assert_int_eq(find(full, "x", "{\"type\":\"local\",\"cpus\":\"1\"}", "xnnpack", &c, &d, &t, NULL), LATHE_OK);
    ck_assert_str_eq(t.options.cpus, "1");
    ck_assert_str_eq(t.argv[0], "/r");
    ck_assert_str_eq(t.argv[1], "serve");
    json_decref(d);
    agent_config_clear(&c);
    ck_assert_int_eq(find(full, "x", "{\"type\":\"local\"}", "tensorrt", &c, &d, &t, NULL), LATHE_OK);
    ck_assert_str_eq(t.argv[0], "/opt/trt/other");
    json_decref(d);
    agent_config_clear(&c);
}
END_TEST

START_TEST(what_the_server_says_of_a_device_is_checked_here_too)
{
    static const struct wrong wrongs[] = {
        {"{\"type\":\"ssh\"}", "device.transport.destination"},
        {"{\"type\":\"ssh\",\"destination\":\"-oProxyCommand=id\"}", "device.transport.destination"},
        {"{\"type\":\"ssh\",\"destination\":\"h\",\"port\":0}", "device.transport.port"},
        {"{\"type\":\"ssh\",\"destination\":\"h\",\"runner\":[\"/bin/sh\"]}", "device.transport.runner"},
        {"{\"type\":\"local\",\"runner\":\"/bin/sh\"}", "device.transport.runner"},
        {"{\"type\":\"local\",\"cpus\":\"x\"}", "device.transport.cpus"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct agent_config c;
        struct target t;
        struct lathe_error err = {0};
        json_t *d = NULL;
        ck_assert_int_eq(find("{}", "x", wrongs[i].text, "xnnpack", &c, &d, &t, &err), LATHE_INVALID);
        ck_assert_str_eq(err.field, wrongs[i].field);
        json_decref(d);
        agent_config_clear(&c);
    }
}
END_TEST

static TCase *config_cases(void)
{
    TCase *t = tcase_create("config");
    tcase_add_test(t, all_fields_are_read);
    tcase_add_test(t, a_devices_program_goes_before_a_runtimes);
    tcase_add_test(t, errors_name_the_field);
    tcase_add_test(t, what_server_and_configuration_say_of_a_device_comes_together);
    tcase_add_test(t, what_the_server_says_of_a_device_is_checked_here_too);
    return t;
}

TEST_MAIN("agent configuration", config_cases())
