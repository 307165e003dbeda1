import type { TestIdentity } from "../support/product.ts";
import { mustRun } from "../support/run-program.ts";
import { cpuSecondsOf, untilWithoutChildren } from "./process-usage.ts";
import type { BenchServer } from "./servers.ts";

export interface SftpClient {
  readonly identity: TestIdentity;
  readonly cipher: string;
}

/** Runs OpenSSH's `sftp` against a server with these commands. */
export function sftpBatch(server: BenchServer, { identity, cipher }: SftpClient, commands: string): Promise<string> {
  const settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"];
  const args = [
    ...["-F", "/dev/null", "-q", "-c", cipher, "-i", identity.privateKeyFile, "-P", `${server.port}`],
    ...settings.flatMap((setting) => ["-o", setting]),
    ...["-b", "-", `${server.username}@${server.host}`],
  ];
  return mustRun("sftp", args, { input: commands, timeoutMs: 300_000 });
}

/** CPU seconds, user and system, of the server and its children while `run` runs. */
export async function cpuOf(server: BenchServer, run: () => Promise<unknown>): Promise<number> {
  const before = cpuSecondsOf(server.pid);
  await run();
  await untilWithoutChildren(server.pid);
  return cpuSecondsOf(server.pid) - before;
}
