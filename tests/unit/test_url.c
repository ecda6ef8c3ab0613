/* SPDX-License-Identifier: MIT */
/* The address of an endpoint: what is taken, what is not and why, and which are of one origin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "failing.h"
#include "model/url.h"

enum { HTTP = 1, QUERY = 2 };

static opro__mem mem;

static opro_status parse(opro__url *url, opro_error *err, const char *s, int allow) {
    opro__err_clear(err);
    return opro__url_parse(url, &mem, err, s, strlen(s), (allow & HTTP) != 0, (allow & QUERY) != 0);
}

static void test_taken(void **state) {
    static const struct {
        const char *s;
        int allow;
        const char *text, *origin, *host, *query;
        int local, literal;
    } cases[] = {
        {"https://api.openai.com/v1", 0, "https://api.openai.com/v1", "https://api.openai.com:443",
         "api.openai.com", NULL, 0, 0},
        {"https://api.openai.com/v1/", 0, "https://api.openai.com/v1", "https://api.openai.com:443",
         "api.openai.com", NULL, 0, 0},
        {"https://a.b/v1///", 0, "https://a.b/v1", "https://a.b:443", "a.b", NULL, 0, 0},
        {"https://a.b", 0, "https://a.b", "https://a.b:443", "a.b", NULL, 0, 0},
        {"https://a.b/", 0, "https://a.b", "https://a.b:443", "a.b", NULL, 0, 0},
        {"HTTPS://API.Example.ORG/V1", 0, "https://api.example.org/V1",
         "https://api.example.org:443", "api.example.org", NULL, 0, 0},
        {"https://a.b:443/x", 0, "https://a.b/x", "https://a.b:443", "a.b", NULL, 0, 0},
        {"https://a.b:/x", 0, "https://a.b/x", "https://a.b:443", "a.b", NULL, 0, 0},
        {"https://a.b:80/x", 0, "https://a.b:80/x", "https://a.b:80", "a.b", NULL, 0, 0},
        {"https://a.b:65535", 0, "https://a.b:65535", "https://a.b:65535", "a.b", NULL, 0, 0},
        {"https://a.b/x/../y/./z", 0, "https://a.b/y/z", "https://a.b:443", "a.b", NULL, 0, 0},
        {"https://10.0.0.1/v1", 0, "https://10.0.0.1/v1", "https://10.0.0.1:443", "10.0.0.1", NULL,
         0, 1},
        {"https://a.b/\xC3\xBC", 0, "https://a.b/%c3%bc", "https://a.b:443", "a.b", NULL, 0, 0},
        /* this machine */
        {"http://127.0.0.1:8080/v1", 0, "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080",
         "127.0.0.1", NULL, 1, 1},
        {"http://127.255.0.3", 0, "http://127.255.0.3", "http://127.255.0.3:80", "127.255.0.3",
         NULL, 1, 1},
        {"http://127.1/v1", 0, "http://127.0.0.1/v1", "http://127.0.0.1:80", "127.0.0.1", NULL, 1,
         1},
        {"http://0x7f.1:80/v1", 0, "http://127.0.0.1/v1", "http://127.0.0.1:80", "127.0.0.1", NULL,
         1, 1},
        {"http://2130706433", 0, "http://127.0.0.1", "http://127.0.0.1:80", "127.0.0.1", NULL, 1,
         1},
        {"http://017700000001", 0, "http://127.0.0.1", "http://127.0.0.1:80", "127.0.0.1", NULL, 1,
         1},
        {"http://%31%32%37.0.0.1", 0, "http://127.0.0.1", "http://127.0.0.1:80", "127.0.0.1", NULL,
         1, 1},
        {"http://[::1]:8080/v1", 0, "http://[::1]:8080/v1", "http://[::1]:8080", "::1", NULL, 1, 1},
        {"http://[0:0:0:0:0:0:0:1]", 0, "http://[::1]", "http://[::1]:80", "::1", NULL, 1, 1},
        {"http://LocalHost:11434/v1", 0, "http://localhost:11434/v1", "http://localhost:11434",
         "localhost", NULL, 1, 1},
        {"http://a.localhost", 0, "http://a.localhost", "http://a.localhost:80", "a.localhost",
         NULL, 1, 1},
        {"https://localhost", 0, "https://localhost", "https://localhost:443", "localhost", NULL, 1,
         1},
        /* other machines, by leave */
        {"http://a.b:8000/v1", HTTP, "http://a.b:8000/v1", "http://a.b:8000", "a.b", NULL, 0, 0},
        {"http://0.0.0.0:8000", HTTP, "http://0.0.0.0:8000", "http://0.0.0.0:8000", "0.0.0.0", NULL,
         0, 1},
        {"http://[fe80::1%25eth0]:81/v1", HTTP, "http://[fe80::1%25eth0]:81/v1",
         "http://[fe80::1%25eth0]:81", "fe80::1", NULL, 0, 1},
        /* Azure */
        {"https://a.b/openai/v1?api-version=2024-10-21", QUERY, "https://a.b/openai/v1",
         "https://a.b:443", "a.b", "api-version=2024-10-21", 0, 0},
        {"https://a.b?api-version=preview", QUERY, "https://a.b", "https://a.b:443", "a.b",
         "api-version=preview", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__url url = {0};
        opro_error err;

        if (parse(&url, &err, cases[i].s, cases[i].allow) != OPRO_OK)
            fail_msg("%s: %s", cases[i].s, err.message);
        assert_string_equal(url.text, cases[i].text);
        assert_string_equal(url.origin, cases[i].origin);
        assert_string_equal(url.host, cases[i].host);
        if (cases[i].query) assert_string_equal(url.query, cases[i].query);
        if (!cases[i].query) assert_null(url.query);
        if (url.local != cases[i].local || url.literal != cases[i].literal ||
            url.tls != (url.origin[4] == 's'))
            fail_msg("%s: local %d, literal %d, tls %d", cases[i].s, url.local, url.literal,
                     url.tls);
        opro__url_free(&url, &mem);
        assert_null(url.text);
    }
    assert_int_equal(mem.used, 0);
}

