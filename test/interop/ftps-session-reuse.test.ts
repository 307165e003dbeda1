import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { SessionReuse } from "../../protocols/ftps/tls-settings.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";

const content = randomBytes(300_000);
const password = "password";
const ftplibScript = fileURLToPath(new URL("ftplib-client.py", import.meta.url));

interface Transfer {
  readonly port: number;
  readonly local: string;
  readonly remote: string;
}

/** Uploads `local` to `remote`, then downloads that to `local` with `.back` behind it. */
async function lftp({ port, local, remote }: Transfer): Promise<void> {
  const script = [
    "set cmd:fail-exit yes",
    "set net:max-retries 1",
    "set ftp:ssl-force yes",
    "set ftp:ssl-protect-data yes",
    "set ssl:verify-certificate no",
    `open -u tester,${password} ftp://127.0.0.1:${port}`,
    `put ${local} -o ${remote}`,
    `get ${remote} -o ${local}.back`,
    "exit",
  ];
  await mustRun("lftp", ["--norc"], { input: script.join("\n"), env: { LFTP_HOME: "/nonexistent" } });
}

function curlWith(version: "1.2" | "1.3") {
  return async ({ port, local, remote }: Transfer): Promise<void> => {
    const common = ["-q", "-sS", "-k", "--ssl-reqd", `--tlsv${version}`, "--tls-max", version];
    const url = `ftp://tester:${password}@127.0.0.1:${port}${remote}`;
    await mustRun("curl", [...common, "-T", local, url]);
    await mustRun("curl", [...common, "-o", `${local}.back`, url]);
  };
}

async function ftplib({ port, local, remote }: Transfer): Promise<void> {
  const site = ["127.0.0.1", `${port}`, "explicit", "tester", password];
  await mustRun("python3", [ftplibScript, ...site, "put", local, remote]);
  await mustRun("python3", [ftplibScript, ...site, "get", remote, `${local}.back`]);
}

describe("TLS sessions on data connections", () => {
  let directory: string;
  const servers: FtpsTestServer[] = [];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  });
  after(async () => {
    for (const server of servers) await server.close();
    await rm(directory, { recursive: true });
  });

  async function transferWith(program: (transfer: Transfer) => Promise<void>, sessionReuse: SessionReuse) {
    const server = await startFtps({ sessionReuse });
    servers.push(server);
    const local = join(directory, `content-${servers.length}`);
    await writeFile(local, content);
    await program({ port: server.port, local, remote: "/content.bin" });
    assert.ok(content.equals(await readFile(`${local}.back`)));
    assert.ok(content.equals((await server.stored("/content.bin")) ?? Buffer.alloc(0)));
  }

  for (const reuse of ["required", "preferred", "off"] as const) {
    it(`lftp works where they are ${reuse}`, { skip: programOrSkip("lftp") }, () => transferWith(lftp, reuse));
    for (const version of ["1.2", "1.3"] as const) {
      it(`curl works over TLS ${version} where they are ${reuse}`, { skip: programOrSkip("curl") }, () =>
        transferWith(curlWith(version), reuse),
      );
    }
  }

  it("a session of TLS 1.2 serves many uploads of curl where they are required", {
    skip: programOrSkip("curl"),
  }, async () => {
    const server = await startFtps({ sessionReuse: "required" });
    servers.push(server);
    const names = Array.from({ length: 10 }, (_, index) => `many-${index}`);
    for (const name of names) await writeFile(join(directory, name), content);
    const local = `{${names.map((name) => join(directory, name)).join(",")}}`;
    const url = `ftp://tester:${password}@127.0.0.1:${server.port}/`;
    await mustRun("curl", ["-q", "-sS", "-k", "--ssl-reqd", "--tls-max", "1.2", "-T", local, url]);
    for (const name of names) assert.ok(content.equals((await server.stored(`/${name}`)) ?? Buffer.alloc(0)));
  });

  it("ftplib resumes none, so it works where nobody has to", { skip: programOrSkip("python3") }, async () => {
    await transferWith(ftplib, "preferred");
    await assert.rejects(transferWith(ftplib, "required"));
    assert.equal(await servers.at(-1)?.stored("/content.bin"), undefined);
  });
});
