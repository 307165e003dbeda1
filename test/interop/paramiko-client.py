"""Runs one SFTP operation with paramiko: host port user key-file operation argument…"""

import os
import stat
import sys

import paramiko

# paramiko 2.12 makes this text of every packet that it sends, for a message that it then does not need.
paramiko.Message.__repr__ = object.__repr__


def put_tree(sftp, local, remote):
    sftp.mkdir(remote)
    for name in os.listdir(local):
        source, target = os.path.join(local, name), remote + "/" + name
        put_tree(sftp, source, target) if os.path.isdir(source) else sftp.put(source, target)


def get_tree(sftp, remote, local):
    os.makedirs(local, exist_ok=True)
    for entry in sftp.listdir_attr(remote):
        source, target = remote + "/" + entry.filename, os.path.join(local, entry.filename)
        get_tree(sftp, source, target) if stat.S_ISDIR(entry.st_mode) else sftp.get(source, target)


def resume_put(sftp, local, remote):
    with open(local, "rb") as source, sftp.open(remote, "ab") as target:
        source.seek(sftp.stat(remote).st_size)
        target.write(source.read())


def resume_get(sftp, remote, local):
    with open(local, "ab") as target, sftp.open(remote, "rb") as source:
        source.seek(target.tell())
        target.write(source.read())


host, port, user, key_file, operation, *arguments = sys.argv[1:]
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(host, int(port), user, key_filename=key_file, allow_agent=False, look_for_keys=False)
session = client.open_sftp()
if operation == "listdir":
    print("\n".join(session.listdir(*arguments)))
elif operation in ("put_tree", "get_tree", "resume_put", "resume_get"):
    globals()[operation](session, *arguments)
else:
    getattr(session, operation)(*arguments)
client.close()
