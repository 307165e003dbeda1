import { promisify } from "node:util";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { filesScript } from "./files-script.ts";

filesScript("sftp", async (product, identity, username) => {
  const connection = await connectSftp(product.endpoints.sftp, username, identity.privateKeyFile);
  const { client, sftp } = connection;
  return {
    put: (path, content) => putFile(connection, path, content),
    get: (path) =>
      promisify((done: (error: Error | undefined, content: Buffer) => void) => sftp.readFile(path, done))(),
    list: async (path) => {
      const entries = await promisify(sftp.readdir.bind(sftp))(path);
      return entries.map(({ filename }) => filename).filter((name) => name !== "." && name !== "..");
    },
    makeDirectory: (path) => promisify((done: (error?: Error | null) => void) => sftp.mkdir(path, done))(),
    removeDirectory: (path) => promisify((done: (error?: Error | null) => void) => sftp.rmdir(path, done))(),
    removeFile: (path) => promisify((done: (error?: Error | null) => void) => sftp.unlink(path, done))(),
    rename: (from, to) => promisify((done: (error?: Error | null) => void) => sftp.rename(from, to, done))(),
    close: () => new Promise((resolve) => client.once("close", () => resolve()).end()),
  };
});
