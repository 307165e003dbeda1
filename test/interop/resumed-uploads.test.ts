import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import {
  disposeProduct,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { runProgram } from "../support/run-program.ts";
import { type Site, sha256Of, writeRandomFile } from "./client-script.ts";
import { hostKeyOptions } from "./psftp-host-keys.ts";

const MiB = 1024 ** 2;
const fileBytes = 48 * MiB;
/** The first try is killed when the server has so much of it. */
const killedAtBytes = 12 * MiB;

interface Put {
  readonly local: string;
  readonly remote: string;
  /** Goes on with what the server has; otherwise slow where the program can be, so that it can be killed. */
  readonly goesOn: boolean;
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly input?: string;
}

type CommandOf = (site: Site, put: Put) => Promise<Command> | Command;

const noHostKeys = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];

const openSsh: CommandOf = ({ product, identity }, { local, remote, goesOn }) => {
  const { host, port } = product.endpoints.sftp;
  const slow = goesOn ? [] : ["-l", "200000"];
  const args = [...slow, "-F", "/dev/null", ...noHostKeys, "-i", identity.privateKeyFile, "-P", `${port}`, "-b", "-"];
  const input = `${goesOn ? "reput" : "put"} ${local} ${remote}\n`;
  return { program: "sftp", args: [...args, `tester@${host}`], input };
};

const psftp: CommandOf = async (site, { local, remote, goesOn }) => {
  const { host, port } = site.product.endpoints.sftp;
  const script = join(site.work, "psftp-commands");
  await writeFile(script, `${goesOn ? "reput" : "put"} ${local} ${remote}\nquit\n`);
  const login = ["-batch", "-P", `${port}`, "-l", "tester", "-pw", password, ...(await hostKeyOptions(site.product))];
  return { program: "psftp", args: [...login, "-b", script, host] };
};

const curlTo =
  (scheme: "sftp" | "ftp"): CommandOf =>
  ({ product }, { local, remote, goesOn }) => {
    const endpoint = scheme === "sftp" ? product.endpoints.sftp : product.endpoints.ftps;
    const how = goesOn ? ["-C", "-"] : ["--limit-rate", "25M"];
    const common = ["-q", "-sS", "-k", "--ssl-reqd", "-u", `tester:${password}`, ...how, "-T", local];
    return { program: "curl", args: [...common, `${scheme}://${endpoint?.host}:${endpoint?.port}${remote}`] };
  };

const lftpTo =
  (scheme: "sftp" | "ftp"): CommandOf =>
  ({ product, identity }, { local, remote, goesOn }) => {
    const endpoint = scheme === "sftp" ? product.endpoints.sftp : product.endpoints.ftps;
    const connect = `ssh -a -x -F /dev/null ${noHostKeys.join(" ")} -i ${identity.privateKeyFile}`;
    const script = [
      `set sftp:connect-program "${connect}"`,
      ...["set cmd:fail-exit yes", "set net:max-retries 1", "set ftp:ssl-force yes", "set ftp:ssl-protect-data yes"],
      ...["set ssl:verify-certificate no", ...(goesOn ? [] : ["set net:limit-rate 0:25000000"])],
      `open -u tester,"${scheme === "sftp" ? "none" : password}" ${scheme}://${endpoint?.host}:${endpoint?.port}`,
      `put ${goesOn ? "-c " : ""}${local} -o ${remote}`,
      "exit",
    ];
    return { program: "lftp", args: ["--norc"], input: `${script.join("\n")}\n` };
  };

const curlHasSftp = async () => (await runProgram("curl", ["--version"])).stdout.includes(" sftp");

const clients: readonly { name: string; skip: string | false; command: CommandOf }[] = [
  { name: "OpenSSH's sftp with reput", skip: programOrSkip("sftp"), command: openSsh },
  { name: "PuTTY's psftp with reput", skip: programOrSkip("psftp"), command: psftp },
  { name: "lftp with put -c over SFTP", skip: programOrSkip("lftp"), command: lftpTo("sftp") },
  { name: "lftp with put -c over FTPS", skip: programOrSkip("lftp"), command: lftpTo("ftp") },
  { name: "curl with -C - over FTPS", skip: programOrSkip("curl"), command: curlTo("ftp") },
  {
    name: "curl with -C - over SFTP",
    skip: programOrSkip("curl") || (!(await curlHasSftp()) && "this curl has no SFTP"),
    command: curlTo("sftp"),
  },
];

describe("clients that go on with an upload whose first try was killed", () => {
  let site: Site;
  before(async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const configuration = await testConfiguration(identity.publicKey);
    const resumable = configuration.replace("- name: tester\n", "- name: tester\n    resumableUploads: true\n");
    const product = await startProduct({ directory, configuration: resumable });
    const work = join(directory, "work");
    await mkdir(work);
    site = { product, identity, work };
  });
  after(() => disposeProduct(site.product));

  const eventsOf = async (path: string): Promise<AccountingEvent[]> =>
    (await site.product.events()).filter(({ type, data }) => type.startsWith("transfer.") && data.path === path);

  async function untilRecorded(path: string, type: string): Promise<AccountingEvent> {
    for (;;) {
      const found = (await eventsOf(path)).find((event) => event.type === type);
      if (found) return found;
      await delay(50);
    }
  }

  /** Until the server has so many bytes of the one upload that is under way. */
  async function untilStaged(bytes: number): Promise<void> {
    const staging = join(site.product.dataDirectory, "staging");
    for (;;) {
      const names = (await readdir(staging)).filter((name) => /^[\w-]+$/.test(name));
      const sizes = await Promise.all(names.map((name) => stat(join(staging, name)).catch(() => undefined)));
      if (sizes.some((stats) => (stats?.size ?? 0) >= bytes)) return;
      await delay(5);
    }
  }

  for (const [index, { name, skip, command }] of clients.entries()) {
    it(name, { skip }, async () => {
      const remote = `/file${index}.bin`;
      const local = join(site.work, `file${index}.bin`);
      await writeRandomFile(local, fileBytes);
      const first = await command(site, { local, remote, goesOn: false });
      const child = spawn(first.program, first.args, { stdio: ["pipe", "ignore", "ignore"] });
      child.stdin.end(first.input ?? "");
      const exited = once(child, "exit");
      await untilStaged(killedAtBytes);
      child.kill("SIGKILL");
      await exited;
      const aborted = await untilRecorded(remote, "transfer.aborted");
      const keptBytes = Number(aborted.data.keptBytes);
      assert.ok(keptBytes >= killedAtBytes / 2 && keptBytes < fileBytes, `${keptBytes} bytes are kept`);
      await assert.rejects(stat(join(site.product.dataDirectory, "files", "tester", `file${index}.bin`)));

      const { program, args, input } = await command(site, { local, remote, goesOn: true });
      const { exitCode, stdout, stderr } = await runProgram(program, args, input === undefined ? {} : { input });
      assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
      const completed = await untilRecorded(remote, "transfer.completed");
      const stored = join(site.product.dataDirectory, "files", "tester", `file${index}.bin`);
      const sha256 = await sha256Of(local);
      assert.equal(await sha256Of(stored), sha256);
      const { data } = completed;
      assert.deepEqual([data.sha256, data.bytes, data.resumes], [sha256, fileBytes, aborted.data.transferId]);
      assert.equal(data.resumedBytes, keptBytes);
    });
  }
});
