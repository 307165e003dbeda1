import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContextOptions } from "node:tls";
import { limits } from "../../core/limits.ts";
import { DirectUploadSocket } from "./direct-upload-socket.ts";
import { withoutTickets } from "./tls-settings.ts";

/** How the ciphertext of an upload gets to OpenSSL: inside Node, or through the hands of this process. */
export type UploadPath = "direct" | "copying";

interface Trial {
  readonly version: "TLSv1.2" | "TLSv1.3";
  /** With a close_notify; otherwise the connection just ends. */
  readonly announced: boolean;
}

const trials: readonly Trial[] = (["TLSv1.2", "TLSv1.3"] as const).flatMap((version) =>
  [true, false].map((announced) => ({ version, announced })),
);

const trialBytes = 40_000;

/**
 * `direct` where it is known to tell a whole upload from a truncated one: small uploads over this machine's loopback
 * interface, with both versions of TLS and both ends, say so. Anything unexpected is `copying`.
 */
export async function probeUploadPath(options: SecureContextOptions): Promise<UploadPath> {
  const server = createServer({ pauseOnConnect: true });
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    for (const trial of trials) {
      if (!(await passes(trial, server, options))) return "copying";
    }
    return "direct";
  } catch {
    return "copying";
  } finally {
    server.close();
  }
}

async function passes(trial: Trial, server: Server, options: SecureContextOptions): Promise<boolean> {
  const signal = AbortSignal.timeout(limits.handshakeMs);
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection", { signal });
  const raw = connect(port, "127.0.0.1").on("error", () => {});
  const [connection] = (await accepted) as [Socket];
  connection.on("error", () => {});
  try {
    const received = receiveTrial(connection, options, signal);
    const [{ bytes, announced }, tickets] = await Promise.all([received, sendTrial(trial, raw, signal)]);
    return bytes === trialBytes && announced === trial.announced && tickets === 0;
  } finally {
    raw.destroy();
    connection.destroy();
  }
}

async function receiveTrial(connection: Socket, options: SecureContextOptions, signal: AbortSignal) {
  const secureContext = withoutTickets(createSecureContext(options));
  const socket = new DirectUploadSocket(connection, { isServer: true, secureContext });
  const memory = Buffer.allocUnsafe(trialBytes + 1);
  let bytes = 0;
  await once(socket.resume(), "secure", { signal });
  socket.readInto({
    next: () => memory.subarray(bytes),
    took: (count) => {
      bytes += count;
      return true;
    },
  });
  await once(socket, "end", { signal });
  return { bytes, announced: socket.endAnnounced };
}

/** Answers how many session tickets came. */
async function sendTrial({ version, announced }: Trial, raw: Socket, signal: AbortSignal): Promise<number> {
  let tickets = 0;
  const protocols = { minVersion: version, maxVersion: version };
  const client = connectTls({ socket: raw, rejectUnauthorized: false, ...protocols });
  client
    .on("error", () => {})
    .on("session", () => {
      tickets += 1;
    });
  await once(client, "secureConnect", { signal });
  const ended = once(client.resume(), "close", { signal });
  client.write(Buffer.alloc(trialBytes), () => (announced ? client.end() : raw.end()));
  await ended;
  return tickets;
}
