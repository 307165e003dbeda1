import { mustRun } from "../support/run-program.ts";
import type { ClientProgram, Site } from "./client-script.ts";

export const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;

/** Runs lftp with these lines, the first of which opens the site; ends at the first command that fails. */
function runLftp(settings: readonly string[], commands: readonly string[]): Promise<string> {
  const script = ["set cmd:fail-exit yes", "set net:max-retries 1", ...settings, ...commands, "exit"];
  return mustRun("lftp", ["--norc"], { input: script.join("\n"), env: { LFTP_HOME: "/nonexistent" } });
}

/** lftp speaks the same commands over every protocol. `settingsFor` answers what a site needs, `open` included. */
export function lftpClient(settingsFor: (site: Site) => readonly string[]): ClientProgram {
  const lftp = (site: Site, ...commands: string[]) => runLftp(settingsFor(site), commands);
  const run = async (site: Site, ...commands: string[]) => void (await lftp(site, ...commands));
  return {
    put: (site, local, remote) => run(site, `put ${quoted(local)} -o ${quoted(remote)}`),
    get: (site, remote, local) => run(site, "set xfer:clobber yes", `get ${quoted(remote)} -o ${quoted(local)}`),
    list: async (site, remote) =>
      (await lftp(site, `cls -1 ${quoted(`${remote.replace(/\/$/, "")}/`)}`))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.slice(line.replace(/\/$/, "").lastIndexOf("/") + 1)),
    makeDirectory: (site, remote) => run(site, `mkdir ${quoted(remote)}`),
    removeDirectory: (site, remote) => run(site, `rmdir ${quoted(remote)}`),
    removeFile: (site, remote) => run(site, `rm ${quoted(remote)}`),
    rename: (site, from, to) => run(site, `mv ${quoted(from)} ${quoted(to)}`),
    putTree: (site, local, remote) => run(site, `mirror -R -P 4 ${quoted(local)} ${quoted(remote)}`),
    getTree: (site, remote, local) => run(site, `mirror -P 4 ${quoted(remote)} ${quoted(local)}`),
    resumePut: (site, local, remote) => run(site, `put -c ${quoted(local)} -o ${quoted(remote)}`),
    resumeGet: (site, remote, local) => run(site, `pget -c ${quoted(remote)} -o ${quoted(local)}`),
  };
}
