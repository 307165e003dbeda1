import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSftpServer } from "../../protocols/sftp/server.ts";
import type { FrontServices, LocalServerOptions, Started } from "./front.ts";

export async function startSftp(
  { dataDirectory, runtime, loaded }: LocalServerOptions,
  parts: FrontServices,
): Promise<Started> {
  const { sftp } = loaded.configuration.server;
  if (!sftp) return { fronts: [], endpoints: {} };
  const hostKeys = sftp.hostKeys ?? (await readHostKeys(dataDirectory));
  const { listen, algorithms } = sftp;
  const { openSession } = parts;
  const server = createSftpServer({ openSession, hostKeys, listen, algorithms, log: runtime.log });
  return { fronts: [server], endpoints: { sftp: await server.listen() } };
}

function readHostKeys(dataDirectory: string): Promise<string[]> {
  const names = ["ssh_host_ed25519_key", "ssh_host_rsa_key"];
  return Promise.all(names.map((name) => readFile(join(dataDirectory, "keys", name), "utf8")));
}
