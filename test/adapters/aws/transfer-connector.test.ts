import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { StartFileTransferCommand, TransferClient } from "@aws-sdk/client-transfer";
import { openS3Site } from "../../../adapters/aws/s3-site.ts";
import { createTransferConnector } from "../../../adapters/aws/transfer-connector.ts";
import { parseVirtualPath } from "../../../core/virtual-path.ts";
import type { RemoteSite } from "../../../ports/remote-site.ts";
import { refuses } from "../../contract/refusal.ts";
import { describeRemoteSite } from "../../contract/remote-site.contract.ts";
import { awsServerOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { remoteDestination } from "../../support/remote-destination.ts";
import { ConnectorSite, startTransferService } from "../../support/transfer-service.ts";

describeRemoteSite("a connector of AWS Transfer Family", awsServerOrSkip(), async () => {
  const services = await startAwsServices();
  const credentials = { accessKeyId: "test", secretAccessKey: "test-secret" };
  const region = "eu-west-1";
  const objects = new S3Client({ endpoint: services.endpoint, region, credentials, forcePathStyle: true });
  const Bucket = `staging-${randomUUID()}`;
  await objects.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  const site = new ConnectorSite(() => objects);
  const service = await startTransferService(site);
  const client = new TransferClient({ endpoint: service.endpoint, region, credentials });
  const destination = remoteDestination(`s3://${Bucket}/connectors`, {
    user: credentials.accessKeyId,
    password: credentials.secretAccessKey,
    region,
    endpoint: services.endpoint,
  });
  return {
    open: async () =>
      createTransferConnector({
        client,
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
      client.destroy();
      await service.close();
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
