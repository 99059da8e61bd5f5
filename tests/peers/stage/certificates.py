"""Certificates made for one run: an authority, a foreign one, and what they sign."""

import subprocess

NAMES = "subjectAltName=DNS:{name}.test,DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,IP:127.0.0.4,IP:127.0.0.5,URI:sip:{name}.test"


class Authority:
    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        subject = ["-subj", f"/CN={name}", "-days", "2"]
        openssl("req", "-x509", *NEW_KEY, *subject, "-keyout", self.key, "-out", self.certificate)

    def sign(self, name):
        """A certificate for all addresses of the stage: (certificate, key, both in one file)."""
        stem = self.folder / f"{name}.{self.name}"
        key, request, names, certificate, both = (
            stem.with_suffix(stem.suffix + end) for end in (".key", ".csr", ".ext", ".crt", ".pem")
        )
        names.write_text(NAMES.format(name=name) + "\n")
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}.test", "-keyout", key, "-out", request)
        by = ["-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *by, "-days", "2", "-extfile", names, "-out", certificate)
        both.write_text(certificate.read_text() + key.read_text())
        return certificate, key, both


def openssl(*words):
    run = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(f"openssl {words[0]}: {run.stderr}")


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
