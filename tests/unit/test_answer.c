/* SPDX-License-Identifier: MIT */
/* Bodies of answers, and what is read from them. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "effort.h"
#include "failing.h"
#include "model/dialect.h"
#include "opro/model.h"

/*
 * A body, with ' for ", and what is expected of it:
 *
 *   W(stop)text ~reasoning | T(length) | -   the replies: whole, truncated, refused, failed, none
 *   #9/12/4/5                                the usage, if any is known: prompt, reply, cached,
 *                                            reasoning
 *   !words                                   OPRO_ERR_PARSE, and words of the message
 *   Ewords                                   OPRO_ERR_FAILED, and words of the error
 */
typedef struct row {
    int32_t dialect;
    size_t samples;
    const char *body, *expected;
    const char *begun, *stop;
} row;

#define CHAT   OPRO_DIALECT_OPENAI
#define LEGACY OPRO_DIALECT_COMPLETIONS
#define RESP   OPRO_DIALECT_RESPONSES
#define CLAUDE OPRO_DIALECT_ANTHROPIC
#define GEMINI OPRO_DIALECT_GEMINI

#define CHOICES(list)    "{'choices':[" list "]}"
#define CHOICE(i, text)  "{'index':" i ",'finish_reason':'stop','message':{'content':'" text "'}}"
#define MESSAGE(members) CHOICES("{'finish_reason':'stop','message':{" members "}}")
#define CONTENT(value)   MESSAGE("'content':" value)
#define FINISH(value)    CHOICES("{'finish_reason':" value ",'message':{'content':'hi'}}")
#define EMPTY(content, word)                                                                       \
    CHOICES("{'finish_reason':'" word "','message':{'content':" content "}}")
#define USAGE(members) "{'choices':[{'message':{'content':'hi'}}]," members "}"

static const row choices[] = {
    {CHAT, 1, CHOICES(CHOICE("0", "hi")), "W(stop)hi", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("1", "b")), "W(stop)a | W(stop)b", 0, 0},
    {CHAT, 3, CHOICES(CHOICE("2", "c") "," CHOICE("0", "a") "," CHOICE("1", "b")),
     "W(stop)a | W(stop)b | W(stop)c", 0, 0},
    {CHAT, 3, CHOICES(CHOICE("1", "b")), "- | W(stop)b | -", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("0", "b")), "W(stop)a | -", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("2", "b")), "W(stop)a | -", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("-1", "b")), "W(stop)a | -", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("4611686018427387904", "b")), "W(stop)a | -", 0,
     0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("'1'", "b")), "W(stop)a | W(stop)b", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0", "a") "," CHOICE("null", "b")), "W(stop)a | W(stop)b", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("0.0", "a") "," CHOICE("1.0", "b")), "W(stop)a | W(stop)b", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("-1", "a") "," CHOICE("1", "b")), "- | W(stop)b", 0, 0},
    {CHAT, 1, CHOICES(CHOICE("1", "a")), "W(stop)a", 0, 0}, /* one was asked for, one is there */
    {CHAT, 1, CHOICES(CHOICE("0", "a") "," CHOICE("1", "b")), "W(stop)a", 0, 0},
    {CHAT, 2, "{'choices':[{'message':{'content':'a'}},{'message':{'content':'b'}}]}",
     "W()a | W()b", 0, 0},
    {CHAT, 2, CHOICES("null," CHOICE("1", "b")), "- | W(stop)b", 0, 0},
    {CHAT, 2, CHOICES(CHOICE("5", "a") "," CHOICE("6", "b")), "!none of the replies", 0, 0},
    {CHAT, 1, "{}", "!no list \"choices\" in the answer: \"{}\"", 0, 0},
    {CHAT, 1, "{'choices':null}", "!no list \"choices\"", 0, 0},
    {CHAT, 1, "{'choices':{'0':" CHOICE("0", "a") "}}", "!no list \"choices\"", 0, 0},
    {CHAT, 1, "{'choices':'hi'}", "!no list \"choices\"", 0, 0},
    {CHAT, 1, CHOICES(""), "!no reply in \"choices\"", 0, 0},
    {CHAT, 1, CHOICES("null"), "!no reply", 0, 0},
    {CHAT, 1, CHOICES("7,'x',[],{}"), "!no reply", 0, 0},
    {CHAT, 1, CHOICES("{'message':null}"), "!no reply", 0, 0},
    {CHAT, 1, CHOICES("{'message':'hi'}"), "!no reply", 0, 0},
    {CHAT, 1, CHOICES("{'delta':{'content':'hi'}}"), "!no reply", 0, 0},
    {CHAT, 1, "[" CHOICES(CHOICE("0", "a")) "]", "!no object", 0, 0},
    {CHAT, 1, "[]", "!no object", 0, 0},
    {CHAT, 1, "[7]", "!no object", 0, 0},
    {CHAT, 1, "<html>Sign in</html>", "!HTML instead of JSON: \"<html>Sign in</html>\"", 0, 0},
    {CHAT, 1, "data: {}", "!stream of events", 0, 0},
    {CHAT, 1, "\n\n\r\n" CHOICES(CHOICE("0", "hi")) "\n", "W(stop)hi", 0, 0},
    {CHAT, 1, "\xef\xbb\xbf" CHOICES(CHOICE("0", "hi")), "W(stop)hi", 0, 0},
    {CHAT, 1, "{'created':1e400,'choices':[" CHOICE("0", "hi") "]}", "W(stop)hi", 0, 0},
    {CHAT, 1, CHOICES(CHOICE("0", "a\\u0000b\\ud800c\xff")),
     "W(stop)ab\xef\xbf\xbd"
     "c\xef\xbf\xbd",
     0, 0},
};

