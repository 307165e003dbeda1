import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes, largestBytes } from "./ftps-endpoint.ts";

function rcloneOver(mode: FtpsMode): ClientProgram {
  const rclone = async (site: Site, ...args: string[]): Promise<string> => {
    const { host, port } = ftpsEndpoint(site, mode);
    const env = {
      RCLONE_CONFIG: "/dev/null",
      RCLONE_FTP_HOST: host,
      RCLONE_FTP_PORT: `${port}`,
      RCLONE_FTP_USER: "tester",
      RCLONE_FTP_PASS: (await mustRun("rclone", ["obscure", password])).trim(),
      [mode === "explicit" ? "RCLONE_FTP_EXPLICIT_TLS" : "RCLONE_FTP_TLS"]: "true",
      RCLONE_FTP_NO_CHECK_CERTIFICATE: "true",
    };
    // In several streams, rclone 1.60 breaks each off at its end and takes the 426 that every server then sends for a
    // failure; ProFTPD fares no better.
    return mustRun("rclone", ["--retries", "1", "--multi-thread-streams", "0", ...args], { env });
  };
  return {
    put: async (site, local, remote) => void (await rclone(site, "copyto", "--ignore-times", local, `:ftp:${remote}`)),
    get: async (site, remote, local) => void (await rclone(site, "copyto", `:ftp:${remote}`, local)),
    list: async (site, remote) =>
      (await rclone(site, "lsf", `:ftp:${remote}`))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.replace(/\/$/, "")),
    makeDirectory: async (site, remote) => void (await rclone(site, "mkdir", `:ftp:${remote}`)),
    removeDirectory: async (site, remote) => void (await rclone(site, "rmdir", `:ftp:${remote}`)),
    removeFile: async (site, remote) => void (await rclone(site, "deletefile", `:ftp:${remote}`)),
    rename: async (site, from, to) => void (await rclone(site, "moveto", `:ftp:${from}`, `:ftp:${to}`)),
    putTree: async (site, local, remote) =>
      void (await rclone(site, "sync", "--transfers", "8", local, `:ftp:${remote}`)),
    getTree: async (site, remote, local) =>
      void (await rclone(site, "sync", "--transfers", "8", `:ftp:${remote}`, local)),
  };
}

for (const mode of ftpsModes) {
  clientScript(`rclone over ${mode} FTPS`, rcloneOver(mode), programOrSkip("rclone"), largestBytes[mode]);
}
