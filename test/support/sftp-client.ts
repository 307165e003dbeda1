import { readFile } from "node:fs/promises";
import ssh2, { type SFTPWrapper } from "ssh2";
import type { Endpoint } from "./product.ts";

export interface SftpConnection {
  readonly client: ssh2.Client;
  readonly sftp: SFTPWrapper;
}

/** Logs in with a key file and opens the SFTP subsystem. */
export async function connectSftp(
  endpoint: Endpoint,
  username: string,
  privateKeyFile: string,
): Promise<SftpConnection> {
  const client = new ssh2.Client();
  const privateKey = await readFile(privateKeyFile);
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve).once("error", reject);
    client.connect({ ...endpoint, username, privateKey });
  });
  client.on("error", () => {});
  const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper)));
  });
  return { client, sftp };
}

/** Uploads in one go; resolves when the server has acknowledged CLOSE, rejects when it did not. */
export function putFile({ client, sftp }: SftpConnection, path: string, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new Error("connection lost")));
    sftp.writeFile(path, content, (error) => (error ? reject(error) : resolve()));
  });
}
