import { type ConnectionOptions, TLSSocket } from "node:tls";
import { Client, FTPError } from "basic-ftp";
import { FileError } from "../../../core/errors.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { within } from "./deadline.ts";
import { ftpFailure } from "./ftp-reply.ts";
import { checkPinned, tlsError, trustOptions } from "./tls-trust.ts";

/**
 * Connects with TLS and logs in, when the certificate is trusted. The password is not used before that is known.
 * @throws FileError as `RemoteSites.open`
 */
export async function connectFtps(destination: RemoteDestination): Promise<Client> {
  const client = new Client(destination.timeoutMs);
  letAnswersComeFirst(client);
  try {
    await within(login(client, destination), destination.timeoutMs, () => client.close());
    return client;
  } catch (error) {
    client.close();
    // It may have got another one that is pinned.
    pinned.delete(destination);
    throw error instanceof FTPError ? ftpFailure(error, "the login") : tlsError(error);
  }
}

/** How long an answer may take behind the end of a data connection that tells nothing. */
const answerMs = 1000;

/**
 * A server that refuses a transfer ends its data connection, often before its answer is read from the other one: that
 * says why, so it is waited for.
 */
function letAnswersComeFirst({ ftp }: Client): void {
  const close = ftp.closeWithError.bind(ftp);
  ftp.closeWithError = (error) => {
    const { dataSocket } = ftp;
    if (!error.message.endsWith("(data socket)") || !dataSocket) return close(error);
    // The answer ends the transfer, and the client is done with the connection then.
    setTimeout(() => ftp.dataSocket === dataSocket && close(error), answerMs).unref();
  };
  const handle = ftp.handle.bind(ftp);
  // What is under way may learn of that end by itself, where it reads and writes.
  ftp.handle = (command, respond) => {
    let end: { readonly error: Error; readonly timer: NodeJS.Timeout } | undefined;
    return handle(command, (response, task) => {
      clearTimeout(end?.timer);
      if (end) return task.reject(response instanceof FTPError ? response : end.error);
      const reject = (error: Error) => {
        if (error instanceof FTPError || ftp.closed) return task.reject(error);
        // Nobody can tell which command an answer belongs to that comes later still.
        end = { error, timer: setTimeout(() => close(error), answerMs).unref() };
      };
      respond(response, { ...task, reject });
    });
  };
}

async function login(client: Client, destination: RemoteDestination): Promise<void> {
  const { user = "", password = "", fingerprints } = destination;
  await secure(
    client,
    destination,
    fingerprints.length > 0 ? await pinnedOptions(destination) : trustOptions(destination),
  );
  await client.login(user, password);
  await client.useDefaultSettings();
}

/** The host is that of the data connections too: they resume the session of this one. */
async function secure(client: Client, destination: RemoteDestination, trust: ConnectionOptions): Promise<TLSSocket> {
  const { host, port } = destination.address;
  const options = { ...trust, host };
  if (destination.isImplicit) {
    await client.connectImplicitTLS(host, port, options);
  } else {
    await client.connect(host, port);
    await client.useTLS(options);
  }
  const { socket } = client.ftp;
  if (!(socket instanceof TLSSocket)) throw new FileError("permission-denied", "the destination has no TLS");
  return socket;
}

/** Certificates that were found to be pinned ones, PEM. */
const pinned = new WeakMap<RemoteDestination, string>();

/**
 * A connection of its own, on which nothing is sent, shows the certificate. One that is pinned is the only one that
 * those after it trust, data connections too.
 */
async function pinnedOptions(destination: RemoteDestination): Promise<ConnectionOptions> {
  const certificate = pinned.get(destination) ?? (await shownCertificate(destination));
  pinned.set(destination, certificate);
  return { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

async function shownCertificate(destination: RemoteDestination): Promise<string> {
  const client = new Client(destination.timeoutMs);
  try {
    const socket = await secure(client, destination, trustOptions(destination));
    checkPinned(socket, destination);
    const base64 = socket.getPeerCertificate().raw.toString("base64");
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
  } finally {
    client.close();
  }
}
