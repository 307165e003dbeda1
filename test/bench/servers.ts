import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../support/free-ports.ts";
import { type ProductOptions, startProduct, type TestIdentity, testConfiguration } from "../support/product.ts";
import { mustRun } from "../support/run-program.ts";

/** A server under measurement. */
export interface BenchServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Where the client's `upload` folder lies, as the client writes it. */
  readonly remoteDirectory: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

export async function startFerrygate(
  directory: string,
  identity: TestIdentity,
  options: Pick<ProductOptions, "program" | "env"> = {},
): Promise<BenchServer> {
  await mkdir(join(directory, "ferrygate"), { recursive: true });
  const configuration = await testConfiguration(identity.publicKey);
  const product = await startProduct({ directory: join(directory, "ferrygate"), configuration, ...options });
  await mkdir(join(product.dataDirectory, "files", "tester", "bench"), { recursive: true });
  const { host, port } = product.endpoints.sftp;
  return {
    name: "Ferrygate",
    host,
    port,
    username: "tester",
    remoteDirectory: "/bench",
    pid: product.pid,
    stop: product.stop,
  };
}

/** OpenSSH's own server with its external sftp-server, as Debian configures it, for the user who runs the benchmark. */
export async function startOpenSsh(directory: string, identity: TestIdentity): Promise<BenchServer> {
  const home = join(directory, "openssh");
  await mkdir(join(home, "bench"), { recursive: true });
  await mustRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(home, "host_key")]);
  await writeFile(join(home, "authorized_keys"), identity.publicKey);
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true });
  const { first: port } = await freePorts(1);
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(home, "host_key")}`,
    `AuthorizedKeysFile ${join(home, "authorized_keys")}`,
    `PidFile ${join(home, "pid")}`,
    "StrictModes no",
    "PermitRootLogin yes",
    "UsePAM no",
    "MaxStartups 500",
    "MaxSessions 500",
    "PerSourceMaxStartups none",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
  ];
  await writeFile(join(home, "sshd_config"), `${settings.join("\n")}\n`);
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(home, "sshd_config")], { stdio: "ignore" });
  await untilListening(port);
  const username = (await mustRun("id", ["-un"])).trim();
  const pid = Number(await readFile(join(home, "pid"), "utf8"));
  const stop = async () => child.kill("SIGTERM");
  return { name: "OpenSSH", host: "127.0.0.1", port, username, remoteDirectory: join(home, "bench"), pid, stop };
}

/** Resolves when something takes connections on the port. @throws Error when nothing does for half a minute. */
export async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await delay(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
