"""A certificate authority for tests, by the openssl command: certificates of every kind, good and bad, and its revocation list."""
import itertools
import pathlib
import subprocess

DAY = 24 * 3600


def openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


class Certificate:
    def __init__(self, directory, name):
        self.cert, self.key = directory / f"{name}.pem", directory / f"{name}.key"

    @property
    def pair(self):
        return str(self.cert), str(self.key)


class Authority(Certificate):
    """Keeps its files in a directory; certificates have rising serial numbers."""

    def __init__(self, directory, name="ca"):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        super().__init__(self.directory, name)
        self.name, self.serials, self.revoked = name, itertools.count(16), []
        self.crl = self.directory / "crl.pem"
        self.new_key(self.key)
        openssl("req", "-x509", "-key", self.key, "-days", 3, "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.cert)
        self.write_crl()

    @staticmethod
    def new_key(path, rsa=None):
        if rsa is None:
            openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", path)
        else:
            openssl("genrsa", "-out", path, rsa)

    def issue(self, name, *, common_name=None, san="", usage="clientAuth", days=2, rsa=None):
        """days: negative ones make a certificate that has expired."""
        made = Certificate(self.directory, name)
        made.serial = next(self.serials)
        self.new_key(made.key, rsa)
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        openssl("req", "-new", "-key", made.key, "-subj", f"/CN={common_name or name}", "-out", request)
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={san}\n" if san else ""))
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-set_serial", made.serial, "-days", days,
                "-extfile", extensions, "-out", made.cert)
        return made

    def revoke(self, certificate):
        self.revoked.append(certificate.serial)
        self.write_crl()

    def write_crl(self, days=2):
        """The list as it is now; replaced in one step, as an operator should."""
        index, config = self.directory / "index.txt", self.directory / "ca.conf"
        index.write_text("".join(f"R\t401231000000Z\t250101000000Z\t{serial:02X}\tunknown\t/CN=x\n" for serial in self.revoked))
        (self.directory / "index.txt.attr").write_text("unique_subject = no\n")
        config.write_text(f"[ca]\ndefault_ca=it\n[it]\ndatabase={index}\ndefault_md=sha256\n")
        fresh = self.crl.with_suffix(".new")
        # A list of negative days has been superseded already.
        period = ["-crldays", days] if days > 0 else ["-crl_lastupdate", "20250101000000Z", "-crl_nextupdate", "20250102000000Z"]
        openssl("ca", "-gencrl", "-config", config, "-cert", self.cert, "-keyfile", self.key, *period, "-out", fresh)
        fresh.rename(self.crl)
