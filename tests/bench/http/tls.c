/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE

#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_OPENSSL

#include <openssl/err.h>
#include <openssl/ssl.h>

struct tls {
    SSL_CTX *context;
    char folder[64];
    int certificates;
};

static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

/* Appends a file of certificates; returns how many there were, -1 if it cannot be read. */
static int append(FILE *to, const char *path) {
    char line[1024];
    FILE *from = fopen(path, "r");
    int n = 0;

    if (!from) return -1;
    while (fgets(line, sizeof line, from)) {
        if (strncmp(line, "-----BEGIN", 10) == 0) n++;
        fputs(line, to);
    }
    fclose(from);
    return n;
}

static int make_bundle(tls *t) {
    char own[128], path[128];
    FILE *to;
    int n = -1;

    snprintf(own, sizeof own, "%s/cert.pem", t->folder);
    snprintf(path, sizeof path, "%s/ca.pem", t->folder);
    to = fopen(path, "w");
    if (!to) return -1;
    for (size_t i = 0; n < 0 && i < sizeof bundles / sizeof *bundles; i++)
        n = append(to, bundles[i]);
    t->certificates = (n > 0 ? n : 0) + append(to, own);
    return fclose(to);
}

static int make_certificate(tls *t) {
    char command[512];

    strcpy(t->folder, "/tmp/opro-bench-XXXXXX");
    if (!mkdtemp(t->folder)) return -1;
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
             "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
             "-keyout %s/key.pem -out %s/cert.pem 2>%s/log",
             t->folder, t->folder, t->folder);
    return system(command) == 0 ? make_bundle(t) : -1;
}

tls *tls_new(void) {
    char cert[128], key[128];
    tls *t = calloc(1, sizeof *t);

    if (!t) return NULL;
    if (make_certificate(t) != 0) {
        fprintf(stderr, "server: the command openssl made no certificate\n");
        tls_free(t);
        return NULL;
    }
    snprintf(cert, sizeof cert, "%s/cert.pem", t->folder);
    snprintf(key, sizeof key, "%s/key.pem", t->folder);
    t->context = SSL_CTX_new(TLS_server_method());
    if (!t->context || SSL_CTX_use_certificate_file(t->context, cert, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(t->context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        tls_free(t);
        return NULL;
    }
    SSL_CTX_set_mode(t->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return t;
}

void tls_free(tls *t) {
    static const char *const names[] = {"cert.pem", "key.pem", "ca.pem", "log"};
    char path[128];

    if (!t) return;
    for (size_t i = 0; t->folder[0] && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", t->folder, names[i]);
        unlink(path);
    }
    if (t->folder[0]) rmdir(t->folder);
    SSL_CTX_free(t->context);
    free(t);
}

const char *tls_folder(const tls *t) {
    return t->folder;
}

int tls_certificates(const tls *t) {
    return t->certificates;
}

void *tls_open(tls *t, int fd) {
    SSL *session = SSL_new(t->context);

    if (session && SSL_set_fd(session, fd) != 1) {
        SSL_free(session);
        session = NULL;
    }
    if (session) SSL_set_accept_state(session);
    return session;
}

void tls_close(void *session) {
    SSL_free(session);
}

/* What a result of SSL_read() or SSL_write() of no bytes means. */
static ssize_t nothing(SSL *session, int result) {
    int why = SSL_get_error(session, result);

    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t tls_read(void *session, void *to, size_t room) {
    int n = SSL_read(session, to, (int)room);

    return n > 0 ? n : nothing(session, n);
}

ssize_t tls_write(void *session, const void *from, size_t len) {
    int n = SSL_write(session, from, (int)len);

    return n > 0 ? n : nothing(session, n);
}

#else

tls *tls_new(void) {
    fprintf(stderr, "server: built without OpenSSL\n");
    return NULL;
}

void tls_free(tls *t) {
    (void)t;
}

const char *tls_folder(const tls *t) {
    (void)t;
    return "";
}

int tls_certificates(const tls *t) {
    (void)t;
    return 0;
}

void *tls_open(tls *t, int fd) {
    (void)t;
    (void)fd;
    return NULL;
}

void tls_close(void *session) {
    (void)session;
}

ssize_t tls_read(void *session, void *to, size_t room) {
    (void)session;
    (void)to;
    (void)room;
    errno = EPROTO;
    return -1;
}

ssize_t tls_write(void *session, const void *from, size_t len) {
    (void)session;
    (void)from;
    (void)len;
    errno = EPROTO;
    return -1;
}

#endif
