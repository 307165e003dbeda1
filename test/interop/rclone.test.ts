import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";

function rclone({ product, identity }: Site, ...args: string[]): Promise<string> {
  const { host, port } = product.endpoints.sftp;
  const env = {
    RCLONE_CONFIG: "/dev/null",
    RCLONE_SFTP_HOST: host,
    RCLONE_SFTP_PORT: `${port}`,
    RCLONE_SFTP_USER: "tester",
    RCLONE_SFTP_KEY_FILE: identity.privateKeyFile,
    RCLONE_SFTP_SHELL_TYPE: "none",
  };
  return mustRun("rclone", ["--retries", "1", ...args], { env });
}

const client: ClientProgram = {
  put: async (site, local, remote) => void (await rclone(site, "copyto", "--ignore-times", local, `:sftp:${remote}`)),
  get: async (site, remote, local) => void (await rclone(site, "copyto", `:sftp:${remote}`, local)),
  list: async (site, remote) =>
    (await rclone(site, "lsf", `:sftp:${remote}`))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/\/$/, "")),
  makeDirectory: async (site, remote) => void (await rclone(site, "mkdir", `:sftp:${remote}`)),
  removeDirectory: async (site, remote) => void (await rclone(site, "rmdir", `:sftp:${remote}`)),
  removeFile: async (site, remote) => void (await rclone(site, "deletefile", `:sftp:${remote}`)),
  rename: async (site, from, to) => void (await rclone(site, "moveto", `:sftp:${from}`, `:sftp:${to}`)),
  putTree: async (site, local, remote) =>
    void (await rclone(site, "sync", "--transfers", "8", local, `:sftp:${remote}`)),
  getTree: async (site, remote, local) =>
    void (await rclone(site, "sync", "--transfers", "8", `:sftp:${remote}`, local)),
};

clientScript("rclone over SFTP", client, programOrSkip("rclone"));
