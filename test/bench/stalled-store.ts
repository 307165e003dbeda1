import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import ssh2, { type ClientChannel } from "ssh2";
import { openFlag } from "../../protocols/sftp/file-requests.ts";
import { packetType } from "../../protocols/sftp/requests.ts";
import { encodeRequest, RawSftp } from "../protocols/sftp/raw-sftp.ts";
import { residentBytesOf } from "./process-usage.ts";

const requestBytes = 32_768;

/** Resident memory of a server whose store stalls, when `clients` have sent as much as it takes. */
export async function stalledStoreBytes(clients: number): Promise<number> {
  const server = fork(fileURLToPath(new URL("stalled-server.ts", import.meta.url)));
  const [{ port }] = (await once(server, "message")) as [{ port: number }];
  const connections: ssh2.Client[] = [];
  try {
    for (let index = 0; index < clients; index += 1) connections.push(await flood(port, index));
    return await largestOf(server);
  } finally {
    for (const connection of connections) connection.destroy();
    server.send("end");
  }
}

async function flood(port: number, index: number): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  client.on("error", () => {});
  client.connect({ host: "127.0.0.1", port, username: "tester", password: "password" });
  await once(client, "ready");
  const sftp = await RawSftp.open(client);
  const handle = await sftp.openHandle(`/stalled-${index}`, openFlag.write | openFlag.create);
  sendUntilBlocked(sftp.channel, handle, 0);
  return client;
}

/** As a client that does not wait for answers: until neither the window nor the channel takes more. */
function sendUntilBlocked(channel: ClientChannel, handle: string, start: number): void {
  const content = Buffer.alloc(requestBytes);
  let offset = start;
  let hasRoom = true;
  while (hasRoom) {
    const at = offset;
    hasRoom = channel.write(
      encodeRequest(packetType.write, at, (writer) => writer.string(handle).uint64(at).string(content)),
    );
    offset += requestBytes;
  }
  channel.once("drain", () => sendUntilBlocked(channel, handle, offset));
}

/** The memory is taken as it is when it no longer grows. */
async function largestOf({ pid = 0 }: ChildProcess): Promise<number> {
  let largest = 0;
  for (let unchanged = 0; unchanged < 10; unchanged += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const bytes = residentBytesOf(pid);
    if (bytes > largest * 1.01) unchanged = 0;
    largest = Math.max(largest, bytes);
  }
  return largest;
}