static const row contents[] = {
    {CHAT, 1, CONTENT("''"), "W(stop)", 0, 0},
    {CHAT, 1, CONTENT("' \\n '"), "W(stop) \n ", 0, 0},
    {CHAT, 1, CONTENT("null"), "W(stop)", 0, 0},
    {CHAT, 1, MESSAGE(""), "W(stop)", 0, 0},
    {CHAT, 1, CONTENT("7"), "!no reply", 0, 0},
    {CHAT, 1, CONTENT("true"), "!no reply", 0, 0},
    {CHAT, 1, CONTENT("{'type':'text','text':'hi'}"), "!no reply", 0, 0},
    {CHAT, 1, CONTENT("[]"), "W(stop)", 0, 0},
    {CHAT, 1, CONTENT("[{'type':'text','text':'re'},{'type':'text','text':'ply'}]"), "W(stop)reply",
     0, 0},
    {CHAT, 1, CONTENT("['re',{'text':'ply'},null,7,[],{'type':'image_url'},{'type':'text'}]"),
     "W(stop)reply", 0, 0},
    {CHAT, 1,
     CONTENT("[{'type':'thinking','thinking':[{'type':'text','text':'hm'}]},"
             "{'type':'text','text':'hi'}]"),
     "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, CONTENT("[{'type':'thinking','thinking':'hm'},{'type':'text','text':'hi'}]"),
     "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, CONTENT("[{'type':'summary_text','text':'hm'},{'type':'text','text':'hi'}]"),
     "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, CONTENT("[{'type':'refusal','refusal':'no'}]"), "R(stop)no", 0, 0},
    {CHAT, 1, MESSAGE("'content':null,'refusal':'no'"), "R(stop)no", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','refusal':null"), "W(stop)hi", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','refusal':''"), "W(stop)hi", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','refusal':7"), "W(stop)hi", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','tool_calls':[]"), "W(stop)hi", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','reasoning_content':'hm'"), "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','reasoning':'hm'"), "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','reasoning':'hm','reasoning_content':'hm'"), "W(stop)hi ~hm",
     0, 0},
    {CHAT, 1,
     MESSAGE(
         "'content':'hi','reasoning_details':[{'type':'reasoning.text','text':'h'},"
         "{'type':'reasoning.summary','summary':'m'},{'type':'reasoning.encrypted','data':'x'}]"),
     "W(stop)hi ~hm", 0, 0},
    {CHAT, 1, MESSAGE("'content':'hi','reasoning':7,'reasoning_content':['x']"), "W(stop)hi", 0, 0},
    {CHAT, 1, MESSAGE("'content':'','reasoning':'hm'"), "W(stop) ~hm", 0, 0},
    {LEGACY, 1, CHOICES("{'index':0,'text':'hi','finish_reason':'stop'}"), "W(stop)hi", 0, 0},
    {LEGACY, 1, CHOICES("{'index':0,'text':'','finish_reason':'length'}"), "T(length)", 0, 0},
    {LEGACY, 1, CHOICES("{'index':0,'text':null}"), "!no reply", 0, 0},
    {LEGACY, 1, CHOICES("{'message':{'content':'hi'}}"), "W()hi", 0, 0},
    {CHAT, 1, CHOICES("{'text':'hi'}"), "W()hi", 0, 0},
};

static const row finishes[] = {
    {CHAT, 1, FINISH("'length'"), "T(length)hi", 0, 0},
    {CHAT, 1, FINISH("'LENGTH'"), "T(LENGTH)hi", 0, 0},
    {CHAT, 1, FINISH("'model_length'"), "T(model_length)hi", 0, 0},
    {CHAT, 1, FINISH("'max_tokens'"), "T(max_tokens)hi", 0, 0},
    {CHAT, 1, FINISH("'repetition'"), "T(repetition)hi", 0, 0},
    {CHAT, 1, FINISH("'eos'"), "W(eos)hi", 0, 0},
    {CHAT, 1, FINISH("'tool_calls'"), "W(tool_calls)hi", 0, 0},
    {CHAT, 1, FINISH("'content_filter'"), "R(content_filter)hi", 0, 0},
    {CHAT, 1, FINISH("'error'"), "F(error)", 0, 0},
    {CHAT, 1, FINISH("'abort'"), "F(abort)", 0, 0},
    {CHAT, 1, FINISH("'insufficient_system_resource'"), "F(insufficient_system_resource)", 0, 0},
    {CHAT, 1, FINISH("'full_moon'"), "W(full_moon)hi", 0, 0},
    {CHAT, 1, FINISH("'lengthy'"), "W(lengthy)hi", 0, 0},
    {CHAT, 1, FINISH("'len'"), "W(len)hi", 0, 0},
    {CHAT, 1, FINISH("''"), "W()hi", 0, 0},
    {CHAT, 1, FINISH("null"), "W()hi", 0, 0},
    {CHAT, 1, FINISH("7"), "W()hi", 0, 0},
    {CHAT, 1, FINISH("'a_finish_reason_of_forty_bytes_and_no_less'"),
     "W(a_finish_reason_of_forty_bytes_)hi", 0, 0},
    {CHAT, 1, FINISH("'a_finish_reason_cut_in_letter_\xc3\xa9\xc3\xa9'"),
     "W(a_finish_reason_cut_in_letter_)hi", 0, 0},
    {CHAT, 1, EMPTY("null", "length"), "T(length)", 0, 0},
    {CHAT, 1, EMPTY("''", "length"), "T(length)", 0, 0},
    {CHAT, 1, EMPTY("null", "content_filter"), "R(content_filter)", 0, 0},
    {CHAT, 1, EMPTY("null", "tool_calls"), "F(tool_calls)", 0, 0},
    {CHAT, 1, EMPTY("''", "function_call"), "F(function_call)", 0, 0},
};

