# SPDX-License-Identifier: MIT
"""TLS, names, connections and proxies: mostly the port is the case, and a good answer waits there.

The ports that exist for this: closed and full; proxy_refuses, proxy_asks, proxy_closes, socks_junk
and one that works, proxy; tls and the ports with certificates that are no good.
"""

from registry import add, case


def waiting(x):
    """What nobody must get who has looked at the certificate."""
    x.reply()


add("tls-unknown-issuer", "a certificate of an authority that the client does not know", waiting,
    number=56, port="tls")
add("tls-self-signed", "a certificate signed by itself", waiting, number=56,
    port="tls_self_signed")
add("tls-wrong-host", "a certificate for elsewhere.invalid", waiting, number=57,
    port="tls_wrong_host")
add("tls-expired", "a certificate that ended in 2020", waiting, number=58, port="tls_expired")
add("tls-old", "nothing newer than TLS 1.0", waiting, number=59, port="tls_old")
add("tls-to-plain", "https to a port that speaks http, and waits", waiting, number=61)
add("plain-to-tls", "http to a port that speaks https", waiting, number=61, port="tls")
add("dns-failure", "a host whose name cannot exist", waiting, number=62, port="closed")
add("refused", "a port where nobody listens", waiting, number=62, port="closed")
add("localhost", "a name whose first address, ::1, nobody listens at", waiting, number=62)
add("connect-hangs", "a port whose backlog is full", waiting, number=63, port="full")
add("proxy-refused", "a proxy where nobody listens", waiting, number=64, port="tls")
add("proxy-refuses", "a proxy that answers 403", waiting, number=64, port="tls")
add("proxy-asks", "a proxy that answers 407", waiting, number=64, port="tls")
add("proxy-closes", "a proxy that closes", waiting, number=64, port="tls")
add("proxy-hangs", "a proxy whose backlog is full", waiting, number=64, port="tls")
add("socks-junk", "a proxy that does not speak SOCKS", waiting, number=64, port="tls")
add("proxied", "a proxy that works", waiting)
add("proxied-tls", "a proxy that works, and TLS through it", waiting, port="tls")


@case("tls-no-length", "no length, and the end without close_notify after a whole body",
      number=60, port="tls")
def _tls_no_length(x):
    x.start()
    x.send(x.body())
    x.close()


@case("tls-cut", "no length, and the end without close_notify in the middle of the body",
      number=60, port="tls")
def _tls_cut(x):
    x.start()
    x.send(x.body()[:60])
    x.close()
