"""Certificates for one test run: an authority, and what it signs."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs certificates; its own stands in `ca`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make an authority whose files stand in a folder."""
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(self._name, self._key.public_key(), 1)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.ca = folder / f"{name}-ca.crt"
        signed = made.sign(self._key, hashes.SHA256())
        self.ca.write_bytes(signed.public_bytes(Encoding.PEM))

    def sign(self, name: str, host: str = "", days: int = 1) -> tuple[Path, Path]:
        """Make a certificate and its key: for a host's name or address, or for a client.

        Args:
            name: of the files.
            host: whom it is for; empty for a client.
            days: from now; below 0 for one that has expired.

        """
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(_name(name), key.public_key(), days)
        if host:
            alone = host.replace(".", "").isdigit()
            shown = x509.IPAddress(ip_address(host)) if alone else x509.DNSName(host)
            made = made.add_extension(x509.SubjectAlternativeName([shown]), critical=False)
        certificate, secret = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        signed = made.sign(self._key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        secret.write_bytes(text)
        return certificate, secret

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * DAY)
            .not_valid_after(now + days * DAY)
        )
