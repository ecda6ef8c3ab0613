/* SPDX-License-Identifier: MIT */
/* What the environment says of an endpoint, and a client that takes it from there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "model/env.h"
#include "model/model.h"
#include "opro/config.h"

static opro__mem mem;

static const char *const all[] = {"OPENAI_BASE_URL",
                                  "OPENAI_API_KEY",
                                  "OPENAI_ORG_ID",
                                  "OPENAI_PROJECT_ID",
                                  "ANTHROPIC_BASE_URL",
                                  "ANTHROPIC_API_KEY",
                                  "GEMINI_API_KEY",
                                  "GOOGLE_API_KEY",
                                  "GROQ_API_KEY",
                                  "MISTRAL_API_KEY",
                                  "AZURE_OPENAI_API_KEY",
                                  "AZURE_OPENAI_ENDPOINT",
                                  "OPENAI_API_VERSION",
                                  "https_proxy",
                                  "HTTPS_PROXY",
                                  "http_proxy",
                                  "HTTP_PROXY",
                                  "all_proxy",
                                  "ALL_PROXY",
                                  "no_proxy",
                                  "NO_PROXY",
                                  "OPENROUTER_API_KEY",
                                  "GOOGLE_GEMINI_BASE_URL"};

static void forget(void) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        unsetenv(all[i]);
}

static void set(const char *name, const char *value) {
    assert_int_equal(setenv(name, value, 1), 0);
}

static opro__url url_of(const char *s) {
    opro__url url;
    opro_error err;

    assert_int_equal(opro__url_parse(&url, &mem, &err, s, strlen(s), 1, 1), OPRO_OK);
    return url;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void test_write_url(void **state) {
    static const struct {
        int32_t dialect;
        const char *value, *version, *url;
    } cases[] = {
        {OPRO_DIALECT_OPENAI, "https://a.b/v1/", "", "https://a.b/v1"},
        {OPRO_DIALECT_OPENAI, "https://a.b", "1", "https://a.b"},
        {OPRO_DIALECT_ANTHROPIC, "https://a.b", "", "https://a.b/v1"},
        {OPRO_DIALECT_ANTHROPIC, "https://a.b//", "", "https://a.b/v1"},
        {OPRO_DIALECT_ANTHROPIC, "https://a.b/v1", "", "https://a.b/v1"},
        {OPRO_DIALECT_ANTHROPIC, "https://a.b/gateway", "", "https://a.b/gateway/v1"},
        {OPRO_DIALECT_ANTHROPIC, "https://v1", "", "https://v1"},
        {OPRO_DIALECT_GEMINI, "https://a.b/v1", "", "https://a.b/v1"},
        {OPRO_DIALECT_GEMINI, "https://a.b/", "", "https://a.b/v1beta"},
        {OPRO_DIALECT_AZURE, "https://a.openai.azure.com/", "2024-10-21",
         "https://a.openai.azure.com/openai/v1"},
        {OPRO_DIALECT_AZURE, "https://a.b/openai/deployments/x/", "2024-10-21",
         "https://a.b/openai/deployments/x?api-version=2024-10-21"},
        {OPRO_DIALECT_AZURE, "https://a.b/openai/deployments/x", "",
         "https://a.b/openai/deployments/x"},
        {OPRO_DIALECT_AZURE, "https://a.b/openai/deployments/x?api-version=1", "2",
         "https://a.b/openai/deployments/x?api-version=1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__buf out;

        forget();
        set("OPENAI_API_VERSION", cases[i].version);
        opro__buf_init(&out, &mem, 1000);
        opro__env_write_url(&out, opro__dialect_find(cases[i].dialect, NULL), cases[i].value);
        assert_string_equal(opro__buf_text(&out), cases[i].url);
        opro__buf_free(&out);
    }
}

static void test_key(void **state) {
    opro__url groq = url_of("https://api.groq.com/openai/v1"), other = url_of("https://a.b");
    const opro__dialect *openai = opro__dialect_find(OPRO_DIALECT_OPENAI, NULL);
    const opro__dialect *gemini = opro__dialect_find(OPRO_DIALECT_GEMINI, NULL);

    (void)state;
    forget();
    assert_null(opro__env_key(openai, &groq, 0).name);
    assert_null(opro__env_key(openai, NULL, 1).name);
    set("OPENAI_API_KEY", "open");
    assert_string_equal(opro__env_key(openai, &groq, 1).value, "open");
    assert_null(opro__env_key(openai, &groq, 0).name); /* not the key of somebody else */
    set("GROQ_API_KEY", "");
    assert_string_equal(opro__env_key(openai, &groq, 1).value, "open"); /* "" is not set */
    set("GROQ_API_KEY", "groq");
    assert_string_equal(opro__env_key(openai, &groq, 0).value, "groq");
    assert_string_equal(opro__env_key(openai, &groq, 0).name, "GROQ_API_KEY");
    assert_string_equal(opro__env_key(openai, &other, 0).value, "open");
    set("GOOGLE_API_KEY", "google");
    assert_string_equal(opro__env_key(gemini, &other, 0).value, "google");
    set("GEMINI_API_KEY", "gemini");
    assert_string_equal(opro__env_key(gemini, &other, 0).value, "gemini");
    opro__url_free(&groq, &mem);
    opro__url_free(&other, &mem);
}

