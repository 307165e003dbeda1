"""Runs one FTPS operation with aioftp: host port mode user password operation argument…"""

import asyncio
import os
import ssl
import sys

import aioftp

blockBytes = 64 * 1024


async def put(client, local, remote):
    with open(local, "rb") as source:
        async with client.upload_stream(remote) as stream:
            while block := source.read(blockBytes):
                await stream.write(block)


async def get(client, remote, local, offset=0):
    with open(local, "ab" if offset else "wb") as target:
        async with client.download_stream(remote, offset=offset) as stream:
            async for block in stream.iter_by_block(blockBytes):
                target.write(block)


async def listdir(client, remote):
    print("\n".join(path.name for path, _ in await client.list(remote)))


async def put_tree(client, local, remote):
    await client.upload(local, remote, write_into=True)


async def get_tree(client, remote, local):
    await client.download(remote, local, write_into=True)


async def resume_put(client, local, remote):
    offset = int((await client.stat(remote))["size"])
    with open(local, "rb") as source:
        source.seek(offset)
        async with client.upload_stream(remote, offset=offset) as stream:
            await stream.write(source.read())


async def resume_get(client, remote, local):
    await get(client, remote, local, os.path.getsize(local))


async def main(host, port, mode, user, password, operation, *arguments):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    implicit = {"ssl": context} if mode == "implicit" else {}
    client = aioftp.Client(socket_timeout=60, **implicit)
    await client.connect(host, int(port))
    if mode == "explicit":
        await client.upgrade_to_tls(context)
    await client.login(user, password)
    if operation in globals():
        await globals()[operation](client, *arguments)
    else:
        await getattr(client, operation)(*arguments)
    await client.quit()


asyncio.run(main(*sys.argv[1:]))
