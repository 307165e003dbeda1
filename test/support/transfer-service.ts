import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

type Input = Readonly<Record<string, unknown>>;

/**
 * The operations of AWS Transfer Family that start work at a connector's site, for files in memory. The end of a
 * transfer shows at the second look; objects are where the connector's role would find them.
 */
export class ConnectorSite {
  readonly files = new Map<string, Buffer>();
  /** The connectors that were asked, each once for every call. */
  readonly asked: string[] = [];
  readonly #objects: () => Pick<S3Client, "send">;
  readonly #results = new Map<string, object[]>();
  readonly #operations: Readonly<Record<string, (input: Input) => object | Promise<object>>> = {
    StartFileTransfer: (input) => this.#start(input),
    ListFileTransferResults: (input) => this.#look(`${input.TransferId}`),
    StartDirectoryListing: (input) => this.#list(input),
    StartRemoteMove: (input) => this.#move(`${input.SourcePath}`, `${input.TargetPath}`),
    StartRemoteDelete: (input) => this.#delete(`${input.DeletePath}`),
  };

  constructor(objects: () => Pick<S3Client, "send">) {
    this.#objects = objects;
  }

  async answer(operation: string, input: Input): Promise<object> {
    this.asked.push(`${input.ConnectorId}`);
    const work = this.#operations[operation];
    if (!work) throw new Error(`${operation} is not known here`);
    return work(input);
  }

  async #start(input: Input): Promise<object> {
    const [sent] = (input.SendFilePaths ?? []) as string[];
    const [wanted = ""] = (input.RetrieveFilePaths ?? []) as string[];
    let result: object = { StatusCode: "COMPLETED" };
    if (sent !== undefined) {
      const { Body } = await this.#objects().send(new GetObjectCommand(placeOf(sent)));
      const content = Buffer.from((await Body?.transformToByteArray()) ?? []);
      this.files.set(`${input.RemoteDirectoryPath}/${lastName(sent)}`, content);
    } else {
      const Body = this.files.get(wanted);
      const place = placeOf(`${input.LocalDirectoryPath}/${lastName(wanted)}`);
      if (Body) await this.#objects().send(new PutObjectCommand({ ...place, Body }));
      else result = { StatusCode: "FAILED", FailureCode: "FILE_NOT_FOUND", FailureMessage: "No such file" };
    }
    const TransferId = randomUUID();
    this.#results.set(TransferId, [
      { FilePath: "", StatusCode: "QUEUED" },
      { FilePath: "", ...result },
    ]);
    return { TransferId };
  }

  #look(transferId: string): object {
    const [first, ...later] = this.#results.get(transferId) ?? [];
    if (later.length > 0) this.#results.set(transferId, later);
    return { FileTransferResults: [first] };
  }

  async #list(input: Input): Promise<object> {
    const folder = `${input.RemoteDirectoryPath}/`;
    const below = [...this.files].filter(([path]) => path.startsWith(folder));
    const isHere = (path: string) => !path.slice(folder.length).includes("/");
    const files = below
      .filter(([path]) => isHere(path))
      .map(([filePath, { length: size }]) => ({ filePath, modifiedTimestamp: "2026-11-22T12:00:00Z", size }));
    const deeper = below.map(([path]) => path).filter((path) => !isHere(path));
    const names = new Set(deeper.map((path) => path.slice(folder.length).split("/")[0]));
    const paths = [...names].map((name) => ({ path: folder + name }));
    const Body = JSON.stringify({ files, paths, truncated: "false" });
    await this.#objects().send(new PutObjectCommand({ ...placeOf(`${input.OutputDirectoryPath}/list.json`), Body }));
    return { ListingId: "1", OutputFileName: "list.json" };
  }

  #move(from: string, to: string): object {
    this.files.set(to, this.files.get(from) ?? Buffer.alloc(0));
    this.files.delete(from);
    return { MoveId: "1" };
  }

  #delete(path: string): object {
    this.files.delete(path);
    return { DeleteId: "1" };
  }
}

/** `/BUCKET/KEY`, as connectors name objects. */
function placeOf(path: string) {
  const [, Bucket = "", ...rest] = path.split("/");
  return { Bucket, Key: rest.join("/") };
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export interface TransferService {
  /** For `AWS_ENDPOINT_URL_TRANSFER`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** The service's own protocol: JSON with the operation in `x-amz-target`. */
export async function startTransferService(site: ConnectorSite): Promise<TransferService> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = `${request.headers["x-amz-target"]}`.replace(/^TransferService\./, "");
    try {
      const answer = await site.answer(operation, JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(answer));
    } catch (error) {
      const body = { __type: "InternalServiceError", message: `${error}` };
      response.writeHead(500, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
