/* SPDX-License-Identifier: MIT */
/* What the dialects ask for, and which of them is spoken where. What they read: test_answer.c. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"
#include "model/dialect.h"
#include "opro/model.h"

static opro__mem mem;

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

enum { MOST = 8 };

/* An ask that a test puts together from literals. */
typedef struct asked {
    opro__part parts[MOST], stops[MOST];
    opro__ask ask;
} asked;

/* Who says what, a row of "S...", "U...", "A...", NULL. */
static void set_parts(asked *a, const char *const *rows) {
    a->ask.n_parts = 0;
    for (; rows && *rows; rows++) {
        opro__part *part = &a->parts[a->ask.n_parts++];

        part->role = **rows == 'S'   ? OPRO_ROLE_SYSTEM
                     : **rows == 'U' ? OPRO_ROLE_USER
                                     : OPRO_ROLE_ASSISTANT;
        part->text = (char *)(uintptr_t)(*rows + 1);
        part->len = strlen(part->text);
    }
}

static void set_stops(asked *a, const char *const *rows) {
    a->ask.n_stops = 0;
    for (; rows && *rows; rows++) {
        opro__part *stop = &a->stops[a->ask.n_stops++];

        *stop = (opro__part){0, (char *)(uintptr_t)*rows, strlen(*rows)};
    }
}

static void start(asked *a, const char *const *parts) {
    *a = (asked){.ask = {.model = "m",
                         .model_len = 1,
                         .samples = 1,
                         .temperature = (double)NAN,
                         .max_tokens = 64,
                         .prefix = OPRO_PREFIX_TRAILING,
                         .more = ""}};
    a->ask.parts = a->parts;
    a->ask.stops = a->stops;
    set_parts(a, parts);
}

/* The body is this one, with ' for ", both times. */
static void expect(int32_t id, const asked *a, const char *quoted) {
    const opro__dialect *dialect = opro__dialect_find(id, NULL);
    opro__buf buf;

    opro__buf_init(&buf, &mem, 1 << 20);
    for (int round = 0; round < 2; round++) {
        char *got;

        opro__buf_clear(&buf);
        dialect->write_body(&buf, &a->ask);
        assert_int_equal(buf.status, OPRO_OK);
        got = buf.data;
        for (size_t i = 0; i < buf.len; i++)
            if (got[i] == '"') got[i] = '\'';
        if (strcmp(got, quoted) != 0) fail_msg("%s:\n%s\nand not\n%s", dialect->name, got, quoted);
    }
    opro__buf_free(&buf);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_chat(void **state) {
    asked a;

    (void)state;
    start(&a, PARTS("Uhi"));
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'}],'max_tokens':64}");
    expect(OPRO_DIALECT_AZURE, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'}],'max_tokens':64}");
    set_parts(&a, PARTS("Sbe\nbrief", "Uhi", "Aho", "Uhum\x01\xc3\xa9"));
    set_stops(&a, PARTS("</T>", "", "\n"));
    a.ask.samples = 8;
    a.ask.temperature = 0.7;
    a.ask.seed = 17;
    a.ask.has_seed = 1;
    a.ask.completion_tokens = 1;
    a.ask.more = "\"top_k\":4,\"a\":[1]";
    a.ask.more_len = strlen(a.ask.more);
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'system','content':'be\\nbrief'},"
           "{'role':'user','content':'hi'},{'role':'assistant','content':'ho'},"
           "{'role':'user','content':'hum\\u0001\xc3\xa9'}],'max_completion_tokens':64,"
           "'temperature':0.7,'n':8,'stop':['</T>','\\n'],'seed':17,'top_k':4,'a':[1]}");
    a.ask.seed_name = "random_seed";
    a.ask.more_len = 0;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'system','content':'be\\nbrief'},"
           "{'role':'user','content':'hi'},{'role':'assistant','content':'ho'},"
           "{'role':'user','content':'hum\\u0001\xc3\xa9'}],'max_completion_tokens':64,"
           "'temperature':0.7,'n':8,'stop':['</T>','\\n'],'random_seed':17}");
    a.ask.seed_name = NULL;
    a.ask.more_len = strlen(a.ask.more);
    a.ask.dropped = OPRO__DROP_TEMPERATURE | OPRO__DROP_SEED | OPRO__DROP_STOP | OPRO__DROP_SYSTEM;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'be\\nbrief\\n\\nhi'},"
           "{'role':'assistant','content':'ho'},{'role':'user','content':'hum\\u0001\xc3\xa9'}],"
           "'max_completion_tokens':64,'n':8,'top_k':4,'a':[1]}");
}

