/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{margin:0 auto;max-width:1160px;padding:28px 20px 60px;background:#fff;color:#1f2933;"
    "font:15px/1.5 system-ui,'Segoe UI','DejaVu Sans',sans-serif}"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 10px}"
    ".sub{color:#52606d;margin:0}svg{width:100%;height:auto}"
    "blockquote{margin:18px 0;padding:14px 20px;background:#f0f6fc;border-left:5px solid #0b5cad;"
    "font-size:18px;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".cards{display:flex;flex-wrap:wrap;gap:14px}.card{flex:1 1 200px;border:1px solid #dde3e9;"
    "border-radius:6px;padding:12px 16px}.card b{display:block;font-size:27px;line-height:1.25}"
    ".card span{color:#52606d;font-size:13px}"
    "table{border-collapse:collapse;width:100%;font-size:14px}"
    "th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid "
    "#e4e7eb;overflow-wrap:anywhere}th{color:#52606d;font-weight:600;white-space:nowrap}"
    "td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}th.n{text-align:"
    "right}tr.won td{background:#f0f8f3}.text{white-space:pre-wrap;max-width:620px}"
    ".dim{color:#7b8794}.yes{color:#2f855a;font-weight:600}.no{color:#c53030;font-weight:600}"
    "details{margin:6px 0}td details{margin:0}summary{cursor:pointer;color:#0b5cad}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f7f9fb;border:1px solid #e4e7eb;"
    "border-radius:4px;padding:10px 14px;font:13px/1.45 ui-monospace,'DejaVu Sans Mono',monospace;"
    "margin:6px 0 14px}"
    "@media print{body{padding:0;font-size:11px}h2{break-after:avoid}.card,tr,svg{break-inside:"
    "avoid}blockquote,tr.won td,pre{background:none}}";

const char page_chart_style[] =
    "svg text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#52606d;"
    "font-size:12px}"
    "svg .head{font-size:14px;font-weight:600;fill:#1f2933}"
    ".grid{stroke:#e4e7eb;stroke-width:1}.axis{stroke:#9aa5b1;stroke-width:1}"
    ".best{fill:none;stroke:#0b5cad;stroke-width:2.6;stroke-linejoin:round}"
    ".bests{fill:none;stroke:#5fa3dd;stroke-width:1.3;stroke-linejoin:round}"
    ".mean{fill:none;stroke:#e07b24;stroke-width:1.8;stroke-linejoin:round}"
    ".band{fill:#e07b24;fill-opacity:.14;stroke:none}"
    ".held{fill:#fff;stroke:#2f855a;stroke-width:1.6}.few{stroke-opacity:.45}"
    ".won{fill:#2f855a;stroke:#2f855a;stroke-width:2}"
    ".read{fill:#9bb8d3}.written{fill:#0b5cad}";

/* ---- texts ----------------------------------------------------------------------------------- */

/* U+FFFE and U+FFFF, which XML does not know either. */
static int is_no_letter(const char *text) {
    return strncmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe;
}

void put_text(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\xef':
            if (is_no_letter(text))
                text += 2;
            else
                fputc(*text, out);
            break;
        default: /* XML knows no control characters, not even escaped */
            fputc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ? ' ' : *text, out);
        }
    }
}

void put_cut(FILE *out, const char *text, size_t len, size_t most) {
    char *kept = malloc((len < most ? len : most) + 1);
    size_t n = len < most ? len : most;

    if (!kept) return;
    while (n < len && n && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    memcpy(kept, text, n);
    kept[n] = '\0';
    put_text(out, kept);
    if (n < len) fprintf(out, " ... (%zu bytes in all)", len);
    free(kept);
}

/* ---- pages ----------------------------------------------------------------------------------- */

void page_begin(FILE *out, const char *title, const char *name) {
    fprintf(out,
            "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
            "<meta charset=\"utf-8\"/><title>%s",
            title);
    put_text(out, name);
    fprintf(out, "</title>\n<style>%s</style></head>\n<body>\n", style);
}

void page_end(FILE *out) {
    fputs("</body></html>\n", out);
}

/* ---- pictures -------------------------------------------------------------------------------- */

double frame_x(const frame *f, double x) {
    return f->left + f->width * (x - f->x0) / (f->x1 - f->x0);
}

double frame_y(const frame *f, double y) {
    double share = f->log_y ? log(y / f->y0) / log(f->y1 / f->y0) : (y - f->y0) / (f->y1 - f->y0);

    return f->top + f->height * (1 - share);
}

double round_step(double range, int count) {
    double raw = range / count, ten = pow(10, floor(log10(raw)));
    double share = raw / ten;

    return ten * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}