static const row usages[] = {
    {CHAT, 1,
     USAGE("'usage':{'prompt_tokens':9,'completion_tokens':12,'prompt_tokens_details':{"
           "'cached_tokens':4},'completion_tokens_details':{'reasoning_tokens':5}}"),
     "W()hi #9/12/4/5", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':9,'completion_tokens':12}"), "W()hi #9/12/0/0", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':9}"), "W()hi #9/0/0/0", 0, 0},
    {CHAT, 1, USAGE("'usage':null"), "W()hi", 0, 0},
    {CHAT, 1, USAGE("'usage':[]"), "W()hi", 0, 0},
    {CHAT, 1, USAGE("'usage':'9'"), "W()hi", 0, 0},
    {CHAT, 1, USAGE("'usage':{}"), "W()hi", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':-1,'completion_tokens':-1}"), "W()hi", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':9.0,'completion_tokens':12.5}"), "W()hi #9/12/0/0", 0,
     0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':1e300,'completion_tokens':1}"), "W()hi #0/1/0/0", 0,
     0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':9007199254740993,'completion_tokens':1}"),
     "W()hi #0/1/0/0", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':1180591620717411303424,'completion_tokens':1}"),
     "W()hi #0/1/0/0", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':'9','completion_tokens':'12'}"), "W()hi", 0, 0},
    {CHAT, 1,
     USAGE("'usage':{'prompt_tokens':9,'completion_tokens':3,'prompt_tokens_details':{"
           "'cached_tokens':10},'completion_tokens_details':{'reasoning_tokens':10}}"),
     "W()hi #9/3/9/3", 0, 0},
    {CHAT, 1,
     USAGE("'usage':{'prompt_tokens':9,'completion_tokens':3,'prompt_tokens_details':null,"
           "'completion_tokens_details':[5]}"),
     "W()hi #9/3/0/0", 0, 0},
    {CHAT, 1,
     USAGE("'usage':{'prompt_tokens':9,'completion_tokens':3,'prompt_cache_hit_tokens':4,"
           "'prompt_cache_miss_tokens':5}"),
     "W()hi #9/3/4/0", 0, 0},
    {CHAT, 1, USAGE("'usage':{'prompt_tokens':9,'completion_tokens':3},'timings':{'cache_n':4}"),
     "W()hi #9/3/4/0", 0, 0},
};

static const row errors[] = {
    {CHAT, 1, "{'error':{'message':'Provider returned error','code':502}}", "EProvider", 0, 0},
    {CHAT, 1, "{'error':{'message':'no'},'choices':[" CHOICE("0", "hi") "]}", "Eno", 0, 0},
    {CHAT, 1, "{'error':'out of luck'}", "Eout of luck", 0, 0},
    {CHAT, 1, "{'object':'error','message':'flat'}", "Eflat", 0, 0},
    {CHAT, 1, "[{'error':{'message':'in a list'}}]", "Ein a list", 0, 0},
    {CHAT, 1, "{'error':null,'choices':[" CHOICE("0", "hi") "]}", "W(stop)hi", 0, 0},
    {CHAT, 1, "{'error':{},'choices':[" CHOICE("0", "hi") "]}", "W(stop)hi", 0, 0},
    {CHAT, 1, "{'error':'','choices':[" CHOICE("0", "hi") "]}", "W(stop)hi", 0, 0},
    {CHAT, 1, CHOICES("{'error':{'message':'died','code':502},'finish_reason':'error'}"), "E502", 0,
     0},
    {CHAT, 2, CHOICES("{'error':{'message':'died'}}," CHOICE("1", "hi")),
     "F(error)died | W(stop)hi", 0, 0},
    {CHAT, 2, CHOICES("{'error':'died','message':{'content':'h'}}," CHOICE("1", "hi")),
     "F(error)died | W(stop)hi", 0, 0},
    {CHAT, 2, CHOICES("{'error':{'message':7}}," CHOICE("1", "hi")), "F(error) | W(stop)hi", 0, 0},
    {CHAT, 1, CHOICES("{'error':null,'message':{'content':'hi'}}"), "W()hi", 0, 0},
    {CHAT, 1, CHOICES("{'error':{},'message':{'content':'hi'}}"), "W()hi", 0, 0},
    {CLAUDE, 1, "{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}",
     "Eoverloaded_error", 0, 0},
};

