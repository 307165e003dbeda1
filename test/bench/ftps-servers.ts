import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import { freePorts } from "../support/free-ports.ts";
import { password, startProduct, type TestIdentity, testConfiguration } from "../support/product.ts";
import { mustRun } from "../support/run-program.ts";
import { cpuSecondsOf, descendantsOf, treeCpuSecondsOf } from "./process-usage.ts";
import { untilListening } from "./servers.ts";

/** An FTPS server under measurement: explicit TLS, session reuse on data connections allowed and not required. */
export interface FtpsBenchServer {
  readonly name: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** A folder for uploads, as the client writes it. */
  readonly remoteDirectory: string;
  /** User and system, of all its processes; waits until those of sessions that have ended are gone. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<unknown>;
}

export async function startFerrygate(directory: string, identity: TestIdentity): Promise<FtpsBenchServer> {
  await mkdir(join(directory, "ferrygate"), { recursive: true });
  const configuration = await testConfiguration(identity.publicKey);
  const product = await startProduct({ directory: join(directory, "ferrygate"), configuration });
  await mkdir(join(product.dataDirectory, "files", "tester", "bench"), { recursive: true });
  const { port = 0 } = product.endpoints.ftps ?? {};
  const cpuSeconds = async () => cpuSecondsOf(product.pid);
  const { stop } = product;
  return { name: "Ferrygate", port, username: "tester", password, remoteDirectory: "bench", cpuSeconds, stop };
}

/** vsftpd as root starts it: unprivileged processes in a chroot. For any other user it is that user's process. */
export async function startVsftpd(directory: string): Promise<FtpsBenchServer> {
  const home = join(directory, "vsftpd");
  const uploads = join(home, "files", "bench");
  await mkdir(uploads, { recursive: true });
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    for (const folder of [directory, home]) await chmod(folder, 0o711);
    await mustRun("chown", ["ftp", uploads]);
  }
  const { certificate } = await writeCertificate(home);
  const { first: port } = await freePorts(1);
  const settings = {
    listen: "YES",
    listen_address: "127.0.0.1",
    listen_port: port,
    background: "NO",
    run_as_launching_user: isRoot ? "NO" : "YES",
    // Its list of system calls is older than today's C library: uploads would end in SIGSYS.
    seccomp_sandbox: "NO",
    anonymous_enable: "YES",
    no_anon_password: "YES",
    anon_root: join(home, "files"),
    anon_umask: "022",
    write_enable: "YES",
    anon_upload_enable: "YES",
    anon_mkdir_write_enable: "YES",
    anon_other_write_enable: "YES",
    ssl_enable: "YES",
    allow_anon_ssl: "YES",
    force_anon_logins_ssl: "YES",
    force_anon_data_ssl: "YES",
    require_ssl_reuse: "NO",
    ssl_ciphers: "HIGH",
    rsa_cert_file: certificate,
  };
  const file = join(home, "vsftpd.conf");
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(""));
  const login = { username: "anonymous", password: "bench", remoteDirectory: "bench" };
  return startForking("vsftpd", ["/usr/sbin/vsftpd", file], port, login);
}

/** ProFTPD's program, with its modules where Debian puts them beside it; undefined where there is none. */
export function findProftpd(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, "proftpd")).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function startProftpd(directory: string, program: string): Promise<FtpsBenchServer> {
  const home = join(directory, "proftpd");
  await mkdir(join(home, "files", "bench"), { recursive: true });
  const { certificate, privateKey } = await writeCertificate(home);
  const [user, group] = await Promise.all([mustRun("id", ["-un"]), mustRun("id", ["-gn"])]);
  const hash = (await mustRun("openssl", ["passwd", "-6", password])).trim();
  const files = join(home, "files");
  await writeFile(
    join(home, "passwd"),
    `tester:${hash}:${process.getuid?.()}:${process.getgid?.()}::${files}:/bin/sh\n`,
  );
  await chmod(join(home, "passwd"), 0o600);
  const { first: port } = await freePorts(1);
  const settings = [
    `ModulePath ${join(dirname(realpathSync(program)), "..", "lib", "proftpd")}`,
    "LoadModule mod_tls.c",
    "ServerType standalone",
    "DefaultAddress 127.0.0.1",
    `Port ${port}`,
    `PidFile ${join(home, "pid")}`,
    `ScoreboardFile ${join(home, "scoreboard")}`,
    `User ${user.trim()}`,
    `Group ${group.trim()}`,
    "RootLogin on",
    "RequireValidShell off",
    "AuthOrder mod_auth_file.c",
    `AuthUserFile ${join(home, "passwd")}`,
    "DefaultRoot ~",
    "AllowOverwrite on",
    "AllowStoreRestart on",
    "UseReverseDNS off",
    "WtmpLog off",
    // As where an account may not write to a folder.
    "<Directory ~/*/denied>",
    "<Limit WRITE>",
    "DenyAll",
    "</Limit>",
    "</Directory>",
    "TLSEngine on",
    "TLSRequired on",
    "TLSProtocol TLSv1.2 TLSv1.3",
    "TLSOptions NoSessionReuseRequired",
    `TLSRSACertificateFile ${certificate}`,
    `TLSRSACertificateKeyFile ${privateKey}`,
  ];
  await writeFile(join(home, "proftpd.conf"), `${settings.join("\n")}\n`);
  const login = { username: "tester", password, remoteDirectory: "bench" };
  return startForking("ProFTPD", [program, "-n", "-c", join(home, "proftpd.conf")], port, login);
}

type Login = Pick<FtpsBenchServer, "username" | "password" | "remoteDirectory">;

/** Starts a server whose sessions are processes of their own, some of which nobody but the wrapper waits for. */
async function startForking(
  name: string,
  command: readonly string[],
  port: number,
  login: Login,
): Promise<FtpsBenchServer> {
  const wrapper = fileURLToPath(new URL("wait-for-descendants.py", import.meta.url));
  const child = spawn("python3", [wrapper, ...command], { stdio: "ignore" });
  await untilListening(port);
  const pid = child.pid ?? 0;
  const idleProcesses = descendantsOf(pid).length;
  if (child.exitCode !== null || idleProcesses === 0) throw new Error(`${name} did not start`);
  return {
    name,
    port,
    ...login,
    cpuSeconds: async () => {
      while (descendantsOf(pid).length > idleProcesses) await delay(20);
      return treeCpuSecondsOf(pid);
    },
    stop: () => ended(child),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** `certificate` holds the private key too: vsftpd reads both from one file. */
async function writeCertificate(home: string): Promise<{ certificate: string; privateKey: string }> {
  const text = createTlsPrivateKey();
  const [certificate, privateKey] = [join(home, "certificate.pem"), join(home, "private.pem")];
  await writeFile(certificate, text + createSelfSignedCertificate(text, ["127.0.0.1"], Date.now() - 60_000), {
    mode: 0o600,
  });
  await writeFile(privateKey, text, { mode: 0o600 });
  return { certificate, privateKey };
}