static void test_organization(void **state) {
    opro__url openai = url_of("https://api.openai.com/v1"), other = url_of("https://a.b");

    (void)state;
    forget();
    assert_null(opro__env_organization(&openai).name);
    set("OPENAI_ORG_ID", "org");
    set("OPENAI_PROJECT_ID", "project");
    assert_string_equal(opro__env_organization(&openai).value, "org");
    assert_string_equal(opro__env_project(&openai).value, "project");
    assert_null(opro__env_organization(&other).name);
    assert_null(opro__env_project(&other).name);
    opro__url_free(&openai, &mem);
    opro__url_free(&other, &mem);
}

static void test_proxy(void **state) {
    static const struct {
        const char *url, *no;
        const char *want; /* the name of the variable */
    } cases[] = {
        {"https://a.b", "", "https_proxy"},
        {"http://a.b", "", "http_proxy"},
        {"https://127.0.0.1", "", NULL},
        {"http://localhost:80", "", NULL},
        {"https://a.b", "*", NULL},
        {"https://a.b", "a.b", NULL},
        {"https://A.B", "a.B", NULL},
        {"https://x.a.b", "a.b", NULL},
        {"https://x.a.b", ".a.b", NULL},
        {"https://a.b", ".a.b", NULL},
        {"https://xa.b", "a.b", "https_proxy"},
        {"https://a.b", "x.a.b", "https_proxy"},
        {"https://a.b", "c.d, e.f,a.b", NULL},
        {"https://a.b", " ,, ,.,:,", "https_proxy"},
        {"https://a.b:8443", "a.b:8443", NULL},
        {"https://10.0.0.1", "10.0.0.1", NULL},
        {"https://10.0.0.1", "0.0.1", NULL}, /* as everywhere: the end of a name */
        {"https://[fe80::1]", "fe80::1", NULL},
        {"https://[fe80::1]", "[fe80::1]", NULL},
        {"https://a.b", "**", "https_proxy"},
    };
    opro__url url = url_of("https://a.b"), plain = url_of("http://a.b");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__url of = url_of(cases[i].url);
        const char *name;

        forget();
        set("https_proxy", "http://p:1");
        set("http_proxy", "http://p:2");
        set("NO_PROXY", cases[i].no);
        name = opro__env_proxy(&of).name;
        if ((name == NULL) != (cases[i].want == NULL))
            fail_msg("%s but for %s: %s", cases[i].url, cases[i].no, name ? name : "none");
        if (name) assert_string_equal(name, cases[i].want);
        opro__url_free(&of, &mem);
    }
    forget();
    set("HTTP_PROXY", "http://evil:1"); /* a header of somebody's request */
    assert_null(opro__env_proxy(&plain).name);
    set("ALL_PROXY", "http://p:3");
    assert_string_equal(opro__env_proxy(&plain).name, "ALL_PROXY");
    assert_string_equal(opro__env_proxy(&url).name, "ALL_PROXY");
    set("HTTPS_PROXY", "http://p:4");
    assert_string_equal(opro__env_proxy(&url).name, "HTTPS_PROXY");
    set("https_proxy", "http://p:5");
    assert_string_equal(opro__env_proxy(&url).value, "http://p:5");
    opro__url_free(&url, &mem);
    opro__url_free(&plain, &mem);
}

/* ---- a client -------------------------------------------------------------------------------- */

static opro_model *model_of(const opro_allocator *allocator) {
    opro_model *model = NULL;

    assert_int_equal(opro_model_new(&model, NULL, allocator), OPRO_OK);
    return model;
}

static void assert_key(const opro_model *model, const char *key) {
    const char *has = model->n_secrets ? model->secrets[0].text : NULL;

    if (key)
        assert_string_equal(has, key);
    else
        assert_null(has);
}