static const row polished[] = {
    /* thoughts */
    {CHAT, 1, CONTENT("'<think>\\nhm\\n</think>\\n\\nhi'"), "W(stop)hi ~\nhm\n", 0, 0},
    {CHAT, 1, CONTENT("' \\n<think></think>hi'"), "W(stop)hi ~", 0, 0},
    {CHAT, 1, CONTENT("'<think>hm</think>'"), "W(stop) ~hm", 0, 0},
    {CHAT, 1, MESSAGE("'content':'<think>a</think>hi','reasoning':'b'"), "W(stop)hi ~b", 0, 0},
    {CHAT, 1, CONTENT("'\\u0001<think>hm</think>'"), "W(stop)\x01<think>hm</think>", 0, 0},
    {CHAT, 1, CONTENT("'hi <think>hm</think>'"), "W(stop)hi <think>hm</think>", 0, 0},
    {CHAT, 1, CONTENT("'<think>hm'"), "W(stop)<think>hm", 0, 0},
    {CHAT, 1, EMPTY("'<think>hm'", "length"), "T(length) ~hm", 0, 0},
    {CHAT, 1, EMPTY("'<think>hm</think> hi'", "length"), "T(length)hi ~hm", 0, 0},
    {CHAT, 1, EMPTY("'<think'", "length"), "T(length)<think", 0, 0},
    {CHAT, 1, EMPTY("'<think>hm'", "content_filter"), "R(content_filter)<think>hm", 0, 0},
    /* stop texts */
    {CHAT, 1, CONTENT("'hi</T>more'"), "W(stop)hi", 0, "</T>"},
    {CHAT, 1, CONTENT("'hi</T></T>'"), "W(stop)hi", 0, "</T>"},
    {CHAT, 1, CONTENT("'</T>'"), "W(stop)", 0, "</T>"},
    {CHAT, 1, CONTENT("'<</<//T</T'"), "W(stop)<</<//T</T", 0, "</T>"},
    {CHAT, 1, CONTENT("'a</Tb</T>c'"), "W(stop)a</Tb", 0, "</T>"},
    {CHAT, 1, CONTENT("'0123456789012345678<'"), "W(stop)0123456789012345678<", 0,
     "</TEXT/TEXT/TEXT>"},
    {CHAT, 1, CONTENT("'hi'"), "W(stop)hi", 0, ""},
    {CHAT, 1, EMPTY("'hi</T>mo'", "length"), "W(length)hi", 0, "</T>"},
    {CHAT, 1, EMPTY("'hi</T>mo'", "content_filter"), "R(content_filter)hi</T>mo", 0, "</T>"},
    {CHAT, 1, CONTENT("'<think>a</T>b</think>hi</T>'"), "W(stop)hi ~a</T>b", 0, "</T>"},
    /* a begun answer */
    {CHAT, 1, CONTENT("'Let us go'"), "W(stop) go", "Let us", 0},
    {CHAT, 1, CONTENT("' go'"), "W(stop) go", "Let us", 0},
    {CHAT, 1, CONTENT("'Let'"), "W(stop)Let", "Let us", 0},
    {CHAT, 1, CONTENT("'Let us'"), "W(stop)", "Let us", 0},
    {CHAT, 1, CONTENT("'<T>hi</T>'"), "W(stop)hi", "<T>", "</T>"},
    {CHAT, 1, CONTENT("'</T>hi</T>'"), "W(stop)hi", "</T>", "</T>"},
    {LEGACY, 1, CHOICES("{'text':' go'}"), "W() go", "Let us", 0},
};

#define OUTPUT(status, items) "{'id':'r','status':'" status "','error':null,'output':[" items "]}"
#define ITEM(parts)           "{'type':'message','content':[" parts "]}"
#define OUT(text)             "{'type':'output_text','text':'" text "'}"

