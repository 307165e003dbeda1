"""Runs one FTPS operation with ftplib: host port mode user password operation argument…"""

import ftplib
import os
import socket
import ssl
import sys


class ImplicitFtpTls(ftplib.FTP_TLS):
    """TLS from the first byte, which ftplib has no class for."""

    def connect(self, host, port, timeout=60):
        self.host, self.timeout = host, timeout
        self.sock = self.context.wrap_socket(socket.create_connection((host, port), timeout))
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()


def put(ftp, local, remote):
    with open(local, "rb") as source:
        ftp.storbinary("STOR " + remote, source)


def get(ftp, remote, local):
    with open(local, "wb") as target:
        ftp.retrbinary("RETR " + remote, target.write)


def listdir(ftp, remote):
    listed = list(ftp.mlsd(remote))
    assert all(facts["type"] == "dir" or int(facts["size"]) == ftp.size(remote + "/" + name) for name, facts in listed[:10])
    print("\n".join(name for name, facts in listed))


def put_tree(ftp, local, remote):
    ftp.mkd(remote)
    for name in os.listdir(local):
        source, target = os.path.join(local, name), remote + "/" + name
        put_tree(ftp, source, target) if os.path.isdir(source) else put(ftp, source, target)


def get_tree(ftp, remote, local):
    os.makedirs(local, exist_ok=True)
    for name, facts in list(ftp.mlsd(remote)):
        source, target = remote + "/" + name, os.path.join(local, name)
        get_tree(ftp, source, target) if facts["type"] == "dir" else get(ftp, source, target)


def resume_put(ftp, local, remote):
    with open(local, "rb") as source:
        offset = ftp.size(remote)
        source.seek(offset)
        ftp.storbinary("STOR " + remote, source, rest=offset)


def resume_get(ftp, remote, local):
    with open(local, "ab") as target:
        ftp.retrbinary("RETR " + remote, target.write, rest=target.tell())


host, port, mode, user, password, operation, *arguments = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
session = (ImplicitFtpTls if mode == "implicit" else ftplib.FTP_TLS)(context=context, encoding="utf-8")
session.connect(host, int(port), timeout=60)
session.login(user, password)
session.prot_p()
if operation in globals():
    globals()[operation](session, *arguments)
else:
    getattr(session, operation)(*arguments)
session.quit()
