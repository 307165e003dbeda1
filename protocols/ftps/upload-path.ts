import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import { limits } from "../../core/limits.ts";
import { isComplete, type UploadPath, uploadSocket } from "./data-connection.ts";
import { receive } from "./receive.ts";
import { withoutTickets } from "./tls-settings.ts";

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
 * @throws where they say that `copying`, which some clients need, does not tell
 */
export async function probeUploadPath(options: SecureContextOptions): Promise<UploadPath> {
  if (await works("copying", options)) return (await works("direct", options)) ? "direct" : "copying";
  throw new Error("with this version of Node FTPS cannot tell a whole upload from one that was cut off");
}

async function works(path: UploadPath, options: SecureContextOptions): Promise<boolean> {
  const server = createServer({ pauseOnConnect: true });
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    for (const trial of trials) {
      if (!(await passes(path, trial, server, options))) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function passes(path: UploadPath, trial: Trial, server: Server, options: SecureContextOptions) {
  const signal = AbortSignal.timeout(limits.handshakeMs);
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection", { signal });
  const raw = connect(port, "127.0.0.1").on("error", () => {});
  const [connection] = (await accepted) as [Socket];
  connection.on("error", () => {});
  signal.addEventListener("abort", () => connection.destroy());
  try {
    const secureContext = createSecureContext(options);
    if (path === "direct") withoutTickets(secureContext);
    const socket = uploadSocket(path, connection, { isServer: true, secureContext });
    const [{ bytes, announced }, tickets] = await Promise.all([receiveTrial(socket), sendTrial(trial, raw, signal)]);
    if (announced !== trial.announced) return false;
    return path === "copying" || (bytes === trialBytes && tickets === 0);
  } finally {
    raw.destroy();
    connection.destroy();
  }
}

async function receiveTrial(socket: TLSSocket) {
  await once(socket.resume(), "secure");
  socket.pause();
  let bytes = 0;
  const received = receive(
    socket,
    0,
    async (_position, chunk) => {
      bytes += chunk.length;
    },
    () => {},
  );
  const announced = await received.then(
    () => isComplete(socket),
    () => false,
  );
  return { bytes, announced };
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
  const ended = new Promise((resolve) => client.resume().once("close", resolve));
  client.write(Buffer.alloc(trialBytes), () => (announced ? client.end() : raw.end()));
  await ended;
  return tickets;
}
