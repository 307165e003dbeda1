import { readFile } from "node:fs/promises";
import ssh2, { type SFTPWrapper } from "ssh2";
import type { Endpoint } from "./product.ts";

export interface SftpConnection {
  readonly client: ssh2.Client;
  readonly sftp: SFTPWrapper;
  /** Rejects when the connection is over; ssh2 leaves calls without an answer then. */
  readonly lost: Promise<never>;
}

/** Logs in, with a key where `credential` is the name of its file, and opens the SFTP subsystem. */
export async function connectSftp(
  endpoint: Endpoint & { readonly localAddress?: string },
  username: string,
  credential: string | { readonly password: string },
): Promise<SftpConnection> {
  const client = new ssh2.Client();
  const login = typeof credential === "string" ? { privateKey: await readFile(credential) } : credential;
  const lost = new Promise<never>((_, reject) => {
    client.once("close", () => reject(new Error("the connection was closed")));
    client.on("error", reject);
  });
  lost.catch(() => {});
  const ready = new Promise<void>((resolve) => {
    client.once("ready", resolve);
    client.connect({ ...endpoint, username, ...login });
  });
  await Promise.race([ready, lost]);
  const opened = new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper)));
  });
  return { client, sftp: await Promise.race([opened, lost]), lost };
}

/** Uploads in one go; resolves when the server has acknowledged CLOSE, rejects when it did not. */
export function putFile({ sftp, lost }: SftpConnection, path: string, content: Buffer): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    sftp.writeFile(path, content, (error) => (error ? reject(error) : resolve()));
  });
  return Promise.race([written, lost]);
}