static void test_refused(void **state) {
    static const struct {
        const char *s;
        int allow;
        const char *why; /* part of the message */
    } cases[] = {
        {"", 0, "is empty"},
        {"api.openai.com/v1", 0, "no scheme: begin it with https://"},
        {"localhost:8080/v1", 0, "no scheme"},
        {"https:/a.b", 0, "no scheme"},
        {"https", 0, "no scheme"},
        {"https:", 0, "no scheme"},
        {"https:/", 0, "no scheme"},
        {"://a.b", 0, "scheme is \"\": only https and http"},
        {"ftp://a.b/", HTTP, "scheme is \"ftp\": only https and http"},
        {"file:///etc/passwd", HTTP, "scheme is \"file\""},
        {"httpx://a.b", HTTP, "scheme is \"httpx\""},
        {"ws://a.b", HTTP, "scheme is \"ws\""},
        {"https://", 0, "no host"},
        {"https://%380", 0, "that makes it another one"}, /* 80 is 0.0.0.80 */
        {"https://%3127.1/v1", 0, "that makes it another one"},
        {"https://%2531", 0, "that makes it another one"},
        {"https://a%25b", 0, "that makes it another one"},
        {"https://a%ffb", 0, "that makes it another one"},
        {"https://a%7fb", 0, "that makes it another one"},
        {"https:///v1", 0, "no host"},
        {"https://?x", 0, "no host"},
        {"https://u:secret@a.b/v1", 0, "user name or a password"},
        {"https://u@a.b", 0, "user name or a password"},
        {"https://@a.b", 0, "user name or a password"},
        {"http://127.0.0.1@evil.org/", 0, "user name or a password"},
        {"http://127.0.0.1:80@evil.org/", 0, "user name or a password"},
        {"http://127.0.0.1\\@evil.org/", 0, "backslash"},
        {"https://a.b/v1#x", 0, "fragment"},
        {"https://a.b/v1#", 0, "fragment"},
        {"https://a.b/v1?key=sk-secret", 0, "query: remove it"},
        {"https://a.b/v1?", 0, "query: remove it"},
        {"https://a.b/v1?key=sk-secret", QUERY, "other than api-version"},
        {"https://a.b/v1?api-version=1&key=sk-secret", QUERY, "other than api-version"},
        {"https://a.b/v1?api-version=", QUERY, "other than api-version"},
        {"https://a.b/v1?", QUERY, "other than api-version"},
        {"https://a.b/v 1", 0, "a blank in it (byte 13)"},
        {" https://a.b/v1", 0, "a blank in it (byte 0)"},
        {"https://a.b/v1\n", 0, "a control character in it (byte 14)"},
        {"https://a.b/\r\nX-Evil: 1", 0, "a control character"},
        {"https://a.b/\x7F", 0, "a control character"},
        {"https://a.b/\xFF", 0, "not valid UTF-8"},
        {"https://a.b:0/", 0, "port is not one of 1 to 65535"},
        {"https://a.b:65536/", 0, "port is not one of 1 to 65535"},
        {"https://a.b:-1/", 0, "port is not one of 1 to 65535"},
        {"https://a.b:80x/", 0, "port is not one of 1 to 65535"},
        {"https://[::1", 0, "cannot be understood"},
        {"https://[::g]", 0, "cannot be understood"},
        {"https://a\"b/", 0, "cannot be understood"},
        {"https://a%2fb/", 0, "cannot be understood"},
        {"https://a%00b/", 0, "cannot be understood"},
        {"https://a%0ab/", 0, "cannot be understood"},
        {"https://u%40a.b/", 0, "cannot be understood"},
        /* plain http to others */
        {"http://api.openai.com/v1", 0, "plain http to \"api.openai.com\""},
        {"http://0.0.0.0:8080", 0, "plain http to \"0.0.0.0\""},
        {"http://128.0.0.1", 0, "plain http to"},
        {"http://10.0.0.1", 0, "use https, or set the option model_allow_http"},
        {"http://127.0.0.1.", 0, "plain http to"},
        {"http://127.0.0.1.nip.io", 0, "plain http to"},
        {"http://127.0.0.256", 0, "plain http to"},
        {"http://localhost.evil.org", 0, "plain http to"},
        {"http://notlocalhost", 0, "plain http to"},
        {"http://.localhost.", 0, "plain http to"},
        {"http://localhost.", 0, "plain http to"},
        {"http://[::2]", 0, "plain http to \"::2\""},
        {"http://[::]", 0, "plain http to"},
        {"http://[::ffff:127.0.0.1]", 0, "plain http to"},
        {"http://[fe80::1%25lo]", 0, "plain http to"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__url url = {.text = (char *)1};
        opro_error err;

        if (parse(&url, &err, cases[i].s, cases[i].allow) != OPRO_ERR_INVALID)
            fail_msg("%s is taken", cases[i].s);
        assert_int_equal(err.status, OPRO_ERR_INVALID);
        if (!strstr(err.message, cases[i].why)) fail_msg("%s: %s", cases[i].s, err.message);
        assert_null(strstr(err.message, "secret"));
        assert_ptr_equal(url.text, (char *)1);
    }
    assert_int_equal(mem.used, 0);
}

static void test_long(void **state) {
    static char s[5000] = "https://a.b/";
    opro__url url = {0};
    opro_error err;

    (void)state;
    memset(s + 12, 'x', sizeof s - 13);
    assert_int_equal(parse(&url, &err, s, 0), OPRO_ERR_INVALID);
    assert_non_null(strstr(err.message, "longer than 4096 bytes"));
    s[4096] = '\0';
    assert_int_equal(parse(&url, &err, s, 0), OPRO_OK);
    assert_int_equal(strlen(url.text), 4096);
    opro__url_free(&url, &mem);
    memset(s + 12, '\xFC', 4000); /* every byte becomes three */
    for (size_t i = 12; i + 1 < 4096; i += 2)
        memcpy(s + i, "\xC3\xBC", 2);
    assert_int_equal(parse(&url, &err, s, 0), OPRO_OK);
    assert_int_equal(strlen(url.text), 12 + 3 * 4084);
    opro__url_free(&url, &mem);
}

static void test_same_origin(void **state) {
    static const struct {
        const char *a, *b;
        int same;
    } cases[] = {
        {"https://a.b/v1", "https://A.B:443/v2", 1},
        {"https://a.b", "https://a.b:444", 0},
        {"https://a.b", "http://a.b:443", 0},
        {"https://a.b", "https://b.a", 0},
        {"https://a.b", "https://a.b.", 0},
        {"http://127.1", "http://127.0.0.1:80/x", 1},
        {"http://localhost", "http://127.0.0.1", 0},
        {"http://[::1]", "http://[0::1]", 1},
        {"http://[fe80::1%25a]", "http://[fe80::1%25b]", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__url a = {0}, b = {0};
        opro_error err;

        assert_int_equal(parse(&a, &err, cases[i].a, HTTP), OPRO_OK);
        assert_int_equal(parse(&b, &err, cases[i].b, HTTP), OPRO_OK);
        assert_int_equal(opro__url_same_origin(&a, &b), cases[i].same);
        opro__url_free(&b, &mem);
        assert_int_equal(opro__url_same_origin(&a, &b), 0); /* one that is not set */
        opro__url_free(&a, &mem);
    }
}

static void test_no_memory(void **state) {
    static const char s[] = "https://[::1]/openai?api-version=1";
    failing f = {.left = -1};
    opro_allocator allocator = failing_allocator(&f);
    opro__mem own;
    opro__url url = {0};
    opro_error err;
    long n = 0;

    (void)state;
    assert_int_equal(opro__mem_init(&own, &allocator), OPRO_OK);
    for (;; n++) {
        opro_status st;

        f.left = n;
        st = opro__url_parse(&url, &own, &err, s, sizeof s - 1, 0, 1);
        if (st == OPRO_OK) break;
        assert_int_equal(st, OPRO_ERR_NOMEM);
        assert_int_equal(err.status, OPRO_ERR_NOMEM);
        assert_null(url.text);
        assert_int_equal(f.live, 0);
    }
    assert_true(n >= 5);
    opro__url_free(&url, &own);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long),      cmocka_unit_test(test_same_origin),
        cmocka_unit_test(test_no_memory),
    };

    opro__mem_init(&mem, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
