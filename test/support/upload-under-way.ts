import { FtpsClient } from "./ftps-client.ts";
import { connectSftp, type SftpConnection } from "./sftp-client.ts";

/** An upload that has begun and waits for more. Both methods reject when it cannot go on. */
export interface UploadUnderWay {
  /** Resolves when the bytes are with the server, or on their way where the protocol does not say. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when the server has acknowledged the file. */
  finish(): Promise<void>;
}

export interface UploadPlace {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string;
  readonly path: string;
}

export async function beginSftpUpload({ path, ...endpoint }: UploadPlace): Promise<UploadUnderWay> {
  const connection = await connectSftp(endpoint, "tester", { password: "password" });
  const upload = await beginUploadOver(connection, path);
  return {
    ...upload,
    finish: async () => {
      await upload.finish();
      connection.client.end();
    },
  };
}

/** Over a connection that stays. */
export async function beginUploadOver({ sftp, lost }: SftpConnection, path: string): Promise<UploadUnderWay> {
  const answered = <T>(call: (done: (error: Error | null | undefined, value?: T) => void) => void): Promise<T> =>
    Promise.race([
      lost,
      new Promise<T>((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value as T)))),
    ]);
  const handle = await answered<Buffer>((done) => sftp.open(path, "w", done));
  let position = 0;
  return {
    write: async (chunk) => {
      const at = position;
      position += chunk.length;
      for (let offset = 0; offset < chunk.length; offset += 30_000) {
        const part = chunk.subarray(offset, offset + 30_000);
        await answered<void>((done) => sftp.write(handle, part, 0, part.length, at + offset, (error) => done(error)));
      }
    },
    finish: () => answered<void>((done) => sftp.close(handle, (error) => done(error))),
  };
}

export async function beginFtpsUpload({ port, localAddress, path }: UploadPlace): Promise<UploadUnderWay> {
  const client = await FtpsClient.loggedIn(port, { localAddress, tls: { maxVersion: "TLSv1.2" } });
  const data = await client.startTransfer(`STOR ${path}`);
  data.resume();
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        data.once("close", () => reject(new Error("the data connection was closed")));
        data.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
    finish: async () => {
      data.end();
      const { code } = await client.reply();
      client.destroy();
      if (code !== 226) throw new Error(`the upload was answered ${code}`);
    },
  };
}