static void test_system_alone(void **state) {
    asked a;

    (void)state;
    start(&a, PARTS("Sone", "Stwo", "Aho"));
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'system','content':'one'},{'role':'system','content':"
           "'two'},{'role':'assistant','content':'ho'}],'max_tokens':64}");
    /* where it has a place of its own, somebody must have said something */
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'user','content':'one\\n\\ntwo'},"
           "{'role':'assistant','content':'ho'}]}");
    a.ask.dropped = OPRO__DROP_SYSTEM;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'one\\n\\ntwo'},"
           "{'role':'assistant','content':'ho'}],'max_tokens':64}");
    set_parts(&a, PARTS("Sone", "Aho", "Uhi", "Uhum"));
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'assistant','content':'ho'},"
           "{'role':'user','content':'one\\n\\nhi'},{'role':'user','content':'hum'}],"
           "'max_tokens':64}");
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'assistant','content':'ho'},"
           "{'role':'user','content':'one\\n\\nhi'},{'role':'user','content':'hum'}]}");
}

static void test_begun(void **state) {
    asked a;

    (void)state;
    start(&a, PARTS("Uhi", "ALet us "));
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'Let us '}],'max_tokens':64}");
    a.ask.prefix = OPRO_PREFIX_CONTINUE;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'Let us '}],'add_generation_prompt':false,"
           "'continue_final_message':true,'max_tokens':64}");
    a.ask.prefix = OPRO_PREFIX_MARKED;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'Let us ','prefix':true}],'max_tokens':64}");
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'Let us'}]}");
    set_parts(&a, PARTS("Uhi", "A \n", "Uho ", "A \n"));
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':' \\n'},{'role':'user','content':'ho '}]}");
    set_parts(&a, PARTS("Uhi", "A\x01\t")); /* a control character is no white space */
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'\\u0001'}]}");
    set_parts(&a, PARTS("U", "A")); /* empty texts stay */
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'messages':[{'role':'user','content':''},"
           "{'role':'assistant','content':''}]}");
    set_parts(&a, PARTS("Uhi", "Aho", "Uhum")); /* it is not the last */
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'},{'role':'assistant','content':"
           "'ho'},{'role':'user','content':'hum'}],'max_tokens':64}");
}

