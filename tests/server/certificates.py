# SPDX-License-Identifier: MIT
"""A throw-away authority and the certificates of the TLS ports, made by the openssl command."""

import pathlib
import ssl
import subprocess
import warnings

GOOD_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"
CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
PAST = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
AUTHORITY = """[ca]
default_ca = throw_away
[throw_away]
dir = .
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[good]
subjectAltName = IP:127.0.0.1,DNS:localhost
[elsewhere]
subjectAltName = DNS:elsewhere.invalid
"""


class Certificates:
    """Makes them all in a directory; then there is a context of a TLS server for each."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "ca.cnf").write_text(AUTHORITY)
        (self.folder / "index.txt").write_text("")
        self.authority("ca")
        self.leaf("good", "good", ["-days", "2"])
        self.leaf("expired", "good", PAST)
        self.leaf("wrong_host", "elsewhere", ["-days", "2"])
        self.authority("self_signed", "good")

    def openssl(self, *arguments):
        """Runs the command, which must succeed."""
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError("openssl %s: %s" % (arguments[0], done.stdout.decode()))

    def authority(self, name, extensions="authority"):
        """A certificate that is signed by nobody but itself."""
        self.openssl(
            "req", "-x509", *CURVE, "-config", "ca.cnf", "-extensions", extensions, "-days", "2",
            "-subj", "/CN=libopro test " + name, "-keyout", name + ".key", "-out", name + ".pem",
        )

    def leaf(self, name, extensions, dates):
        """A certificate that the authority has signed."""
        self.openssl(
            "req", *CURVE, "-config", "ca.cnf", "-subj", "/CN=libopro test " + name,
            "-keyout", name + ".key", "-out", name + ".csr",
        )
        self.openssl(
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key",
            "-extensions", extensions, *dates, "-in", name + ".csr", "-out", name + ".pem",
        )

    def path(self, name):
        """The PEM file of a certificate."""
        return str(self.folder / (name + ".pem"))

    def context(self, name, protocols=(), old=False):
        """A server's context: with ALPN, or one that speaks nothing newer than TLS 1.0."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name), str(self.folder / (name + ".key")))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if old:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1
        return context