static const row responses[] = {
    {RESP, 1, OUTPUT("completed", ITEM(OUT("hi"))), "W(completed)hi", 0, 0},
    {RESP, 1,
     OUTPUT("completed",
            "{'type':'reasoning','summary':[{'type':'summary_text','text':'hm'}]}," ITEM(
                OUT("re") "," OUT("p")) ",{'type':'web_search_call'}," ITEM(OUT("ly"))),
     "W(completed)reply ~hm", 0, 0},
    {RESP, 1,
     OUTPUT("completed", "{'type':'reasoning','summary':[],'content':[{'type':'reasoning_text','"
                         "text':'hm'}]}," ITEM(OUT("hi"))),
     "W(completed)hi ~hm", 0, 0},
    {RESP, 1, OUTPUT("completed", ITEM("{'type':'refusal','refusal':'no'}")), "R(completed)no", 0,
     0},
    {RESP, 1,
     "{'status':'incomplete','incomplete_details':{'reason':'max_output_tokens'},'output':[" ITEM(
         OUT("hi")) "]}",
     "T(max_output_tokens)hi", 0, 0},
    {RESP, 1, "{'status':'incomplete','incomplete_details':{'reason':'max_output_tokens'}}",
     "T(max_output_tokens)", 0, 0},
    {RESP, 1,
     "{'status':'incomplete','incomplete_details':{'reason':'content_filter'},'output':[]}",
     "R(content_filter)", 0, 0},
    {RESP, 1, OUTPUT("failed", ""), "F(failed)", 0, 0},
    {RESP, 1, OUTPUT("cancelled", ITEM(OUT("h"))), "F(cancelled)", 0, 0},
    {RESP, 1, OUTPUT("queued", ""), "F(queued)", 0, 0},
    {RESP, 1, "{'status':'failed','error':{'code':'server_error','message':'x'},'output':[]}",
     "Eserver_error", 0, 0},
    {RESP, 1, OUTPUT("completed", ""), "!no message in \"output\"", 0, 0},
    {RESP, 1, OUTPUT("completed", "null,7,'x',{'type':7}"), "!no message", 0, 0},
    {RESP, 1, OUTPUT("incomplete", ITEM(OUT("h"))), "T(incomplete)h", 0, 0},
    {RESP, 1, OUTPUT("completed", "{'type':'message','content':'x'}"), "!no message", 0, 0},
    {RESP, 1, OUTPUT("completed", "{'type':'message','content':7}"), "!no message", 0, 0},
    {RESP, 1, OUTPUT("completed", "{'type':'message'}"), "!no message", 0, 0},
    {RESP, 1, "{'status':'completed','output':null}", "!no message", 0, 0},
    {RESP, 1, "{}", "!no message", 0, 0},
    {RESP, 1, "{'output':[" ITEM(OUT("hi")) "]}", "W()hi", 0, 0},
    {RESP, 1,
     "{'output':[" ITEM(OUT("hi")) "],'usage':{'input_tokens':9,'input_tokens_details':{"
                                   "'cached_tokens':4},'output_tokens':12,'output_tokens_details':{"
                                   "'reasoning_tokens':5}}}",
     "W()hi #9/12/4/5", 0, 0},
};

#define BLOCKS(reason, blocks) "{'type':'message','content':[" blocks "],'stop_reason':" reason "}"
#define TEXT(text)             "{'type':'text','text':'" text "'}"

static const row messages[] = {
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT("hi")), "W(end_turn)hi", 0, 0},
    {CLAUDE, 1, BLOCKS("'stop_sequence'", TEXT("re") "," TEXT("ply")), "W(stop_sequence)reply", 0,
     0},
    {CLAUDE, 1, BLOCKS("'max_tokens'", TEXT("hi")), "T(max_tokens)hi", 0, 0},
    {CLAUDE, 1, BLOCKS("'model_context_window_exceeded'", TEXT("hi")),
     "T(model_context_window_exceeded)hi", 0, 0},
    {CLAUDE, 1, BLOCKS("'pause_turn'", TEXT("hi")), "T(pause_turn)hi", 0, 0},
    {CLAUDE, 1, BLOCKS("'refusal'", ""), "R(refusal)", 0, 0},
    {CLAUDE, 1,
     "{'content':[],'stop_reason':'refusal','stop_details':{'type':'refusal','explanation':'no'}}",
     "R(refusal)no", 0, 0},
    {CLAUDE, 1, BLOCKS("'moon'", TEXT("hi")), "W(moon)hi", 0, 0},
    {CLAUDE, 1, BLOCKS("null", TEXT("hi")), "W()hi", 0, 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", ""), "W(end_turn)", 0, 0},
    {CLAUDE, 1, BLOCKS("'tool_use'", "{'type':'tool_use','id':'1','input':{}}"), "F(tool_use)", 0,
     0},
    {CLAUDE, 1,
     BLOCKS("'end_turn'", "{'type':'thinking','thinking':'hm','signature':'x'},"
                          "{'type':'redacted_thinking','data':'x'}," TEXT("hi")),
     "W(end_turn)hi ~hm", 0, 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", "null,7,[],{},{'type':'text','text':7}"), "W(end_turn)", 0, 0},
    {CLAUDE, 1, "{'content':'hi'}", "W()hi", 0, 0},
    {CLAUDE, 1, "{'content':null,'stop_reason':'end_turn'}", "!no list \"content\"", 0, 0},
    {CLAUDE, 1, "{'stop_reason':'end_turn'}", "!no list \"content\"", 0, 0},
    {CLAUDE, 1, "{'content':{}}", "!no list \"content\"", 0, 0},
    {CLAUDE, 1,
     "{'content':[" TEXT("hi") "],'usage':{'input_tokens':9,'output_tokens':12,"
                               "'cache_creation_input_tokens':3,'cache_read_input_tokens':4}}",
     "W()hi #16/12/4/0", 0, 0},
    {CLAUDE, 1, "{'content':[" TEXT("hi") "],'usage':{'input_tokens':9,'output_tokens':12}}",
     "W()hi #9/12/0/0", 0, 0},
    {CLAUDE, 1,
     "{'content':[" TEXT("hi") "],'usage':{'input_tokens':'9','cache_read_input_tokens':4}}",
     "W()hi", 0, 0},
    /* the begun answer was sent without its last white space */
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT(" go")), "W(end_turn)go", "Let us ", 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT("go")), "W(end_turn)go", "Let us ", 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT("\\ngo")), "W(end_turn)\ngo", "Let us ", 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT(" go")), "W(end_turn) go", "Let us", 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT("")), "W(end_turn)", "Let us ", 0},
    {CLAUDE, 1, BLOCKS("'end_turn'", TEXT(" ")), "W(end_turn) ", "Let us                    ", 0},
};