static void test_model(void **state) {
    opro_model *model = model_of(NULL);

    (void)state;
    forget();
    assert_int_equal(opro_model_set_from_env(NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_model_set_from_env(model), OPRO_WAIT);
    assert_null(model->url.text);
    /* a key alone: its provider's address */
    set("OPENAI_API_KEY", "sk-open");
    set("OPENAI_ORG_ID", "org");
    assert_int_equal(opro_model_set_from_env(model), OPRO_OK);
    assert_string_equal(model->url.text, "https://api.openai.com/v1");
    assert_key(model, "sk-open");
    assert_int_equal(model->n_secrets, 2);
    assert_string_equal(model->header_names[1], "OpenAI-Organization");
    /* all of it */
    set("OPENAI_BASE_URL", "https://a.b/v1/");
    set("HTTPS_PROXY", "http://proxy:3128");
    assert_int_equal(opro_model_set_from_env(model), OPRO_OK);
    assert_string_equal(model->url.text, "https://a.b/v1");
    assert_string_equal(model->proxy, "http://proxy:3128");
    assert_key(model, "sk-open");
    /* nothing: what was set stays */
    forget();
    assert_int_equal(opro_model_set_from_env(model), OPRO_WAIT);
    assert_string_equal(model->url.text, "https://a.b/v1");
    assert_string_equal(model->proxy, "http://proxy:3128");
    assert_key(model, "sk-open");
    /* a host that is known: its own names */
    set("OPENAI_API_KEY", "sk-open");
    set("ANTHROPIC_API_KEY", "sk-ant");
    assert_int_equal(opro_model_set_base_url(model, "https://api.anthropic.com/v1", OPRO_ZT),
                     OPRO_OK);
    assert_int_equal(opro_model_set_from_env(model), OPRO_OK);
    assert_key(model, "sk-ant");
    opro_model_free(model);
}

/* What is wrong is said with the variable's name, and without its value. */
static void test_faults(void **state) {
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"OPENAI_BASE_URL", "api.openai.com/secret", "OPENAI_BASE_URL: the base URL has no scheme"},
        {"OPENAI_BASE_URL", "http://a.b/secret", "OPENAI_BASE_URL: plain http to \"a.b\""},
        {"OPENAI_BASE_URL", "https://u:secret@a.b/", "OPENAI_BASE_URL: the base URL has a user"},
        {"OPENAI_API_KEY", "secret\nX: y", "OPENAI_API_KEY: the key has a control character"},
        {"OPENAI_ORG_ID", "secret\r", "OPENAI_ORG_ID: the header's value has a control character"},
        {"HTTPS_PROXY", "secret\n", "HTTPS_PROXY: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro_model *model = model_of(NULL);
        const char *message;

        forget();
        set("OPENAI_API_KEY", "sk");
        set(cases[i].name, cases[i].value);
        assert_int_equal(opro_model_set_from_env(model), OPRO_ERR_INVALID);
        message = opro_error_message(opro_model_error(model), NULL);
        if (!strstr(message, cases[i].says)) fail_msg("%s", message);
        assert_null(strstr(message, "secret"));
        opro_model_free(model);
    }
}

static void test_no_memory(void **state) {
    failing f = {.left = -1};
    opro_allocator allocator = failing_allocator(&f);
    long n = 0;

    (void)state;
    forget();
    set("OPENAI_API_KEY", "sk-open");
    set("OPENAI_ORG_ID", "org");
    set("OPENAI_PROJECT_ID", "project");
    set("https_proxy", "http://proxy:3128");
    for (;; n++) {
        opro_model *model;
        opro_status st;

        f.left = -1;
        model = model_of(&allocator);
        f.left = n;
        st = opro_model_set_from_env(model);
        f.left = -1;
        if (st != OPRO_OK) {
            assert_int_equal(st, OPRO_ERR_NOMEM);
            assert_int_equal(opro_model_set_from_env(model), OPRO_OK); /* once more, whole */
            assert_key(model, "sk-open");
            assert_int_equal(model->n_secrets, 3);
            assert_string_equal(model->proxy, "http://proxy:3128");
        }
        opro_model_free(model);
        assert_int_equal(f.live, 0);
        if (st == OPRO_OK) break;
    }
    assert_true(n >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_url),    cmocka_unit_test(test_key),
        cmocka_unit_test(test_organization), cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_model),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_no_memory),
    };

    opro__mem_init(&mem, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
