import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import { type FtpsBenchServer, findProftpd, startProftpd, startVsftpd } from "../bench/ftps-servers.ts";
import { remoteDestination } from "./remote-destination.ts";
import { programOrSkip } from "./require-program.ts";

/** A server that people run, in a folder of the test. */
export interface FtpServer {
  readonly server: FtpsBenchServer;
  readonly certificate: string;
  /** Where the test's files lie. */
  readonly files: string;
  destination(changes?: Partial<Omit<RemoteDestination, "address">>): RemoteDestination;
}

export const proftpdOrSkip = () => programOrSkip("proftpd", findProftpd() === undefined ? "proftpd" : false);

export async function startFtpServer(name: "vsftpd" | "ProFTPD", directory: string): Promise<FtpServer> {
  await mkdir(directory, { recursive: true });
  const server = name === "vsftpd" ? await startVsftpd(directory) : await startProftpd(directory, findProftpd() ?? "");
  const home = join(directory, name.toLowerCase());
  const certificate = await readFile(join(home, "certificate.pem"), "utf8");
  const fingerprint = new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    server,
    certificate,
    files: join(home, "files", "bench"),
    destination: (changes = {}) =>
      remoteDestination(`ftps://127.0.0.1:${server.port}/${server.remoteDirectory}`, {
        user: server.username,
        password: server.password,
        fingerprints: [fingerprint],
        ...changes,
      }),
  };
}