#define CANDIDATES(list) "{'candidates':[" list "]}"
#define CANDIDATE(reason, parts)                                                                   \
    "{'finishReason':'" reason "','content':{'role':'model','parts':[" parts "]}}"

static const row geminis[] = {
    {GEMINI, 1, CANDIDATES(CANDIDATE("STOP", "{'text':'re'},{'text':'ply'}")), "W(STOP)reply", 0,
     0},
    {GEMINI, 2,
     CANDIDATES("{'index':1,'content':{'parts':[{'text':'b'}]}},"
                "{'index':0,'content':{'parts':[{'text':'a'}]}}"),
     "W()a | W()b", 0, 0},
    {GEMINI, 2, /* an index of 0 is not sent */
     CANDIDATES(
         "{'content':{'parts':[{'text':'a'}]}},{'index':1,'content':{'parts':[{'text':'b'}]}}"),
     "W()a | W()b", 0, 0},
    {GEMINI, 1, CANDIDATES(CANDIDATE("STOP", "{'text':'hm','thought':true},{'text':'hi'}")),
     "W(STOP)hi ~hm", 0, 0},
    {GEMINI, 1, CANDIDATES(CANDIDATE("MAX_TOKENS", "{'text':'hi'}")), "T(MAX_TOKENS)hi", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'MAX_TOKENS','content':{'role':'model'}}"),
     "T(MAX_TOKENS)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'MAX_TOKENS','finishMessage':'x'}"), "T(MAX_TOKENS)", 0,
     0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'MAX_TOKENS'}"), "T(MAX_TOKENS)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'SAFETY'}"), "R(SAFETY)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'RECITATION','finishMessage':'seen'}"),
     "R(RECITATION)seen", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'SPII'}"), "R(SPII)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'BLOCKLIST'}"), "R(BLOCKLIST)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'PROHIBITED_CONTENT'}"), "R(PROHIBITED_CONTENT)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'LANGUAGE'}"), "R(LANGUAGE)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'OTHER'}"), "F(OTHER)", 0, 0},
    {GEMINI, 1, CANDIDATES("{'finishReason':'MALFORMED_FUNCTION_CALL'}"),
     "F(MALFORMED_FUNCTION_CALL)", 0, 0},
    {GEMINI, 1, CANDIDATES(CANDIDATE("MOON", "{'text':'hi'}")), "W(MOON)hi", 0, 0},
    {GEMINI, 1, CANDIDATES(CANDIDATE("STOP", "null,7,{},{'text':7},{'functionCall':{}}")),
     "W(STOP)", 0, 0},
    {GEMINI, 2, "{'promptFeedback':{'blockReason':'SAFETY'}}", "R(SAFETY)SAFETY | R(SAFETY)SAFETY",
     0, 0},
    {GEMINI, 1, "{'candidates':[],'promptFeedback':{'blockReason':'OTHER'}}", "R(OTHER)OTHER", 0,
     0},
    {GEMINI, 1, "{'promptFeedback':{'blockReason':'SAFETY','blockReasonMessage':'no'}}",
     "R(SAFETY)no", 0, 0},
    {GEMINI, 1, "{'promptFeedback':{}}", "!no reply in \"candidates\"", 0, 0},
    {GEMINI, 1, "{}", "!no reply in \"candidates\"", 0, 0},
    {GEMINI, 1, CANDIDATES("null,7,{}"), "!no reply", 0, 0},
    {GEMINI, 1, CANDIDATES("{'content':{'parts':7}}"), "!no reply", 0, 0},
    {GEMINI, 1, CANDIDATES("{'content':7}"), "!no reply", 0, 0},
    {GEMINI, 1, CANDIDATES("{'content':7,'finishReason':'SAFETY'}"), "R(SAFETY)", 0, 0},
    {GEMINI, 1, CANDIDATES(CANDIDATE("STOP", "{'text':'hi','thought':false}")), "W(STOP)hi", 0, 0},
    {GEMINI, 1, "[{'error':{'code':429,'status':'RESOURCE_EXHAUSTED'}}]", "ERESOURCE_EXHAUSTED", 0,
     0},
    {GEMINI, 1,
     "{'candidates':[" CANDIDATE("STOP", "{'text':'hi'}") "],'usageMetadata':{'promptTokenCount':9,"
                                                          "'candidatesTokenCount':12,"
                                                          "'thoughtsTokenCount':5,"
                                                          "'cachedContentTokenCount':4}}",
     "W(STOP)hi #9/17/4/5", 0, 0},
    {GEMINI, 1,
     "{'candidates':[{'finishReason':'MAX_TOKENS'}],'usageMetadata':{'promptTokenCount':9,"
     "'thoughtsTokenCount':5}}",
     "T(MAX_TOKENS) #9/5/0/5", 0, 0},
};

