import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";

const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;

function lftp({ product, identity }: Site, ...commands: string[]): Promise<string> {
  const { host, port } = product.endpoints.sftp;
  const connect = `ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`;
  const script = [
    `set sftp:connect-program "${connect} -i ${identity.privateKeyFile}"`,
    "set cmd:fail-exit yes",
    "set net:max-retries 1",
    `open -u tester,none sftp://${host}:${port}`,
    ...commands,
    "exit",
  ];
  return mustRun("lftp", ["--norc"], {
    input: script.join("\n"),
    env: { LFTP_HOME: "/nonexistent" },
  });
}

const client: ClientProgram = {
  put: async (site, local, remote) => void (await lftp(site, `put ${quoted(local)} -o ${quoted(remote)}`)),
  get: async (site, remote, local) =>
    void (await lftp(site, "set xfer:clobber yes", `get ${quoted(remote)} -o ${quoted(local)}`)),
  list: async (site, remote) =>
    (await lftp(site, `cls -1 ${quoted(`${remote.replace(/\/$/, "")}/`)}`))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(line.replace(/\/$/, "").lastIndexOf("/") + 1)),
  makeDirectory: async (site, remote) => void (await lftp(site, `mkdir ${quoted(remote)}`)),
  removeDirectory: async (site, remote) => void (await lftp(site, `rmdir ${quoted(remote)}`)),
  removeFile: async (site, remote) => void (await lftp(site, `rm ${quoted(remote)}`)),
  rename: async (site, from, to) => void (await lftp(site, `mv ${quoted(from)} ${quoted(to)}`)),
  putTree: async (site, local, remote) => void (await lftp(site, `mirror -R -P 4 ${quoted(local)} ${quoted(remote)}`)),
  getTree: async (site, remote, local) => void (await lftp(site, `mirror -P 4 ${quoted(remote)} ${quoted(local)}`)),
  resumePut: async (site, local, remote) => void (await lftp(site, `put -c ${quoted(local)} -o ${quoted(remote)}`)),
  resumeGet: async (site, remote, local) => void (await lftp(site, `get -c ${quoted(remote)} -o ${quoted(local)}`)),
};

clientScript("lftp over SFTP", client, programOrSkip("lftp"));
