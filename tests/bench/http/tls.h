/* SPDX-License-Identifier: MIT */
/*
 * TLS for the bench server. The certificate (P-256, for localhost and 127.0.0.1) is made at start,
 * in a temporary folder, by the command openssl. ca.pem in it is the system's bundle with this one
 * added, so that a client has as much to load as with a real endpoint.
 */
#ifndef TESTS_BENCH_HTTP_TLS_H
#define TESTS_BENCH_HTTP_TLS_H

#include <stddef.h>
#include <sys/types.h>

typedef struct tls tls;

/* NULL after a message on stderr, also where the program was built without OpenSSL. */
tls *tls_new(void);
void tls_free(tls *t); /* with its folder; NULL is fine */

/* The folder of cert.pem, key.pem and ca.pem; how many certificates are in the last. */
const char *tls_folder(const tls *t);
int tls_certificates(const tls *t);

/* One connection: NULL out of memory. */
void *tls_open(tls *t, int fd);
void tls_close(void *session); /* NULL is fine */

/* As read() and write(); errno EAGAIN stands for every kind of waiting. */
ssize_t tls_read(void *session, void *to, size_t room);
ssize_t tls_write(void *session, const void *from, size_t len);

#endif