/* ---- reading them ---------------------------------------------------------------------------- */

static opro__mem mem;

static int set_up(void **state) {
    (void)state;
    return opro__mem_init(&mem, NULL);
}

static int tear_down(void **state) {
    (void)state;
    return mem.used != 0;
}

/* A body without room behind it, so that a step too far is seen. */
static char *body_of(const char *quoted, size_t *len) {
    char *body;

    *len = strlen(quoted);
    body = malloc(*len ? *len : 1);
    assert_non_null(body);
    for (size_t i = 0; i < *len; i++)
        body[i] = quoted[i] == '\'' ? '"' : quoted[i];
    return body;
}

static opro_status read_row(const row *r, opro__mem *own, opro__answer *answer, json_t **error,
                            opro_error *err) {
    char hello[] = "hello";
    opro__part parts[] = {{OPRO_ROLE_USER, hello, 5}, {OPRO_ROLE_ASSISTANT, NULL, 0}};
    opro__part stop = {0, NULL, 0};
    opro__ask ask = {.model = "m", .model_len = 1, .parts = parts, .n_parts = 1, .more = ""};
    size_t len;
    char *body = body_of(r->body, &len);
    opro_status st;

    ask.samples = r->samples;
    ask.temperature = (double)NAN;
    if (r->begun) {
        parts[1].text = body_of(r->begun, &parts[1].len);
        ask.n_parts = 2;
    }
    if (r->stop) {
        stop.text = body_of(r->stop, &stop.len);
        ask.stops = &stop;
        ask.n_stops = 1;
    }
    opro__err_clear(err);
    st = opro__answer_init(answer, own, r->samples);
    if (st == OPRO_OK)
        st = opro__dialect_read(opro__dialect_find(r->dialect, NULL), answer, error, &ask, body,
                                len, err);
    free(body);
    free(parts[1].text);
    free(stop.text);
    return st;
}

static void add_reply(opro__buf *out, const opro__reply_text *reply) {
    static const char letters[] = "-WTRF";

    opro__buf_addc(out, letters[reply->outcome / 10]);
    if (reply->outcome == OPRO_OUTCOME_NONE) {
        assert_null(reply->text);
        return;
    }
    opro__buf_addc(out, '(');
    opro__buf_addz(out, reply->finish);
    opro__buf_addc(out, ')');
    assert_non_null(reply->text);
    assert_int_equal(strlen(reply->text), reply->len);
    assert_true(opro__utf8_valid(reply->text, reply->len));
    opro__buf_add(out, reply->text, reply->len);
    if (!reply->reasoning) return;
    assert_int_equal(strlen(reply->reasoning), reply->reasoning_len);
    opro__buf_addz(out, " ~");
    opro__buf_add(out, reply->reasoning, reply->reasoning_len);
}

static void add_answer(opro__buf *out, const opro__answer *answer) {
    const opro__usage *usage = &answer->usage;
    const int64_t counts[] = {usage->prompt, usage->reply, usage->cached, usage->reasoning};

    for (size_t i = 0; i < answer->n_replies; i++) {
        if (i) opro__buf_addz(out, " | ");
        add_reply(out, &answer->replies[i]);
    }
    for (size_t i = 0; usage->known && i < 4; i++) {
        opro__buf_addz(out, i ? "/" : " #");
        opro__buf_add_int(out, counts[i]);
    }
}

static void check_row(const row *r) {
    opro__answer answer;
    json_t *error = NULL;
    opro_error err;
    opro_status st = read_row(r, &mem, &answer, &error, &err);
    opro__buf got;

    opro__buf_init(&got, &mem, SIZE_MAX / 2);
    assert_true((error != NULL) == (st == OPRO_ERR_FAILED));
    assert_int_equal(err.status, st);
    if (st == OPRO_ERR_FAILED) {
        char *dump = json_dumps(error, JSON_ENCODE_ANY);

        opro__buf_addc(&got, 'E');
        if (strstr(dump, r->expected + 1)) opro__buf_addz(&got, r->expected + 1);
        free(dump);
    } else if (st == OPRO_ERR_PARSE) {
        opro__buf_addc(&got, '!');
        opro__buf_addz(&got, strstr(err.message, r->expected + 1) ? r->expected + 1 : err.message);
    } else {
        assert_int_equal(st, OPRO_OK);
        add_answer(&got, &answer);
    }
    if (strcmp(opro__buf_text(&got), r->expected) != 0)
        fail_msg("%s\n  is read as %s\n      and not %s", r->body, opro__buf_text(&got),
                 r->expected);
    opro__buf_free(&got);
    json_decref(error);
    opro__answer_free(&answer);
    opro__answer_free(&answer); /* twice is fine */
}

#define CHECK(rows)                                                                                \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                 \
            check_row(&(rows)[i]);                                                                 \
    } while (0)

static void test_choices(void **state) {
    (void)state;
    CHECK(choices);
}

