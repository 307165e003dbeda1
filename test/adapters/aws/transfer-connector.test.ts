import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  ListFileTransferResultsCommand,
  StartDirectoryListingCommand,
  StartFileTransferCommand,
  StartRemoteDeleteCommand,
  StartRemoteMoveCommand,
  type TransferClient,
} from "@aws-sdk/client-transfer";
import { openS3Site } from "../../../adapters/aws/s3-site.ts";
import { createTransferConnector } from "../../../adapters/aws/transfer-connector.ts";
import { parseVirtualPath } from "../../../core/virtual-path.ts";
import type { RemoteSite } from "../../../ports/remote-site.ts";
import { refuses } from "../../contract/refusal.ts";
import { describeRemoteSite } from "../../contract/remote-site.contract.ts";
import { awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { remoteDestination } from "../../support/remote-destination.ts";

type Objects = Pick<S3Client, "send">;

/** A connector that works on files in memory, one look later than it was asked, with its objects in S3. */
class ConnectedSite {
  readonly files = new Map<string, Buffer>();
  readonly #objects: Objects;
  readonly #results = new Map<string, object[]>();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  async send(command: unknown): Promise<unknown> {
    if (command instanceof StartFileTransferCommand) return this.#start(command.input);
    if (command instanceof ListFileTransferResultsCommand) return this.#look(command.input.TransferId ?? "");
    if (command instanceof StartDirectoryListingCommand) return this.#list(command.input);
    if (command instanceof StartRemoteMoveCommand) {
      const { SourcePath = "", TargetPath = "" } = command.input;
      this.files.set(TargetPath, this.files.get(SourcePath) ?? Buffer.alloc(0));
      this.files.delete(SourcePath);
      return {};
    }
    assert.ok(command instanceof StartRemoteDeleteCommand);
    this.files.delete(command.input.DeletePath ?? "");
    return {};
  }

  async #start(input: StartFileTransferCommand["input"]) {
    const { SendFilePaths: [sent] = [], RetrieveFilePaths: [wanted] = [] } = input;
    let result: object = { StatusCode: "COMPLETED" };
    if (sent !== undefined) {
      const name = sent.slice(sent.lastIndexOf("/") + 1);
      const { Body } = await this.#objects.send(new GetObjectCommand(placeOf(sent)));
      this.files.set(`${input.RemoteDirectoryPath}/${name}`, Buffer.from((await Body?.transformToByteArray()) ?? []));
    } else {
      const name = wanted?.slice(wanted.lastIndexOf("/") + 1);
      const Body = this.files.get(wanted ?? "");
      if (Body) {
        await this.#objects.send(new PutObjectCommand({ ...placeOf(`${input.LocalDirectoryPath}/${name}`), Body }));
      } else result = { StatusCode: "FAILED", FailureCode: "FILE_NOT_FOUND", FailureMessage: "No such file" };
    }
    const TransferId = randomUUID();
    this.#results.set(TransferId, [{ StatusCode: "QUEUED" }, result]);
    return { TransferId };
  }

  #look(transferId: string) {
    const [first, ...later] = this.#results.get(transferId) ?? [];
    if (later.length > 0) this.#results.set(transferId, later);
    return { FileTransferResults: [first] };
  }

  async #list(input: StartDirectoryListingCommand["input"]) {
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
    await this.#objects.send(new PutObjectCommand({ ...placeOf(`${input.OutputDirectoryPath}/list.json`), Body }));
    return { ListingId: "1", OutputFileName: "list.json" };
  }
}

/** `/BUCKET/KEY`, as connectors name objects. */
function placeOf(path: string) {
  const [, Bucket = "", ...rest] = path.split("/");
  return { Bucket, Key: rest.join("/") };
}

describeRemoteSite("a connector of AWS Transfer Family", awsOrSkip(), async () => {
  const services = await startAwsServices();
  const credentials = { accessKeyId: "test", secretAccessKey: "test-secret" };
  const region = "eu-west-1";
  const objects = new S3Client({ endpoint: services.endpoint, region, credentials, forcePathStyle: true });
  const Bucket = `staging-${randomUUID()}`;
  await objects.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  const site = new ConnectedSite(objects);
  const destination = remoteDestination(`s3://${Bucket}/connectors`, {
    user: credentials.accessKeyId,
    password: credentials.secretAccessKey,
    region,
    endpoint: services.endpoint,
  });
  return {
    open: async () =>
      createTransferConnector({
        client: site as unknown as TransferClient,
        connectorId: "c-0123456789abcdef0",
        folder: parseVirtualPath("/in"),
        staging: openS3Site(destination),
        stagingPath: `/${Bucket}/connectors`,
        pollMs: 1,
      }),
    stored: async (path) => site.files.get(`/in${path}`),
    put: async (path, content) => void site.files.set(`/in${path}`, content),
    lacks: ["folders", "versions"],
    dispose: async () => {
      objects.destroy();
      await services.stop();
    },
  };
});

describe("what a connector says about a failure", () => {
  const staging = { remove: async () => {}, write: async () => {} } as unknown as RemoteSite;
  const failing = (result: object) => {
    const send = async (command: unknown) =>
      command instanceof StartFileTransferCommand ? { TransferId: "t" } : { FileTransferResults: [result] };
    const client = { send } as unknown as TransferClient;
    const folder = parseVirtualPath("/");
    return createTransferConnector({ client, connectorId: "c", folder, staging, stagingPath: "/b/p", pollMs: 1 });
  };
  const write = (result: object) => {
    const options = { offset: 0, bytes: 0, sha256: "", overwrite: true };
    return failing({ StatusCode: "FAILED", ...result }).write(parseVirtualPath("/a"), empty, options);
  };
  async function* empty(): AsyncGenerator<Uint8Array> {}

  it("is for good where the login is refused or something is missing, and may pass otherwise", async () => {
    await refuses("permission-denied", write({ FailureCode: "AUTHENTICATION_FAILED" }));
    await refuses("permission-denied", write({ FailureMessage: "Host key verification failed" }));
    await refuses("not-found", write({ FailureMessage: "No such file or directory" }));
    await refuses("unavailable", write({ FailureCode: "CONNECTION_RESET" }));
    await refuses("unavailable", write({}));
  });
});
