import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { descendantsOf } from "../bench/process-usage.ts";
import { untilListening } from "../bench/servers.ts";
import { freePorts } from "./free-ports.ts";
import { generateSshKeyPair } from "./ssh-key-pair.ts";

/** OpenSSH's own server with its sftp-server, for the user who runs the test. */
export interface SshServer {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  /** SHA-256 of the host key as configurations have it. */
  readonly hostKey: string;
  /** Where the test's files lie. */
  readonly files: string;
  /** Ends every connection, and takes no more until `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** @param directory is the test's; the server is to be killed before it is removed */
export async function startSshServer(directory: string): Promise<SshServer> {
  const home = join(directory, "sshd");
  const files = join(home, "files");
  await mkdir(files, { recursive: true });
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const [host, identity] = [generateSshKeyPair(), generateSshKeyPair()];
  const { first: port } = await freePorts(1);
  await writeFile(join(home, "host_key"), host.private, { mode: 0o600 });
  await writeFile(join(home, "authorized_keys"), `${identity.public}\n`);
  await writeFile(join(home, "sshd_config"), settings(home, port));
  let child: ChildProcess | undefined;
  const start = async () => {
    const command = ["-D", "-e", "-f", join(home, "sshd_config")];
    child = spawn("/usr/sbin/sshd", command, { stdio: "ignore" });
    await untilListening(port);
  };
  await start();
  return {
    port,
    user: userInfo().username,
    privateKey: identity.private,
    hostKey: fingerprintOf(host.public),
    files,
    start,
    kill: async () => {
      const dying = child;
      child = undefined;
      if (!dying?.pid) return;
      const gone = new Promise((resolve) => dying.once("exit", resolve));
      killTree(dying.pid);
      await gone;
    },
  };
}

function settings(home: string, port: number): string {
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(home, "host_key")}`,
    `AuthorizedKeysFile ${join(home, "authorized_keys")}`,
    "PidFile none",
    "StrictModes no",
    "PermitRootLogin yes",
    "UsePAM no",
    "MaxStartups 500",
    "PerSourceMaxStartups none",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
  ];
  return `${lines.join("\n")}\n`;
}

/** The server's sessions leave its group: they are found by their parents. */
function killTree(pid: number): void {
  for (const each of [...descendantsOf(pid).reverse(), pid]) {
    try {
      process.kill(each, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function fingerprintOf(publicKey: string): string {
  const [, blob = ""] = publicKey.split(" ");
  return createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "");
}