static void test_contents(void **state) {
    (void)state;
    CHECK(contents);
}

static void test_finishes(void **state) {
    (void)state;
    CHECK(finishes);
}

static void test_usages(void **state) {
    (void)state;
    CHECK(usages);
    setlocale(LC_ALL, "fr_FR.UTF-8"); /* where it is there */
    CHECK(usages);
    setlocale(LC_ALL, "C");
}

static void test_errors(void **state) {
    (void)state;
    CHECK(errors);
}

static void test_polished(void **state) {
    (void)state;
    CHECK(polished);
}

static void test_dialects(void **state) {
    (void)state;
    CHECK(responses);
    CHECK(messages);
    CHECK(geminis);
}

/* ---- and the rest ---------------------------------------------------------------------------- */

static void test_counts_and_id(void **state) {
    row r = {CHAT,
             2,
             "{'id':'chatcmpl-1','choices':[" CHOICE("0", "a") "," CHOICE("0", "b") "," CHOICE(
                 "9", "c") ",null]}",
             NULL,
             NULL,
             NULL};
    opro__answer answer;
    json_t *error = NULL;
    opro_error err;

    (void)state;
    assert_int_equal(read_row(&r, &mem, &answer, &error, &err), OPRO_OK);
    assert_int_equal(answer.n_given, 3);
    assert_string_equal(answer.id, "chatcmpl-1");
    opro__answer_free(&answer);
    r.dialect = GEMINI;
    r.body =
        "{'responseId':'123456789012345678901234567890123456789012345678901234567890ab\xc3\xa9',"
        "'promptFeedback':{'blockReason':'X'}}";
    assert_int_equal(read_row(&r, &mem, &answer, &error, &err), OPRO_OK);
    assert_string_equal(answer.id,
                        "123456789012345678901234567890123456789012345678901234567890ab");
    opro__answer_free(&answer);
    assert_int_equal(opro__answer_init(&answer, &mem, SIZE_MAX), OPRO_ERR_NOMEM);
    opro__answer_free(&answer);
}

/* 10 MB of text, and one that stop texts are looked for in where they nearly are everywhere. */
static void test_long(void **state) {
    const size_t n = 10 << 20;
    char *body;
    row r = {CHAT, 1, NULL, NULL, NULL, "</TEXT>"};
    opro__answer answer;
    json_t *error = NULL;
    opro_error err;

    (void)state;
    if (!effort_for_size()) skip();
    r.body = body = malloc(n + 100);
    assert_non_null(body);
    strcpy(body, "{'choices':[{'message':{'content':'");
    memset(body + strlen(body), '<', n);
    strcpy(body + 35 + n, "</TEXT>more'}}]}");
    assert_int_equal(read_row(&r, &mem, &answer, &error, &err), OPRO_OK);
    assert_int_equal(answer.replies[0].len, n);
    opro__answer_free(&answer);
    free(body);
}

/* One allocation fails, and those after it do not: no piece may be missing then. */
static void *once_alloc(size_t n, void *user_data) {
    void *p = failing_alloc(n, user_data);

    if (!p) ((failing *)user_data)->left = -1;
    return p;
}

static void *once_realloc(void *old, size_t n, void *user_data) {
    void *p = failing_realloc(old, n, user_data);

    if (!p) ((failing *)user_data)->left = -1;
    return p;
}

/* Every allocation fails in turn: nothing is lost, and it says so. */
static void test_no_memory(void **state) {
    static const row rows[] = {
        {CHAT, 2,
         CHOICES("{'index':1,'message':{'content':'<think>a\xff</think>b','refusal':null}},"
                 "{'index':0,'message':{'content':null,'refusal':'no','reasoning':'hm'}}"),
         NULL, NULL, NULL},
        {RESP, 1, OUTPUT("completed", ITEM(OUT("hi"))), NULL, NULL, NULL},
        {CLAUDE, 1, BLOCKS("'end_turn'", TEXT("hi")), NULL, NULL, NULL},
        {GEMINI, 2, "{'promptFeedback':{'blockReason':'SAFETY'}}", NULL, NULL, NULL},
        {GEMINI, 2,
         CANDIDATES(CANDIDATE("STOP", "{'text':'a'}") "," CANDIDATE("STOP", "{'text':'b'}")), NULL,
         NULL, NULL},
    };
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);

    (void)state;
    a.alloc = once_alloc;
    a.realloc = once_realloc;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        opro_status st = OPRO_ERR_NOMEM;

        for (long n = 0; st != OPRO_OK; n++) {
            opro__answer answer = {0};
            json_t *error = NULL;
            opro_error err;
            opro__mem own;

            f.left = n;
            assert_int_equal(opro__mem_init(&own, &a), OPRO_OK);
            st = read_row(&rows[i], &own, &answer, &error, &err);
            assert_true(st == OPRO_OK || st == OPRO_ERR_NOMEM);
            assert_true((st == OPRO_ERR_NOMEM) == (f.left < 0));
            assert_true(!answer.n_replies || err.status == st);
            assert_null(error);
            opro__answer_free(&answer);
            assert_int_equal(f.live, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_contents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_finishes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_usages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_polished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dialects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_and_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
