import { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { Client } from "basic-ftp";
import { connectHttp } from "./http-client.ts";
import { type Endpoint, password } from "./product.ts";
import { connectSftp, putFile } from "./sftp-client.ts";

/** What every protocol can do with files. A refusal rejects. */
export interface FileClient {
  put(path: string, content: Buffer): Promise<void>;
  get(path: string): Promise<Buffer>;
  list(path: string): Promise<string[]>;
  makeDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Ends the connection in order; resolves when it is closed. */
  close(): Promise<void>;
}

/** Over ssh2, with a public key. */
export async function sftpFileClient(
  endpoint: Endpoint,
  username: string,
  privateKeyFile: string,
): Promise<FileClient> {
  const connection = await connectSftp(endpoint, username, privateKeyFile);
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
}

/** Over basic-ftp, with the password of every test account. */
export async function ftpsFileClient(endpoint: Endpoint, secure: true | "implicit", user: string): Promise<FileClient> {
  const client = new Client();
  await client.access({ ...endpoint, user, password, secure, secureOptions: { rejectUnauthorized: false } });
  return {
    put: async (path, content) => void (await client.uploadFrom(Readable.from([content]), path)),
    get: async (path) => {
      const chunks: Buffer[] = [];
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          chunks.push(chunk);
          done();
        },
      });
      await client.downloadTo(sink, path);
      return Buffer.concat(chunks);
    },
    list: async (path) => (await client.list(path)).map(({ name }) => name),
    makeDirectory: async (path) => void (await client.send(`MKD ${path}`)),
    removeDirectory: async (path) => void (await client.send(`RMD ${path}`)),
    removeFile: async (path) => void (await client.remove(path)),
    rename: async (from, to) => void (await client.rename(from, to)),
    close: async () => {
      await client.send("QUIT").catch(() => {});
      client.close();
    },
  };
}

/** Over fetch, with a token. What is refused rejects with a ProblemError. */
export async function httpFileClient(url: string, username: string): Promise<FileClient> {
  const client = await connectHttp(url, username);
  const { files } = client;
  return {
    put: async (path, content) => void (await files("PUT", path, { body: new Uint8Array(content) })),
    get: async (path) => Buffer.from(await (await files("GET", path)).arrayBuffer()),
    list: async (path) => {
      const folder = path.endsWith("/") ? path : `${path}/`;
      const { entries } = (await (await files("GET", folder)).json()) as { entries: { name: string }[] };
      return entries.map(({ name }) => name);
    },
    makeDirectory: async (path) => void (await files("PUT", `${path}/`)),
    removeDirectory: async (path) => void (await files("DELETE", `${path}/`)),
    removeFile: async (path) => void (await files("DELETE", path)),
    rename: async (from, to) => void (await client.operate({ op: "rename", from, to })),
    close: () => client.logout(),
  };
}