static void test_completions(void **state) {
    asked a;

    (void)state;
    start(&a, PARTS("Uhi"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'hi','max_tokens':64,'echo':false}");
    a.ask.completion_tokens = 1; /* there is no such name here */
    a.ask.samples = 2;
    a.ask.temperature = 1;
    a.ask.seed = 3;
    a.ask.has_seed = 1;
    a.ask.more = "\"best_of\":4";
    a.ask.more_len = strlen(a.ask.more);
    set_stops(&a, PARTS("Q:"));
    set_parts(&a, PARTS("Sbe brief", "Uhi", "A<INS>"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'be brief\\n\\nhi\\n\\n<INS>','max_tokens':64,'temperature':1,"
           "'n':2,'stop':['Q:'],'seed':3,'echo':false,'best_of':4}");
    start(&a, PARTS("UQ: hi\nA:", "A Let us"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'Q: hi\\nA: Let us','max_tokens':64,'echo':false}");
    set_parts(&a, PARTS("UQ: hi\n", "AA: Let us"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'Q: hi\\nA: Let us','max_tokens':64,'echo':false}");
    set_parts(&a, PARTS("Uhi", "A"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'hi','max_tokens':64,'echo':false}");
    set_parts(&a, PARTS("Sbe brief", "Uhi", "Aho", "Uhum"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'be brief\\n\\nUser: hi\\n\\nAssistant: ho\\n\\nUser: hum\\n\\n"
           "Assistant:','max_tokens':64,'echo':false}");
    set_parts(&a, PARTS("U", "Aho", "Uhum"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'User:\\n\\nAssistant: ho\\n\\nUser: hum\\n\\nAssistant:',"
           "'max_tokens':64,'echo':false}");
    set_parts(&a, PARTS("Uhi", "Aho", "Uhum", "A so"));
    expect(OPRO_DIALECT_COMPLETIONS, &a,
           "{'model':'m','prompt':'User: hi\\n\\nAssistant: ho\\n\\nUser: hum\\n\\n"
           "Assistant: so','max_tokens':64,'echo':false}");
}

static void test_others(void **state) {
    asked a;

    (void)state;
    start(&a, PARTS("Sone", "Uhi", "Stwo", "Aho", "Uhum"));
    set_stops(&a, PARTS("</T>", " \n"));
    a.ask.samples = 4;
    a.ask.temperature = 0;
    a.ask.seed = UINT64_C(0xfffffffff0000001);
    a.ask.has_seed = 1;
    a.ask.more = "\"x\":\"[a,\\\"b\",\"safetySettings\":[{\"a\":1,\"b\":2}],\"topK\":40";
    a.ask.more_len = strlen(a.ask.more);
    expect(OPRO_DIALECT_RESPONSES, &a,
           "{'model':'m','instructions':'one\\n\\ntwo','input':[{'role':'user','content':'hi'},"
           "{'role':'assistant','content':'ho'},{'role':'user','content':'hum'}],"
           "'max_output_tokens':64,'temperature':0,'store':false,'x':'[a,\\'b','safetySettings':"
           "[{'a':1,'b':2}],'topK':40}");
    expect(OPRO_DIALECT_ANTHROPIC, &a,
           "{'model':'m','max_tokens':64,'system':'one\\n\\ntwo','messages':[{'role':'user',"
           "'content':'hi'},{'role':'assistant','content':'ho'},{'role':'user','content':'hum'}],"
           "'temperature':0,'stop_sequences':['</T>'],'x':'[a,\\'b','safetySettings':"
           "[{'a':1,'b':2}],'topK':40}");
    expect(OPRO_DIALECT_GEMINI, &a,
           "{'contents':[{'role':'user','parts':[{'text':'hi'}]},{'role':'model','parts':[{'text':"
           "'ho'}]},{'role':'user','parts':[{'text':'hum'}]}],'systemInstruction':{'parts':[{"
           "'text':'one\\n\\ntwo'}]},'generationConfig':{'maxOutputTokens':64,'candidateCount':4,"
           "'temperature':0,'stopSequences':['</T>',' \\n'],'seed':1879048193,'x':'[a,\\'b',"
           "'topK':40},'safetySettings':[{'a':1,'b':2}]}");
    a.ask.dropped = OPRO__DROP_SYSTEM;
    a.ask.more_len = a.ask.n_stops = 0;
    a.ask.has_seed = 0;
    a.ask.samples = 1;
    expect(OPRO_DIALECT_GEMINI, &a,
           "{'contents':[{'role':'user','parts':[{'text':'one\\n\\ntwo\\n\\nhi'}]},{'role':'model',"
           "'parts':[{'text':'ho'}]},{'role':'user','parts':[{'text':'hum'}]}],"
           "'generationConfig':{'maxOutputTokens':64,'temperature':0}}");
}

/* ---- what all bodies have in common ---------------------------------------------------------- */

static const int32_t ids[] = {OPRO_DIALECT_OPENAI,    OPRO_DIALECT_COMPLETIONS,
                              OPRO_DIALECT_RESPONSES, OPRO_DIALECT_ANTHROPIC,
                              OPRO_DIALECT_GEMINI,    OPRO_DIALECT_AZURE};

enum { DIALECTS = sizeof ids / sizeof *ids };

static int is_member(const opro__dialect *dialect, const char *name) {
    for (const char *const *member = dialect->members; *member; member++)
        if (strcmp(*member, name) == 0) return 1;
    return 0;
}

/* It is JSON, and a parameter of the host's cannot say anything of it a second time. */
static void check_body(const opro__dialect *dialect, const opro__ask *ask) {
    opro__buf buf;
    json_t *root, *value;
    const char *key;

    opro__buf_init(&buf, &mem, 1 << 20);
    dialect->write_body(&buf, ask);
    root = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
    if (!root) fail_msg("%s: no JSON: %s", dialect->name, buf.data);
    json_object_foreach(root, key, value) {
        if (!is_member(dialect, key)) fail_msg("%s writes %s", dialect->name, key);
    }
    json_object_foreach(json_object_get(root, "generationConfig"), key, value) {
        if (!is_member(dialect, key)) fail_msg("%s writes %s", dialect->name, key);
    }
    assert_true(is_member(dialect, "stream") || dialect->id == OPRO_DIALECT_GEMINI);
    json_decref(root);
    opro__buf_free(&buf);
}

static void test_every_combination(void **state) {
    static const char *const parts[][5] = {
        {"Uhi\"\\", NULL},           {"Sone", "Uhi", NULL},        {"Uhi", "Aho", NULL},
        {"Sone", "Uhi", "A ", NULL}, {"Uhi", "Aho", "Uhum", NULL}, {"Sone", NULL},
    };

    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            asked a;

            start(&a, parts[i]);
            if (bits & 1) a.ask.temperature = 0.5;
            if (bits & 2) set_stops(&a, PARTS("\"", " "));
            if (bits & 4) a.ask.samples = 2;
            if (bits & 8) a.ask.has_seed = 1;
            if (bits & 16) a.ask.completion_tokens = 1;
            if (bits & 32) a.ask.dropped |= OPRO__DROP_TEMPERATURE | OPRO__DROP_STOP;
            if (bits & 64) a.ask.dropped |= OPRO__DROP_SYSTEM;
            a.ask.prefix = OPRO_PREFIX_NONE + 10 * (int32_t)(bits >> 7);
            for (size_t k = 0; k < DIALECTS; k++)
                check_body(opro__dialect_find(ids[k], NULL), &a.ask);
        }
    }
}

static void test_locale(void **state) {
    asked a;

    (void)state;
    setlocale(LC_ALL, "fr_FR.UTF-8"); /* where it is there: a comma for the decimal point */
    start(&a, PARTS("Uhi"));
    a.ask.temperature = 0.25;
    expect(OPRO_DIALECT_OPENAI, &a,
           "{'model':'m','messages':[{'role':'user','content':'hi'}],'max_tokens':64,"
           "'temperature':0.25}");
    setlocale(LC_ALL, "C");
}

/* Without memory there is no body, and the buffer says so. */
static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator al = failing_allocator(&f);

    (void)state;
    for (size_t k = 0; k < DIALECTS; k++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st != OPRO_OK; n++) {
            opro__mem own;
            opro__buf buf;
            asked a;

            f.left = n;
            start(&a, PARTS("Sone", "Uhi", "Aho"));
            a.ask.prefix = OPRO_PREFIX_MARKED;
            assert_int_equal(opro__mem_init(&own, &al), OPRO_OK);
            opro__buf_init(&buf, &own, 1 << 20);
            opro__dialect_find(ids[k], NULL)->write_body(&buf, &a.ask);
            st = buf.status;
            assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
            assert_true(n > 0 || st == OPRO_ERR_NOMEM);
            opro__buf_free(&buf);
            assert_int_equal(f.live, 0);
        }
    }
}

/* ---- paths and hosts ------------------------------------------------------------------------- */

static void expect_path(int32_t id, const char *model, const char *path) {
    opro__buf buf;

    opro__buf_init(&buf, &mem, 1000);
    opro__dialect_find(id, NULL)->write_path(&buf, model, strlen(model));
    assert_string_equal(opro__buf_text(&buf), path);
    opro__buf_free(&buf);
}

static void test_paths(void **state) {
    (void)state;
    expect_path(OPRO_DIALECT_OPENAI, "m", "/chat/completions");
    expect_path(OPRO_DIALECT_AZURE, "m", "/chat/completions");
    expect_path(OPRO_DIALECT_COMPLETIONS, "m", "/completions");
    expect_path(OPRO_DIALECT_RESPONSES, "m", "/responses");
    expect_path(OPRO_DIALECT_ANTHROPIC, "m", "/messages");
    expect_path(OPRO_DIALECT_GEMINI, "gemini-2.0_x~", "/models/gemini-2.0_x~:generateContent");
    expect_path(OPRO_DIALECT_GEMINI, "models/a", "/models/a:generateContent");
    expect_path(OPRO_DIALECT_GEMINI, "tunedModels/a", "/tunedModels/a:generateContent");
    expect_path(OPRO_DIALECT_GEMINI,
                "../a?b#c%d \xc3\xa9:", "/models/..%2Fa%3Fb%23c%25d%20%C3%A9%3A:generateContent");
    expect_path(OPRO_DIALECT_GEMINI, "", "/models/:generateContent");
}

static void test_hosts(void **state) {
    static const struct {
        const char *host, *origin, *text, *name;
        int32_t prefix, sampling;
        const char *key;
    } rows[] = {
        {"api.openai.com", "https://api.openai.com:443", "https://api.openai.com/v1", "openai",
         OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO, NULL},
        {"x.openai.azure.com", "https://x.openai.azure.com:443", "", "azure", OPRO_PREFIX_NONE,
         OPRO_SAMPLING_AUTO, NULL},
        {"openai.azure.com.evil.org", "https://openai.azure.com.evil.org:443", "", "openai",
         OPRO_PREFIX_TRAILING, OPRO_SAMPLING_AUTO, NULL},
        {"notapi.openai.com", "https://notapi.openai.com:443", "", "openai", OPRO_PREFIX_TRAILING,
         OPRO_SAMPLING_AUTO, NULL},
        {"api.anthropic.com", "https://api.anthropic.com:443", "", "anthropic",
         OPRO_PREFIX_TRAILING, OPRO_SAMPLING_SINGLY, "ANTHROPIC_API_KEY"},
        {"generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com:443",
         "https://generativelanguage.googleapis.com/v1beta", "gemini", OPRO_PREFIX_NONE,
         OPRO_SAMPLING_AUTO, "GEMINI_API_KEY"},
        {"generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com:443",
         "https://generativelanguage.googleapis.com/v1beta/openai", "openai", OPRO_PREFIX_NONE,
         OPRO_SAMPLING_AUTO, "GEMINI_API_KEY"},
        {"openrouter.ai", "https://openrouter.ai:443", "", "openai", OPRO_PREFIX_TRAILING,
         OPRO_SAMPLING_SINGLY, "OPENROUTER_API_KEY"},
        {"api.groq.com", "https://api.groq.com:443", "", "openai", OPRO_PREFIX_TRAILING,
         OPRO_SAMPLING_SINGLY, "GROQ_API_KEY"},
        {"api.deepseek.com", "https://api.deepseek.com:443", "", "openai", OPRO_PREFIX_MARKED,
         OPRO_SAMPLING_SINGLY, "DEEPSEEK_API_KEY"},
        {"api.mistral.ai", "https://api.mistral.ai:443", "", "openai", OPRO_PREFIX_MARKED,
         OPRO_SAMPLING_AUTO, "MISTRAL_API_KEY"},
        {"127.0.0.1", "http://127.0.0.1:11434", "", "openai", OPRO_PREFIX_TRAILING,
         OPRO_SAMPLING_SINGLY, NULL},
        {"127.0.0.1", "http://127.0.0.1:8080", "", "openai", OPRO_PREFIX_TRAILING,
         OPRO_SAMPLING_AUTO, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        opro__url url = {0};
        const opro__dialect *dialect;
        const char *key, *seed;

        url.host = (char *)(uintptr_t)rows[i].host;
        url.origin = (char *)(uintptr_t)rows[i].origin;
        url.text = (char *)(uintptr_t)rows[i].text;
        dialect = opro__dialect_find(OPRO_DIALECT_AUTO, &url);
        assert_string_equal(dialect->name, rows[i].name);
        assert_int_equal(opro__known_prefix(dialect, &url), rows[i].prefix);
        assert_int_equal(opro__known_sampling(dialect, &url), rows[i].sampling);
        key = opro__known_key_name(&url);
        assert_true(!key == !rows[i].key);
        if (key) assert_string_equal(key, rows[i].key);
        seed = opro__known_seed(dialect, &url);
        assert_int_equal(seed != NULL, strcmp(rows[i].host, "api.mistral.ai") == 0);
        if (seed) assert_string_equal(seed, "random_seed");
        assert_null(opro__known_seed(&opro__dialect_gemini, &url));
        /* a base model goes on from any text */
        assert_int_equal(opro__known_prefix(&opro__dialect_completions, &url),
                         OPRO_PREFIX_TRAILING);
        assert_int_equal(opro__known_prefix(&opro__dialect_gemini, &url), OPRO_PREFIX_NONE);
        assert_int_equal(opro__known_sampling(&opro__dialect_anthropic, &url),
                         OPRO_SAMPLING_SINGLY);
    }
}

static void test_tables(void **state) {
    (void)state;
    for (size_t k = 0; k < DIALECTS; k++) {
        const opro__dialect *dialect = opro__dialect_find(ids[k], NULL);

        assert_int_equal(dialect->id, ids[k]);
        assert_true((dialect->most_samples != 1) == !!(dialect->can & OPRO__CAN_SAMPLES));
        assert_true(dialect->key_header && dialect->key_prefix && dialect->env_path);
        for (const char *c = dialect->request_id; *c; c++)
            assert_false(*c >= 'A' && *c <= 'Z');
        assert_non_null(dialect->env_url[0]);
        assert_non_null(dialect->env_key[0]);
    }
    assert_ptr_equal(opro__dialect_find(OPRO_DIALECT_AUTO, NULL), &opro__dialect_openai);
    assert_null(opro__dialect_find(0, NULL));
    assert_null(opro__dialect_find(1000, NULL));
    assert_null(opro__known_key_name(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_system_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_completions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_combination, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_locale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hosts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tables, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
