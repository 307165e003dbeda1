import { Readable, Writable } from "node:stream";
import { Client } from "basic-ftp";
import { type Endpoint, type Product, password } from "../support/product.ts";
import { type FileClient, filesScript } from "./files-script.ts";

async function connectFtps(endpoint: Endpoint, secure: true | "implicit", user: string): Promise<FileClient> {
  const client = new Client();
  const secureOptions = { rejectUnauthorized: false };
  await client.access({ ...endpoint, user, password, secure, secureOptions });
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

const endpointOf = (endpoint: Endpoint | undefined): Endpoint => {
  if (!endpoint) throw new Error("the product has no such listener");
  return endpoint;
};

filesScript("ftps", (product: Product, _identity, user) => connectFtps(endpointOf(product.endpoints.ftps), true, user));
filesScript("ftps", (product: Product, _identity, user) =>
  connectFtps(endpointOf(product.endpoints.ftpsImplicit), "implicit", user),
);
