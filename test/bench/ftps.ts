import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeRandomFile } from "../interop/client-script.ts";
import { temporaryDirectory, writeIdentity } from "../support/product.ts";
import { mustRun } from "../support/run-program.ts";
import { type FtpsBenchServer, findProftpd, startFerrygate, startProftpd, startVsftpd } from "./ftps-servers.ts";
import { medianOf } from "./process-usage.ts";

const { values: options } = parseArgs({
  options: {
    smoke: { type: "boolean", default: false },
    repetitions: { type: "string" },
    only: { type: "string", default: "" },
    // Of the benchmark of SFTP, which gets the same arguments.
    cipher: { type: "string" },
  },
});

/** What Ferrygate prefers. */
const cipher = "TLS_AES_128_GCM_SHA256";

const scale = options.smoke
  ? { fileBytes: 16 * 1024 ** 2, smallFiles: 20, repetitions: 1 }
  : { fileBytes: 1024 ** 3, smallFiles: 100, repetitions: 5 };
const repetitions = options.repetitions === undefined ? scale.repetitions : Number(options.repetitions);

interface Measurement {
  readonly title: string;
  readonly unit: string;
  /** Of the ratio to each of the others, by name. */
  readonly aims: Readonly<Record<string, string>>;
  readonly measure: (server: FtpsBenchServer, directory: string) => Promise<number>;
}

const urlOf = ({ port, remoteDirectory }: FtpsBenchServer, name: string) =>
  `ftp://127.0.0.1:${port}/${remoteDirectory}/${name}`;

/** One client over TLS 1.3 with the same cipher for every server. */
function curl(server: FtpsBenchServer, args: readonly string[]): Promise<string> {
  const tls = ["--ssl-reqd", "--insecure", "--tlsv1.3", "--tls13-ciphers", cipher];
  const login = ["--user", `${server.username}:${server.password}`];
  return mustRun("curl", ["--silent", "--show-error", ...tls, ...login, ...args], { timeoutMs: 300_000 });
}

async function cpuPerGiB(server: FtpsBenchServer, run: () => Promise<unknown>): Promise<number> {
  const before = await server.cpuSeconds();
  await run();
  return (((await server.cpuSeconds()) - before) * 1024 ** 3) / scale.fileBytes;
}

function lftp({ port, username, password }: FtpsBenchServer, command: string): Promise<string> {
  const settings = ["ftp:ssl-force yes", "ssl:verify-certificate no", "net:max-retries 1", "ftp:sync-mode yes"];
  const script = [...settings.map((setting) => `set ${setting}`), command].join("; ");
  return mustRun("lftp", ["-u", `${username},${password}`, "-e", `${script}; bye`, `ftp://127.0.0.1:${port}`], {
    timeoutMs: 300_000,
  });
}

async function filesPerSecond(run: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return scale.smallFiles / ((performance.now() - startedAtMs) / 1000);
}

const measurements: readonly Measurement[] = [
  {
    title: "one stream up, CPU seconds per GiB",
    unit: "s",
    aims: { vsftpd: "≤ 0.4", ProFTPD: "≤ 1.5" },
    measure: (server, directory) =>
      cpuPerGiB(server, () => curl(server, ["-T", join(directory, "large.bin"), urlOf(server, "large.bin")])),
  },
  {
    title: "one stream down, CPU seconds per GiB",
    unit: "s",
    aims: { vsftpd: "≤ 0.4", ProFTPD: "≤ 0.6" },
    measure: (server) => cpuPerGiB(server, () => curl(server, ["-o", "/dev/null", urlOf(server, "large.bin")])),
  },
  {
    title: `${scale.smallFiles} × 4 KiB up with 4 connections, files a second`,
    unit: "/s",
    aims: { vsftpd: "≥ 1.0", ProFTPD: "≥ 1.0" },
    measure: (server, directory) =>
      filesPerSecond(() =>
        lftp(
          server,
          `mirror -R --transfer-all --parallel=4 ${join(directory, "small")} ${server.remoteDirectory}/small`,
        ),
      ),
  },
  {
    title: `${scale.smallFiles} × 4 KiB down with 4 connections, files a second`,
    unit: "/s",
    aims: { vsftpd: "≥ 1.0", ProFTPD: "≥ 1.0" },
    measure: async (server, directory) => {
      const into = join(directory, "down");
      await rm(into, { recursive: true, force: true });
      return filesPerSecond(() => lftp(server, `mirror --parallel=4 ${server.remoteDirectory}/small ${into}`));
    },
  },
];

async function prepare(directory: string): Promise<void> {
  await writeRandomFile(join(directory, "large.bin"), scale.fileBytes);
  await mkdir(join(directory, "small"));
  for (let index = 0; index < scale.smallFiles; index += 1) {
    await writeFile(join(directory, "small", `f${String(index).padStart(5, "0")}`), Buffer.alloc(4096, `${index} `));
  }
}

/** The servers take turns inside every repetition, so that a machine that slows down slows each of them. */
async function compare(measurement: Measurement, servers: readonly FtpsBenchServer[], directory: string) {
  const figures = servers.map((): number[] => []);
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const [index, server] of servers.entries()) {
      figures[index]?.push(await measurement.measure(server, directory));
    }
  }
  const { title, unit, aims } = measurement;
  const [ours = [], ...others] = figures;
  for (const [index, theirs] of others.entries()) {
    const name = servers[index + 1]?.name ?? "";
    const ratios = ours.map((value, repetition) => value / (theirs[repetition] ?? Number.NaN));
    const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const medians = [medianOf(ours), medianOf(theirs)].map((value) => value.toFixed(2));
    const row = [title, ...medians, unit, name, medianOf(ratios).toFixed(2), spread, aims[name]];
    console.log(`| ${row.join(" | ")} |`);
  }
}

async function describeMachine(proftpd: string | undefined): Promise<string> {
  const [client = ""] = (await mustRun("curl", ["--version"])).split("\n");
  const load = loadavg().map((value) => value.toFixed(1));
  const absent = proftpd === undefined ? "; ProFTPD is not installed" : "";
  return `${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; ${client}; ${cipher}; load ${load}${absent}`;
}

const directory = await temporaryDirectory();
const servers: FtpsBenchServer[] = [];
try {
  await prepare(directory);
  const proftpd = findProftpd();
  servers.push(await startFerrygate(directory, await writeIdentity(directory)));
  servers.push(await startVsftpd(directory));
  if (proftpd !== undefined) servers.push(await startProftpd(directory, proftpd));
  console.log(`${await describeMachine(proftpd)}; ${repetitions} repetitions, medians\n`);
  console.log("| | Ferrygate | other | | other is | ratio | spread | aim |\n|---|---|---|---|---|---|---|---|");
  const chosen = measurements.filter(({ title }) => title.includes(options.only));
  for (const measurement of chosen) await compare(measurement, servers, directory);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(directory, { recursive: true, force: true });
}
